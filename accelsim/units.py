"""Quantities with units, read exactly: "16 MiB" is an integer of bytes, "940 MHz" a Fraction of Hz."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from accelsim.errors import nearest

_LONGEST = 64
KEPT = 1024  # texts that were read last are kept
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,2}))?")
_COUNT = re.compile(r"([0-9]{1,15})\s*([A-Za-z]*)")
_COUNT_SUFFIXES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def _scaled(base: str, prefixes: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {f"{prefix}{base}": factor for prefix, factor in prefixes.items()}


_POWERS = {"": 0, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}
_SUBMULTIPLES = {prefix: Fraction(10) ** power for prefix, power in _POWERS.items()}
_THOUSANDS = {prefix: Fraction(1000) ** i for i, prefix in enumerate(["", "k", "M", "G", "T"])}
_DECIMAL = _THOUSANDS | {"K": Fraction(1000), "P": Fraction(1000) ** 5}
_BINARY = {f"{prefix}i": Fraction(1024) ** i for i, prefix in enumerate("KMGTP", start=1)}

_SIZES = {
    **_scaled("B", _DECIMAL | _BINARY),
    **{unit: factor / 8 for unit, factor in _scaled("bit", _DECIMAL | _BINARY).items()},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Dimension:
    """A kind of quantity: its units as multiples of the base unit, and how to say it in a message.

    ``shown`` are the units that :meth:`text` chooses from, in rising order.
    """

    noun: str
    example: str
    base: str
    units: Mapping[str, Fraction]
    shown: tuple[str, ...]

    def parse(self, text: object) -> Fraction:
        """Return ``text`` in the base unit; ValueError says what it must be and the nearest unit."""
        if isinstance(text, str):
            return self._parsed(text)
        wrong = self._wrong(text)
        if isinstance(text, int | float) and not isinstance(text, bool):
            raise ValueError(f"{wrong}; write its unit: {', '.join(self.shown)}")
        raise ValueError(wrong)

    def _wrong(self, text: object) -> str:
        return f"must be {self.noun} such as {self.example!r}, not {brief(text)}"

    @lru_cache(maxsize=KEPT)  # noqa: B019 - there are but a few dimensions
    def _parsed(self, text: str) -> Fraction:
        wrong = self._wrong(text)
        stripped = text.strip()
        match = _NUMBER.match(stripped) if len(stripped) <= _LONGEST else None
        if match is None:
            raise ValueError(wrong)
        unit = stripped[match.end() :].strip()
        if not unit:
            raise ValueError(f"{wrong}; write its unit: {', '.join(self.shown)}")
        if unit not in self.units:
            raise ValueError(wrong + self._nearest(unit))
        return Fraction(match[1]) * Fraction(10) ** int(match[2] or 0) * self.units[unit]

    def text(self, value: Fraction | float) -> str:
        """Return ``value`` (in the base unit) in its largest fitting unit, to four digits."""
        exact = Fraction(value)
        unit = self.shown[0]
        for candidate in self.shown:
            if abs(exact) >= self.units[candidate]:
                unit = candidate
        scaled = exact / self.units[unit]
        digits = str(scaled.numerator) if scaled.denominator == 1 else f"{float(scaled):.4g}"
        return f"{digits} {unit}"

    @property
    def pattern(self) -> str:
        """The regular expression of a JSON Schema for this quantity."""
        units = "|".join(re.escape(unit) for unit in self.units)
        return rf"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{{1,2}})?\s*({units})\s*$"

    def _nearest(self, unit: str) -> str:
        for known in self.units:
            if known.casefold() == unit.casefold():
                return f"; did you mean {known!r}?"
        hint = nearest(unit, self.units)
        return hint if "did you mean" in hint else f"; known: {', '.join(self.shown)}"


SIZE = Dimension(
    noun="a size",
    example="16 MiB",
    base="B",
    units=_SIZES,
    shown=("B", "KiB", "MiB", "GiB", "TiB", "PiB"),
)
BANDWIDTH = Dimension(
    noun="a bandwidth",
    example="400 GiB/s",
    base="B/s",
    units={f"{unit}/s": factor for unit, factor in _SIZES.items()},
    shown=("B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"),
)
FREQUENCY = Dimension(
    noun="a frequency",
    example="940 MHz",
    base="Hz",
    units=_scaled("Hz", _THOUSANDS),
    shown=("Hz", "kHz", "MHz", "GHz"),
)
DURATION = Dimension(
    noun="a time",
    example="100 ns",
    base="s",
    units=_scaled("s", _SUBMULTIPLES),
    shown=("fs", "ps", "ns", "us", "ms", "s"),
)
LENGTH = Dimension(
    noun="a length",
    example="45 nm",
    base="m",
    units=_scaled("m", _SUBMULTIPLES),
    shown=("nm", "um", "mm", "m"),
)
ENERGY = Dimension(
    noun="an energy",
    example="0.5 pJ",
    base="pJ",
    units={unit: factor * 10**12 for unit, factor in _scaled("J", _SUBMULTIPLES).items()},
    shown=("fJ", "pJ", "nJ", "uJ", "mJ", "J"),
)
AREA = Dimension(
    noun="an area",
    example="1.5 mm2",
    base="um2",
    units={"nm2": Fraction(1, 10**6), "um2": Fraction(1), "mm2": Fraction(10**6)},
    shown=("um2", "mm2"),
)


def parse_size(text: object) -> int:
    """Return a size in whole bytes: ``parse_size("16 MiB") == 2**24``; ValueError if it is none."""
    size = SIZE.parse(text)
    if size.denominator != 1:
        raise ValueError(f"must be a whole number of bytes, not {brief(text)}")
    return int(size)


def parse_bandwidth(text: object) -> Fraction:
    """Return a bandwidth in bytes per second."""
    return BANDWIDTH.parse(text)


def parse_frequency(text: object) -> Fraction:
    """Return a frequency in Hz."""
    return FREQUENCY.parse(text)


def parse_duration(text: object) -> Fraction:
    """Return a time in seconds."""
    return DURATION.parse(text)


def parse_length(text: object) -> Fraction:
    """Return a length in metres, such as the feature size of a process."""
    return LENGTH.parse(text)


def parse_energy(text: object) -> Fraction:
    """Return an energy in pJ."""
    return ENERGY.parse(text)


def parse_area(text: object) -> Fraction:
    """Return an area in um^2."""
    return AREA.parse(text)


def parse_count(text: object) -> int:
    """Return a count of elements: ``"64K"`` is 65536 and ``"1M"`` is 2**20; ValueError otherwise."""
    match = _COUNT.fullmatch(str(text).strip()) if isinstance(text, str | int) else None
    if match is None or match[2] not in _COUNT_SUFFIXES or isinstance(text, bool):
        raise ValueError(f"must be a count such as '4096', '64K' or '1M', not {brief(text)}")
    return int(match[1]) * _COUNT_SUFFIXES[match[2]]


def format_size(size_bytes: Fraction | float) -> str:
    """Return bytes for a reader: ``"16 MiB"``."""
    return SIZE.text(size_bytes)


def format_bandwidth(bytes_per_second: Fraction | float) -> str:
    """Return bytes per second for a reader: ``"400 GiB/s"``."""
    return BANDWIDTH.text(bytes_per_second)


def format_frequency(hz: Fraction | float) -> str:
    """Return Hz for a reader: ``"940 MHz"``."""
    return FREQUENCY.text(hz)


def format_duration(seconds: Fraction | float) -> str:
    """Return seconds for a reader: ``"1.5 ms"``."""
    return DURATION.text(seconds)


def format_energy(energy_pj: Fraction | float) -> str:
    """Return pJ for a reader: ``"3.2 uJ"``."""
    return ENERGY.text(energy_pj)


def format_area(area_um2: Fraction | float) -> str:
    """Return um^2 for a reader: ``"1.5 mm2"``."""
    return AREA.text(area_um2)


def format_count(count: int) -> str:
    """Return a count as :func:`parse_count` reads it, with the largest suffix that is exact."""
    for suffix, factor in sorted(_COUNT_SUFFIXES.items(), key=lambda item: -item[1]):
        if count and count % factor == 0:
            return f"{count // factor}{suffix}"
    return str(count)


def brief(value: object) -> str:
    """Return a short form of any value for "must be ..., not ..."."""
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a huge number"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
