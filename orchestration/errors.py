"""Failures a user can act on. Each is one plain sentence and a fixed exit code of the `revops` command."""


class RevopsError(Exception):
    """A failure with a sentence for the user: what, where, what to do."""

    exit_code = 1


class AuditFailed(RevopsError):
    """The build broke a promise; nothing was published."""

    exit_code = 1


class ConfigurationError(RevopsError):
    """The command line, revops.yml, a rules file or the environment is wrong."""

    exit_code = 2


class SourceFailed(RevopsError):
    """A source could not be read; what was loaded before is kept."""

    exit_code = 3


class LockHeld(RevopsError):
    """Another run holds the lock of this home folder."""

    exit_code = 4
