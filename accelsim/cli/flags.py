"""What the flags say: lengths, NAME=VALUE pairs, windows; faults name the flag."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accelsim.errors import SpecError, nearest


def length(text: str, flag: str = "--seq") -> int:
    """Return "64K" as 65536."""
    from accelsim.units import parse_count

    try:
        found = parse_count(text)
    except ValueError as error:
        raise SpecError(f"{flag} {error}") from None
    if found < 1:
        raise SpecError(f"{flag} must be at least 1, not {text!r}")
    return found


def lengths(text: str | None) -> list[int] | None:
    """Return "1K,4K" as [1024, 4096]."""
    if text is None:
        return None
    found = [length(part.strip()) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise SpecError(f"--seq must be different lengths, not {text!r}")
    return found


def ranks(pairs: Iterable[str]) -> dict[str, int]:
    """Return ["E=128"] as {"E": 128}."""
    return {name: length(value, f"--set {name}") for name, value in _pairs(pairs, "--set", "E=128")}


def pairs(given: Iterable[str], flag: str, example: str) -> dict[str, str]:
    """Return ["a=b"] of any flag as {"a": "b"}."""
    return dict(_pairs(given, flag, example))


def settings(pairs: Iterable[str]) -> dict[str, str]:
    """Return ["width=16"] as {"width": "16"}."""
    return dict(_pairs(pairs, "--set", "width=16"))


def fields(pairs: Iterable[str]) -> dict[str, Any]:
    """Return ["PE2D.rows=128"] as {"PE2D.rows": 128}; values are read as in YAML."""
    from accelsim.specs import read_text

    found: dict[str, Any] = {}
    for name, value in _pairs(pairs, "--arch-set", "PE2D.rows=128"):
        found[name] = read_text(f"value: {value}\n", f"--arch-set {name}").data["value"]
    return found


def window(text: str | None) -> tuple[int, int] | None:
    """Return "1000:2000" as cycles from and to."""
    if text is None:
        return None
    start, colon, end = text.partition(":")
    try:
        found = (int(start or "0"), int(end))
    except ValueError:
        found = (0, 0)
    if not colon or not 0 <= found[0] < found[1]:
        raise SpecError(f"--window must be cycles FROM:TO such as 0:20000, not {text!r}")
    return found


def scope(text: str) -> str:
    return choice(text, ("attention", "layer"), "--scope")


def choice(text: str, known: Iterable[str], what: str) -> str:
    known = list(known)
    if text not in known:
        raise SpecError(
            f"{what} must be one of {', '.join(known)}, not {text!r}{_near(text, known)}"
        )
    return text


def _near(text: str, known: list[str]) -> str:
    hint = nearest(text, known)
    return hint if "did you mean" in hint else ""


def _pairs(pairs: Iterable[str], flag: str, example: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise SpecError(f"{flag} must be NAME=VALUE such as {example}, not {pair!r}")
        if name.strip() in found:
            raise SpecError(f"{flag} must name {name.strip()} once, not twice")
        found[name.strip()] = value.strip()
    return list(found.items())
