"""Finds a cascade by name or path and reads its YAML; faults of the block point into the YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from accelsim.cascade.cascade import Cascade
from accelsim.cascade.lexer import Source
from accelsim.errors import Fault, SpecError, nearest

_KEYS = ("name", "summary", "source", "passes", "cascade")


def load(name_or_path: str | Path) -> Cascade:
    path = _path(name_or_path)
    try:
        raw = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(Fault(message=f"cannot be read: {error}", file=str(path))) from None
    return read(raw, str(path))


def _path(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith((".yaml", ".yml")) or "/" in text:
        return Path(name_or_path)
    from accelsim.specs import find

    return Path(find.path("cascade", text))


def read(raw: str, file: str) -> Cascade:
    """Return the cascade that a YAML text says."""
    try:
        root = yaml.compose(raw, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SpecError(Fault(message=f"not YAML: {error.problem}", file=file, line=line, column=column)) from None
    except yaml.YAMLError as error:
        raise SpecError(Fault(message=f"not YAML: {error}", file=file)) from None
    nodes = _fields(root, raw, file)
    place = _place(nodes["cascade"], raw, file)
    words = {key: str(nodes[key].value).strip() for key in ("summary", "source") if key in nodes}
    return Cascade.parse(
        place.text,
        str(nodes["name"].value),
        summary=words.get("summary", ""),
        source=words.get("source", ""),
        place=place,
        claimed_passes=_claims(nodes.get("passes"), file),
    )


def _fault(node: yaml.Node, file: str, message: str) -> SpecError:
    mark = node.start_mark
    return SpecError(Fault(message=message, file=file, line=mark.line + 1, column=mark.column + 1))


def _fields(root: yaml.Node | None, raw: str, file: str) -> dict[str, Any]:
    if not isinstance(root, yaml.MappingNode):
        raise SpecError(Fault(message=f"a cascade must be a mapping with {', '.join(_KEYS)}", file=file))
    nodes: dict[str, Any] = {}
    for key, value in root.value:
        if key.value not in _KEYS:
            raise _fault(key, file, f"unknown field {key.value!r}{nearest(str(key.value), _KEYS)}")
        if key.value in nodes:
            raise _fault(key, file, f"{key.value!r} is given twice")
        if key.value != "passes" and not isinstance(value, yaml.ScalarNode):
            raise _fault(value, file, f"{key.value!r} must be text")
        nodes[key.value] = value
    for needed in ("name", "cascade"):
        if needed not in nodes:
            raise SpecError(Fault(message=f"{needed!r} is missing", file=file))
    return nodes


def _place(node: yaml.ScalarNode, raw: str, file: str) -> Source:
    """Return the block text with the line and indent at which it stands in the file."""
    text = str(node.value)
    if node.style == "|":
        lines = raw.split("\n")
        first = node.start_mark.line + 1
        filled = next((line for line in lines[first:] if line.strip()), "")
        indent = len(filled) - len(filled.lstrip(" "))
        return Source(text=text, file=file, first_line=first + 1, indent=indent)
    mark = node.start_mark
    return Source(text=text, file=file, first_line=mark.line + 1, indent=mark.column)


def _claims(node: yaml.Node | None, file: str) -> dict[str, int] | None:
    if node is None:
        return None
    if not isinstance(node, yaml.MappingNode):
        raise _fault(node, file, "'passes' must be a mapping from rank to passes")
    claims: dict[str, int] = {}
    for key, value in node.value:
        if not str(value.value).isdigit():
            raise _fault(value, file, f"the passes of {key.value!r} must be a number, not {value.value!r}")
        claims[str(key.value)] = int(value.value)
    return claims
