"""From a finished build to what readers see: audit, immutable versions, one link that moves."""
