"""Puts data, script and style into one HTML file that asks nobody for anything."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.errors import RevopsError

_HERE = Path(__file__).parent
_STYLES = ("tokens.css", "layout.css", "blocks.css", "drill.css", "print.css")
_ENTRY = "main.js"
_IMPORT = re.compile(r'^import [^;]*? from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) )", re.MULTILINE)


def assemble(data: dict[str, Any]) -> str:
    """The finished page. The same data gives the same text."""
    library, script, style = _library(), _script(), _style()
    payload = _json(data)
    policy = _policy(scripts=(library, script), styles=(style,))
    parts = {
        "policy": html.escape(policy, quote=True),
        "style": style,
        "data": payload,
        "library": library,
        "script": script,
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: parts[found[1]], template)


def size(data: dict[str, Any]) -> int:
    """Bytes of the page with this data."""
    return len(_json(data).encode("utf-8")) + _bare_size()


@cache
def _bare_size() -> int:
    return len(assemble({}).encode("utf-8"))


def _json(data: dict[str, Any]) -> str:
    payload = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # `</` and `<!--` would end or open markup inside the element, whatever its type.
    return payload.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _library() -> str:
    folder = _HERE / "vendor"
    name = "echarts.min.js"
    content = (folder / name).read_bytes()
    expected = (folder / f"{name}.sha256").read_text(encoding="ascii").split()[0]
    if hashlib.sha256(content).hexdigest() != expected:
        raise RevopsError(
            f"{folder / name} is not the file its checksum names; restore it from the repository."
        )
    return content.decode("utf-8")


@cache
def _script() -> str:
    """The modules below script/ as one, each after those it imports."""
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        if name in ordered:
            return
        source = (_HERE / "script" / name).read_text(encoding="utf-8")
        for imported in _IMPORT.findall(source):
            add(imported)
        ordered[name] = _EXPORT.sub("", _IMPORT.sub("", source))

    add(_ENTRY)
    return "\n".join(ordered.values())


@cache
def _style() -> str:
    return "\n".join((_HERE / "style" / name).read_text(encoding="utf-8") for name in _STYLES)


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_source_hash, scripts))}",
            f"style-src {' '.join(map(_source_hash, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source_hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
