"""The space of a study: its axes, what follows from them, and the conditions that a point must meet."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accelsim.errors import Fault, SpecError, nearest
from accelsim.explore.axis import Axis, plain, symbols_of
from accelsim.explore.fields import PLAIN, TABLES, is_field
from accelsim.explore.point import Keys, Point
from accelsim.explore.study import ExplorationSpec
from accelsim.specs import Document
from accelsim.specs.expr import Expression, Number
from accelsim.specs.reader import Loc

MOST = 5_000_000  # combinations of a grid
_BASE = ("design", "cascade", "arch", "mapping", "workload", "seq", "scope", "selection")
_PART = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Space:
    """Axes in the order of the file; ``keys`` knows the base of every combination of names."""

    spec: ExplorationSpec
    document: Document
    axes: tuple[Axis, ...]
    where: tuple[Expression, ...]
    keys: Keys

    @classmethod
    def of(cls, spec: ExplorationSpec, document: Document) -> Space:
        """Return the space of a spec; SpecError with every fault that can be told without a run."""
        faults: list[Fault] = []
        axes: list[Axis] = []
        for name, entry in spec.vary.items():
            try:
                axes.append(Axis.of(name, entry))
            except ValueError as error:
                faults.append(document.fault(("vary", name), f"vary.{name}: {error}"))
        where: list[Expression] = []
        for number, text in enumerate(spec.where):
            try:
                where.append(Expression.parse(text))
            except ValueError as error:
                faults.append(document.fault(("where", number), f"where: {error}"))
        if faults:
            raise SpecError(faults)
        space = cls(spec=spec, document=document, axes=tuple(axes), where=tuple(where), keys=Keys())
        space._check_names()
        return space

    @property
    def combinations(self) -> int:
        """How many combinations of levels there are, conditions left out."""
        return math.prod(len(axis.levels) for axis in self.axes)

    def points(self) -> Iterator[Point]:
        """Yield the points for which every condition holds, the last axis changing fastest."""
        for place in self._places((), self._start()):
            point = self.point(place)
            if point is not None:
                yield point

    def alone(self, number: int) -> Iterator[Point]:
        """Yield the points that there would be if only one condition stood."""
        one = replace(self, where=(self.where[number],))
        return one.points()

    def point(self, levels: Sequence[int]) -> Point | None:
        """Return the point of a choice of levels, or None where a condition does not hold."""
        settings = self._start()
        place: list[int] = []
        labels: dict[str, Any] = {}
        made: dict[str, Any] = {}
        for axis, number in zip(self.axes, levels, strict=True):
            active = number >= 0 and self._active(axis, settings, labels)
            place.append(number if active else -1)
            labels[axis.name] = axis.levels[number].label if active else None
            if active:
                made[axis.name] = axis.levels[number].value
                if is_field(axis.name):
                    settings[axis.name] = made[axis.name]
        self._follow(settings, labels, made)
        known = self.symbols(settings, {**made, **labels}) if self.where else {}
        if not all(self._holds(c, ("where", i), known) for i, c in enumerate(self.where)):
            return None
        return Point(place=tuple(place), values=labels, settings=settings)

    def symbols(self, settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Number]:
        """Return what expressions can read: parameters, fields that are set, fields of the files."""
        named = "design" in settings or {"cascade", "arch"} <= set(settings)
        facts = self.keys.base(settings).facts if named else {}
        return {
            **self._texts,
            **facts,
            **symbols_of(settings, self._texts),
            **symbols_of(values, self._texts),
        }

    def _places(self, done: tuple[int, ...], settings: dict[str, Any]) -> Iterator[tuple[int, ...]]:
        """Yield the choices of levels; an axis that is not varied has one, -1."""
        if len(done) == len(self.axes):
            yield done
            return
        axis = self.axes[len(done)]
        values = {a.name: _label(a, n) for a, n in zip(self.axes, done, strict=False)}
        if not self._active(axis, settings, values):
            yield from self._places((*done, -1), settings)
            return
        for number, level in enumerate(axis.levels):
            changed = {**settings, axis.name: level.value} if is_field(axis.name) else settings
            yield from self._places((*done, number), changed)

    def _active(self, axis: Axis, settings: dict[str, Any], values: dict[str, Any]) -> bool:
        if axis.when is None:
            return True
        return self._holds(axis.when, ("vary", axis.name, "when"), self.symbols(settings, values))

    def _holds(self, condition: Expression, loc: Loc, symbols: Mapping[str, Number]) -> bool:
        try:
            return bool(condition.evaluate(symbols))
        except ValueError as error:
            head = ".".join(str(part) for part in loc if isinstance(part, str))
            raise SpecError(self.document.fault(loc, f"{head}: {error}")) from None

    def _start(self) -> dict[str, Any]:
        found = {name: plain(getattr(self.spec, name)) for name in _BASE}
        return {name: value for name, value in found.items() if value is not None}

    def _follow(
        self, settings: dict[str, Any], labels: Mapping[str, Any], made: dict[str, Any]
    ) -> None:
        """Put the fields of ``set``, each from the parameters and from those before it."""
        if not self.spec.set:
            return
        known = self.symbols(settings, {**labels, **made})
        for name, entry in self.spec.set.items():
            made[name] = self._value(name, entry, known, made)
            known |= symbols_of({name: made[name]}, self._texts)
            if is_field(name):
                settings[name] = made[name]

    def _value(
        self, name: str, entry: Any, known: Mapping[str, Number], made: Mapping[str, Any]
    ) -> Any:
        """Return a parameter's value, that of a formula, a text with formulas in braces, or the entry."""
        if not isinstance(entry, str):
            return entry
        if entry in made:
            return made[entry]

        def number(text: str) -> Any:
            try:
                value = Expression.parse(text).evaluate(known)
            except ValueError as error:
                fault = self.document.fault(("set", name), f"set.{name}: {error}")
                raise SpecError(fault) from None
            return value if isinstance(value, int) else float(value)

        if "{" in entry:
            return plain(_PART.sub(lambda found: str(number(found[1])), entry))
        try:
            names = Expression.parse(entry).names
        except ValueError:
            return plain(entry)
        return number(entry) if names and names <= set(known) - set(self._texts) else plain(entry)

    @cached_property
    def _texts(self) -> dict[str, int]:
        """A number for every text that a condition may name: labels and names of the study."""
        words = [level.label for axis in self.axes for level in axis.levels]
        words += [*self._start().values(), *self.spec.set.values(), "auto"]
        own = {*self.spec.vary, *self.spec.set}
        found = [w for w in words if isinstance(w, str) and _WORD.fullmatch(w) and w not in own]
        return {word: -1_000_003 - i for i, word in enumerate(dict.fromkeys(found))}

    def _check_names(self) -> None:
        """Say of each name that nothing has: a field, a parameter, an axis that changes nothing."""
        faults: list[Fault] = []
        fields = {*PLAIN, *(f"{table}.NAME" for table in TABLES)}
        used = self._used()
        for key in ("vary", "set"):
            for name in getattr(self.spec, key):
                if is_field(name):
                    if key == "set" and name in self.spec.vary:
                        message = f"set.{name}: must not be set, as it is varied"
                        faults.append(self.document.fault(("set", name), message, key=True))
                elif "." in name:
                    head = name.partition(".")[0]
                    hint = nearest(head, TABLES)
                    message = f"{key}.{name}: must begin with {', '.join(TABLES)}{hint}"
                    faults.append(self.document.fault((key, name), message, key=True))
                elif name not in used:
                    hint = nearest(name, PLAIN)
                    message = (
                        f"{key}.{name}: must be a field ({', '.join(sorted(fields))}) or stand in a"
                        f" formula of set{hint if 'did you mean' in hint else ''}"
                    )
                    faults.append(self.document.fault((key, name), message, key=True))
        if faults:
            raise SpecError(faults)

    def _used(self) -> set[str]:
        found: set[str] = set()
        for entry in self.spec.set.values():
            if not isinstance(entry, str):
                continue
            for text in _PART.findall(entry) if "{" in entry else [entry]:
                try:
                    found |= Expression.parse(text).names
                except ValueError:
                    continue
        return found


def _label(axis: Axis, number: int) -> Any:
    return axis.levels[number].label if number >= 0 else None
