"""Puts the steps together: ordinary mappings for a problem, the most fused first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import yaml

from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.grouping import grouped
from accelsim.mapping.auto.hold import Frame, held
from accelsim.mapping.auto.idle import idle
from accelsim.mapping.auto.partition import Parts, partition
from accelsim.mapping.auto.placement import Placed, placed
from accelsim.mapping.auto.schedule import Schedule, stages
from accelsim.mapping.auto.shape import Case, Style
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.masks import masks_of, parts_of
from accelsim.mapping.resolve import Problem
from accelsim.specs import read_text

STYLES = (
    Style(name="deep", back=4),
    Style(name="coarse", tiles=128, share=8, split=False, away=1, back=1),
    Style(name="coarsest", tiles=128, share=4, split=False, away=1, back=1),
    Style(name="rough", tiles=128, split=False, away=1, back=1),
    Style(name="wide", tiles=32, thin=16, split=False, away=1, back=1),
    Style(name="shallow", away=1, back=1),
    Style(name="apart", room=Fraction(1, 64), apart=True, away=1, back=1),
    Style(name="split", room=Fraction(1, 64), away=1, back=1),
    Style(name="serial"),
    Style(name="single", room=Fraction(1, 64), fuse=False),
    Style(name="small", room=Fraction(1, 256), share=256),
    Style(name="least", room=Fraction(1, 4096), share=1 << 16, fuse=False, split=False),
)
FALLBACK = 3  # so many of the last are for what no other can run
LONG = 64  # tiles along a masked rank from which on coarse tiles come first


def candidates(
    problem: Problem, wanted: Callable[[bool], bool] = lambda _: True
) -> Iterator[Mapping]:
    """Yield mappings for a problem, each different; the last ones are the most cautious.

    ``wanted`` is asked before one is made, given whether it is for what no other can run.
    """
    seen: list[dict[str, Any]] = []
    for style in styles(problem):
        fallback = style in STYLES[-FALLBACK:] or style.thin > 1
        if not wanted(fallback):
            continue
        draft = Draft.of(Case.of(problem, style))
        data = draft.data()
        what = {key: value for key, value in data.items() if key != "summary"}
        if what not in seen:
            seen.append(what)
            yield replace(draft.read(data), fallback=fallback)


def styles(problem: Problem) -> list[Style]:
    """Return the styles; coarse ones first where a mask makes every one of many rows another."""
    case = Case.of(problem, STYLES[0])
    planes = [plane for each in masks_of(case.cascade, case.sizes).values() for plane in each]
    parts = parts_of(case.cascade, case.sizes).values()
    planes += [plane for each in parts for part in each for plane in part]
    masked = any(
        case.extent(c) > LONG * case.side[1]
        for plane in planes
        if len(plane.coefs) > 1
        for c in plane.coefs
    )
    return sorted(
        STYLES, key=lambda s: (masked and s.tiles is None, s.share if masked and s.tiles else 0)
    )


class _Line(dict[str, Any]):
    """A table that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes as a person would: an Einsum a line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


_Dumper.add_representer(
    _Line,
    lambda dumper, line: dumper.represent_mapping("tag:yaml.org,2002:map", line, flow_style=True),
)


@dataclass(frozen=True, kw_only=True)
class Nested:
    """A group with what is decided of it but its schedule: units, parts of coordinates, loops."""

    group: Group
    items: tuple[Placed, ...]
    parts: dict[str, Parts]
    frame: Frame

    def by_rule(self, style: Style) -> Schedule:
        """Return the schedule of a style: a stage more for each way between arrays."""
        return Schedule(stage=stages(self.group, self.items, style.away, style.back))


@dataclass(frozen=True, kw_only=True, eq=False)
class Draft:
    """A mapping but for its schedule."""

    case: Case
    nests: tuple[Nested, ...]

    @classmethod
    def of(cls, case: Case) -> Draft:
        nests = []
        for group in grouped(case):
            items = tuple(placed(group, case))
            parts = partition(group, items, case)
            frame = _frame(group, parts, case)
            nests.append(Nested(group=group, items=items, parts=parts, frame=frame))
        return cls(case=case, nests=tuple(nests))

    @property
    def shape(self) -> object:
        """What tells one draft from another: units, parts of coordinates and loops."""
        return self.case.style.ahead, *(
            (
                nest.frame.loops,
                tuple((i.id, i.unit, tuple(i.space.items())) for i in nest.items),
                tuple((*p.names, *p.sizes.items()) for p in nest.parts.values()),
                tuple(nest.group.tile.items()),
            )
            for nest in self.nests
        )

    def mapping(self, schedules: Sequence[Schedule] | None = None) -> Mapping:
        """Return the mapping with a schedule for each nest, by default that of the style."""
        return self.read(self.data(schedules))

    def read(self, data: dict[str, Any]) -> Mapping:
        """Return the mapping that data say, by way of the text that a person would write."""
        text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110)
        name = f"auto.{self.case.style.name}"
        return Mapping.from_document(read_text(text, name), name)

    def data(self, schedules: Sequence[Schedule] | None = None) -> dict[str, Any]:
        case = self.case
        if schedules is None:
            schedules = [nest.by_rule(case.style) for nest in self.nests]
        data: dict[str, Any] = {
            "cascade": case.cascade.name,
            "summary": f"made for {case.arch.name}: {case.style.name}",
        }
        if case.style.params:
            data["sizes"] = dict(case.style.params)
        data["blocks"] = [
            self._block(number, schedule) for number, schedule in enumerate(schedules)
        ]
        states = [e.tensor for e in case.cascade.inits if e.reads]
        if states:
            names = ", ".join(dict.fromkeys(states))
            data["assumptions"] = [f"the first states of {names} are in place: they are not loaded"]
        return data

    def _block(self, number: int, schedule: Schedule) -> dict[str, Any]:
        case, nest = self.case, self.nests[number]
        group, parts, frame = nest.group, nest.parts, nest.frame
        items = schedule.sorted(nest.items)
        stage = {item.id: schedule.stage.get(item.id, 0) for item in items}
        later = {
            r.tensor for n in self.nests[number + 1 :] for e in n.group.equations for r in e.reads
        }
        stored = frozenset(later | {t.name for t in case.cascade.outputs})
        quiet = idle(group, case, stored)
        kept = held(group, items, frame, stage, case, stored, schedule.copies)
        block: dict[str, Any] = {"loops": list(frame.loops)}
        cut = {p.coord.upper(): p.names for p in parts.values() if len(p.names) > 1}
        sizes = {n: s for p in parts.values() for n, s in p.sizes.items()}
        late = {n: s for n, s in sizes.items() if isinstance(s, str) and "max_fit" in s}
        if cut:
            block["partition"] = cut
            block["sizes"] = {n: s for n, s in sizes.items() if n not in late} | late
        if kept.hold:
            block["hold"] = kept.hold
        if kept.depth:
            block["depth"] = kept.depth
        block["bind"] = [_Line(_bind(item, parts, stage, quiet)) for item in items]
        return block


def _bind(
    item: Placed, parts: dict[str, Parts], stage: dict[str, int], quiet: dict[str, str]
) -> dict[str, Any]:
    bind: dict[str, Any] = {"einsum": item.id, "unit": item.unit}
    space = {d: parts[c].space.lower() for d, c in item.space.items()}
    if space:
        bind["space"] = space
    time = [
        name.lower()
        for c in item.equation.coords
        for name in (parts[c].time, parts[c].space)
        if name and name.lower() not in space.values()
    ]
    if time:
        bind["time"] = time
    if stage[item.id]:
        bind["stage"] = stage[item.id]
    if item.id in quiet:
        bind["only_with"] = quiet[item.id]
    return bind


def _frame(group: Group, parts: dict[str, Parts], case: Case) -> Frame:
    """Return the loops: leading ranks, parallel ones, sequential ones, then the split one's inner part."""
    leading = [n for n in case.problem.leading if n not in case.style.inner]
    inside = [n for n in case.problem.leading if n in case.style.inner]
    outer = [c for c in group.loops if c not in group.sequential]
    inner = [c for c in group.loops if c in group.sequential]
    loops = [(name, "") for name in leading]
    loops += [((parts[c].far or parts[c].near).lower(), c) for c in outer]
    loops += [(parts[c].near.lower(), c) for c in inner]
    loops += [(name, "") for name in inside]
    loops += [(parts[c].near.lower(), c) for c in outer if parts[c].far]
    return Frame(loops=tuple(n for n, _ in loops), coord=dict(loops), parts=parts)
