"""SQL as text, without what is not SQL."""

import re

_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def without_comments(code: str) -> str:
    """SQL or Jinja without its comments, line breaks where they stood."""
    return _COMMENT.sub("\n", code)


def without_texts(code: str) -> str:
    """SQL without comments and with every quoted text empty."""
    return _TEXT.sub("''", without_comments(code))


def as_written(code: str) -> str:
    """What the author of a template wrote as SQL: no comments, no template tags, no texts."""
    return _TEXT.sub("''", _JINJA.sub(" jinja ", without_comments(code)))
