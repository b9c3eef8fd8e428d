"""How a unit does an operation: itself, or by the expansion that takes the fewest slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from accelsim.arch.expansion import Expansion, ExpansionFile
from accelsim.specs import find, read, validate

STANDARD = "standard"
SIGNIFICANDS = {8: 4, 16: 11, 32: 24, 64: 53}  # word bits -> bits of the significand


@dataclass(frozen=True, kw_only=True)
class Done:
    """An operation as a unit does it: ``ops`` of the unit by kind, and the rows that led to them."""

    ops: Mapping[str, int]
    rows: tuple[Expansion, ...] = ()

    @property
    def is_stand_in(self) -> bool:
        """Whether one operation does exactly the work of the other."""
        return sum(self.ops.values()) == 1 and not any(r.relative or r.absolute for r in self.rows)

    def coarser_than(self, word_bits: int) -> bool:
        """Whether a row's error is above half a unit in the last place of a word (IEEE 754's formats)."""
        digits = max((n for bits, n in SIGNIFICANDS.items() if bits <= word_bits), default=1)
        return any(max(row.relative or 0, row.absolute or 0) > 2.0**-digits for row in self.rows)

    def __str__(self) -> str:
        """``1 add, 1 div, 1 exp (definition)``, with the error of every row that has one."""
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(self.ops.items()))
        reasons = []
        for row in self.rows:
            within = [f"{row.relative:g} of the value"] if row.relative else []
            within += [f"{row.absolute:g}"] if row.absolute else []
            if row is self.rows[0] or within:
                error = f" within {' plus '.join(within)}" if within else ""
                reasons.append(f"{row.does}{error}: {row.source}")
        return f"{counts} ({'; '.join(reasons)})"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """An operation that a unit cannot do: ``needs`` are what would help."""

    kind: str
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Expansions:
    """The rows by operation, and the bits of the word that some count."""

    rows: Mapping[str, tuple[Expansion, ...]]
    word_bits: int
    _known: dict[tuple[str, tuple[tuple[str, int], ...]], Done | Lacking] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, own: Iterable[Expansion], word_bits: int) -> Expansions:
        """Return the standard rows; ``own`` rows replace all standard ones of their operation."""
        rows = tuple(own)
        if not rows:
            return _plain(word_bits)
        return cls(rows={**_by_kind(standard().rows), **_by_kind(rows)}, word_bits=word_bits)

    def on(self, kind: str, able: Mapping[str, int]) -> Done | Lacking:
        """Return the way of the fewest slots to do an operation with those that are listed."""
        if kind in able:
            return _itself(kind)
        able = {each: int(slots) for each, slots in able.items()}  # they decide which way is taken
        key = (kind, tuple(able.items()))
        if key not in self._known:
            self._known[key] = self._on(kind, able, frozenset())
        return self._known[key]

    def _on(self, kind: str, able: Mapping[str, int], busy: frozenset[str]) -> Done | Lacking:
        if kind in able:
            return Done(ops={kind: 1})
        if kind in busy:
            return Lacking(kind=kind, needs=(kind,))
        best: Done | None = None
        needs: list[str] = []
        for row in self.rows.get(kind, ()):
            done = self._by(row, able, busy | {kind})
            if isinstance(done, Lacking):
                needs += done.needs
            elif best is None or _slots(done, able) < _slots(best, able):
                best = done
        return best or Lacking(kind=kind, needs=tuple(dict.fromkeys(needs)) or (kind,))

    def _by(self, row: Expansion, able: Mapping[str, int], busy: frozenset[str]) -> Done | Lacking:
        total: Counter[str] = Counter()
        rows = {id(row): row}
        for part, times in row.ops(self.word_bits).items():
            done = self._on(part, able, busy)
            if isinstance(done, Lacking):
                return done
            total.update({k: n * times for k, n in done.ops.items()})
            rows |= {id(r): r for r in done.rows}
        return Done(ops=dict(total), rows=tuple(rows.values()))


@cache
def _itself(kind: str) -> Done:
    return Done(ops={kind: 1})


def _slots(done: Done, able: Mapping[str, int]) -> int:
    return sum(able[kind] * count for kind, count in done.ops.items())


def _by_kind(rows: Iterable[Expansion]) -> dict[str, tuple[Expansion, ...]]:
    found: dict[str, tuple[Expansion, ...]] = {}
    for row in rows:
        found[row.does] = (*found.get(row.does, ()), row)
    return found


@cache
def _plain(word_bits: int) -> Expansions:
    """Return the standard rows as they are: most machines share them, and what is found out about them."""
    return Expansions(rows=_by_kind(standard().rows), word_bits=word_bits)


@cache
def standard() -> ExpansionFile:
    """Return the table that every architecture starts from; the tests hold its rows to their claims."""
    return validate(read(find.path("expansions", STANDARD)), ExpansionFile)
