"""Erasing a person: out of every file of a home folder, for good, with a proof."""
