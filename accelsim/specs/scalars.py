"""What a YAML scalar means by the rules of the YAML 1.2 core schema."""

from __future__ import annotations

import math
import re

_LONGEST_NUMBER = 400
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCT = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")

_PREFIX = "tag:yaml.org,2002:"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "bool": bool,
    "int": int,
    "float": (int, float),
}


def resolve(text: str, *, tag: str | None, plain: bool) -> str | int | float | bool | None:
    """Return the value of a scalar; ValueError for a custom tag or a number out of bounds.

    ``plain`` says that the scalar is neither quoted nor a block.
    """
    if tag in {None, ""}:
        return _core(text) if plain else text
    kind = (tag or "").removeprefix(_PREFIX)
    if tag in {"!", _PREFIX + "str"}:
        return text
    if tag != _PREFIX + kind or kind not in _TYPES:
        raise ValueError(f"must have no tag, not {tag!r}")
    value = _core(text)
    if not isinstance(value, _TYPES[kind]) or (kind != "bool" and isinstance(value, bool)):
        raise ValueError(f"must be of type {kind}, as its tag says, not {text!r}")
    return float(value) if kind == "float" and value is not None else value


def _core(text: str) -> str | int | float | bool | None:
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text in {"true", "True", "TRUE"}
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> str | int | float:
    infinite = _INF.fullmatch(text)
    if infinite:
        return -math.inf if infinite[1] == "-" else math.inf
    if _NAN.fullmatch(text):
        return math.nan
    if not (_FLOAT.fullmatch(text) or _OCT.fullmatch(text) or _HEX.fullmatch(text)):
        return text
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"must be a number of at most {_LONGEST_NUMBER} digits")
    if _INT.fullmatch(text):
        return int(text)
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"must be a number below 1e308, not {text!r}")
    return value
