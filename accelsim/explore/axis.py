"""The values of one parameter, in the order of the file; ranges of numbers and quantities are exact."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from accelsim.explore.study import AxisSpec
from accelsim.specs.expr import Expression, Number
from accelsim.units import AREA, BANDWIDTH, DURATION, FREQUENCY, SIZE, Dimension, brief, parse_count

LONGEST = 100_000  # values of one parameter
_DIMENSIONS = (SIZE, BANDWIDTH, FREQUENCY, DURATION, AREA)
_QUANTITY = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-zµ/0-9]+)\s*")


@dataclass(frozen=True, kw_only=True)
class Level:
    """One value of a parameter and what tables and conditions call it."""

    label: Any
    value: Any


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A parameter: its levels, and the condition under which it is varied at all."""

    name: str
    levels: tuple[Level, ...]
    when: Expression | None = None

    @classmethod
    def of(cls, name: str, spec: AxisSpec) -> Axis:
        """Return the axis that a spec says; ValueError names what is wrong with it."""
        when = None if spec.when is None else Expression.parse(spec.when)
        if spec.choices is not None:
            levels = [Level(label=k, value=plain(v)) for k, v in spec.choices.items()]
        elif spec.values is not None:
            levels = [_level(value) for value in spec.values]
        else:
            levels = [Level(label=v, value=v) for v in _range(spec)]
        seen: dict[str, Any] = {}
        for level in levels:
            key = repr(canonical(level.value))
            if key in seen:
                raise ValueError(
                    f"must be different values, not twice {brief(level.value)}"
                    + (f" ({brief(seen[key])})" if seen[key] != level.value else "")
                )
            seen[key] = level.value
        return cls(name=name, levels=tuple(levels), when=when)

    @property
    def ordered(self) -> bool:
        """Whether the levels are numbers or quantities in a rising or falling order."""
        numbers = [measure(level.value) for level in self.levels]
        known = [n for n in numbers if n is not None]
        return len(known) == len(numbers) and known in (sorted(known), sorted(known, reverse=True))


def plain(value: Any) -> Any:
    """Return a count such as "64K" as a number; anything else as it is."""
    return _count(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _count(text: str) -> int | str:
    try:
        return parse_count(text)
    except ValueError:
        return text


@lru_cache(maxsize=4096)
def _quantity(text: str) -> tuple[str, Fraction] | None:
    for dimension in _DIMENSIONS:
        try:
            return dimension.base, dimension.parse(text)
        except ValueError:
            continue
    return None


def measure(value: Any) -> Number | None:
    """Return a number, or a quantity in its base unit (bytes, Hz, s); None for what is neither."""
    value = plain(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Fraction):
        return value
    found = _quantity(value) if isinstance(value, str) else None
    return None if found is None else found[1]


def canonical(value: Any) -> Any:
    """Return a value so that equal ones look alike: 1e3 and 1000, "1 MiB" and "1024 KiB"."""
    value = plain(value)
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in sorted(value.items(), key=lambda i: str(i[0]))}
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, str):
        found = _quantity(value)
        return value if found is None else f"{found[1]} {found[0]}"
    if isinstance(value, Fraction):
        return canonical(int(value)) if value.denominator == 1 else str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _level(value: Any) -> Level:
    value = plain(value)
    if isinstance(value, dict | list):
        raise ValueError(
            "must be plain values; give a table or a list a name by choices: {NAME: ...}"
        )
    return Level(label=value, value=value)


def _range(spec: AxisSpec) -> list[Any]:
    """Return the values of a range, in the unit of its start."""
    start, unit, dimension = _end(spec.start, "from")
    stop, _, other = _end(spec.stop, "to")
    if dimension is not other:
        raise ValueError(
            f"range must have both ends in one kind of unit, not {brief(spec.start)}"
            f" and {brief(spec.stop)}"
        )
    factor = dimension.units[unit] if dimension is not None else Fraction(1)
    found: list[Fraction] = []
    if spec.times is not None:
        ratio = Fraction(str(spec.times))
        if start <= 0:
            raise ValueError(f"range by factors must begin above zero, not at {brief(spec.start)}")
        _check_count(math.log(max(float(stop / start), 1.0)) / math.log(ratio))
        value = start
        while value <= stop:
            found.append(value)
            value *= ratio
    else:
        step, _, kind = (
            _end(spec.step, "step") if spec.step is not None else (factor, "", dimension)
        )
        if kind is not dimension:
            raise ValueError(f"step must be in the unit of the ends, not {brief(spec.step)}")
        if step <= 0:
            raise ValueError(f"step must be above zero, not {brief(spec.step)}")
        count = max((stop - start) / step, Fraction(-1))
        _check_count(float(count))
        found = [start + i * step for i in range(math.floor(count) + 1)]
    if not found:
        raise ValueError(f"range must hold a value, not none: from {spec.start} to {spec.stop}")
    return [_written(value / factor, unit) for value in found]


def _check_count(count: float) -> None:
    if count > LONGEST:
        raise ValueError(f"range must hold at most {LONGEST} values, not {count:.0f}")


def _end(value: Any, what: str) -> tuple[Fraction, str, Dimension | None]:
    """Return an end of a range in base units, with its unit and kind of quantity."""
    value = plain(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return Fraction(str(value)), "", None
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        for dimension in _DIMENSIONS if match else ():
            assert match is not None
            if match[2] in dimension.units:
                return dimension.parse(value), match[2], dimension
    raise ValueError(f"{what} must be a number, a count or a quantity, not {brief(value)}")


def _written(value: Fraction, unit: str) -> Any:
    number: int | float = value.numerator if value.denominator == 1 else float(value)
    return f"{number} {unit}" if unit else number


def symbols_of(values: Mapping[str, Any], texts: Mapping[str, int]) -> dict[str, Number]:
    """Return values as an expression reads them: numbers in base units, texts by a number each."""
    found: dict[str, Number] = {}
    for name, value in values.items():
        number = measure(value)
        if number is not None:
            found[name] = number
        elif isinstance(value, bool):
            found[name] = value
        elif isinstance(value, str) and value in texts:
            found[name] = texts[value]
    return found
