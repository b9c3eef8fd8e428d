"""Which share of an Einsum's points exists, where data decide: conditions, and what depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from accelsim.cascade import Cascade, ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lattice import UncountableError, count_points
from accelsim.cascade.linear import half_planes
from accelsim.cascade.model import Equation
from accelsim.cascade.sizes import Sizes
from accelsim.mapping.selection import Selection, expected_live
from accelsim.replay.exact import fraction


@dataclass(frozen=True, kw_only=True)
class Event:
    """A condition on data: it holds for ``share`` of the values of its coordinates.

    ``certain``: some value of any one coordinate meets it, so a reduction always finds a point.
    """

    name: str
    coords: frozenset[str]
    share: Fraction
    text: str
    certain: bool = False


@dataclass(frozen=True, kw_only=True)
class Presence:
    """The events on which the points of each Einsum depend."""

    events: dict[str, tuple[Event, ...]]

    def share(self, einsum: str) -> Fraction:
        """Return the share of an Einsum's points that exists."""
        return prod((event.share for event in self.events.get(einsum, ())), start=Fraction(1))

    @property
    def stated(self) -> tuple[str, ...]:
        """Every condition of which a share is stated, a sentence each."""
        texts = (event.text for events in self.events.values() for event in events)
        return tuple(dict.fromkeys(text for text in texts if text))


def presence_of(cascade: Cascade, sizes: Sizes, selection: Selection) -> Presence:
    """Return the presence of every Einsum under a selection."""
    find = _Presence(cascade, sizes, selection).presence
    said = (selection.kind, selection.name, tuple(sorted(selection.live.items())))
    return sizes.kept.once((presence_of, said), find, cascade.block)


class _Presence:
    def __init__(self, cascade: Cascade, sizes: Sizes, selection: Selection) -> None:
        self.cascade, self.sizes, self.selection = cascade, sizes, selection
        self.slots = sizes.places
        self.positive = cascade.kept.once(_positive, lambda: _positive(cascade))
        # tensor -> its events, the coordinates replaced by the numbers of its axes
        self.tensors: dict[str, tuple[tuple[Event, frozenset[int]], ...]] = {}

    def presence(self) -> Presence:
        found: dict[str, tuple[Event, ...]] = {}
        for equation in self.cascade.equations:
            events = tuple(self._unique(self._events(equation)))
            found[equation.id] = events
            if not equation.iterative:  # a state is there from the start
                self._define(equation, found[equation.id])
        return Presence(events=found)

    @staticmethod
    def _unique(events: Iterator[Event]) -> Iterator[Event]:
        seen = set()
        for event in events:
            if (event.name, event.coords) not in seen:
                seen.add((event.name, event.coords))
                yield event

    def _events(self, equation: Equation) -> Iterator[Event]:
        given = self.selection.live.get(equation.id)
        conditions = [w for w in equation.where if ast.has_reads(w)]
        if given is not None:
            text = f"{given} of the points of {equation.id} live (selection {self.selection.name})"
            reads = conditions or [equation.right]
            coords = frozenset(ast.coords_in(*reads)) & set(equation.coords)
            yield Event(name=equation.id, coords=coords, share=given, text=text)
        for condition in conditions:
            yield from self._needs(equation, condition)
            if given is None:
                yield self._condition(equation, condition)
        yield from self._needs(equation, equation.right)

    def _needs(self, equation: Equation, node: Expr) -> Iterator[Event]:
        """Yield the events without which the reads that a tree surely evaluates are absent."""
        match node:
            case ast.Default():
                return
            case ast.Call(function="select", args=(condition, yes, no)):
                yield from self._needs(equation, condition)
                yield from self._choice(equation, condition, yes, no)
                return
            case (
                ast.Read(tensor=tensor, indices=indices)
                | ast.Gather(tensor=tensor, indices=indices)
            ):
                for event, axes in self.tensors.get(tensor, ()):
                    coords = frozenset(c for axis in axes for c in ast.coords_in(indices[axis]))
                    yield replace(event, coords=coords)
        for child in ast.children(node):
            yield from self._needs(equation, child)

    def _choice(self, equation: Equation, condition: Expr, yes: Expr, no: Expr) -> Iterator[Event]:
        """Of two branches each is there in the part of the points in which it is taken."""
        branches = [list(self._unique(self._needs(equation, branch))) for branch in (yes, no)]
        if not any(branches):
            return
        part = self._part(condition)
        shares = [prod((e.share for e in branch), start=Fraction(1)) for branch in branches]
        share = part * shares[0] + (1 - part) * shares[1]
        names = frozenset(c for branch in branches for e in branch for c in e.coords)
        texts = "; ".join(dict.fromkeys(e.text for b in branches for e in b if e.text))
        coords = names | frozenset(ast.coords_in(condition))
        yield Event(name=f"{equation.id}.select", coords=coords, share=share, text=texts)

    def _part(self, condition: Expr) -> Fraction:
        """Return the part of the points for which a condition without reads holds."""
        coords = ast.coords_in(condition)
        planes = half_planes([condition], self.sizes.symbols)
        every = prod(self.sizes.extents[c] for c in coords)
        if planes is None or ast.has_reads(condition) or not every:
            return Fraction(1, 2)
        try:
            return fraction(count_points(planes, coords, self.sizes.extents), every)
        except UncountableError:
            return Fraction(1, 2)

    def _condition(self, equation: Equation, condition: Expr) -> Event:
        coords = frozenset(ast.coords_in(condition)) & set(equation.coords)
        name, shown = f"{equation.id}: {ast.show(condition)}", ast.show(condition)
        match condition:
            case ast.Binary(op=op, left=ast.Read() as a, right=ast.Read() as b) if (
                op in _ORDERS and a.tensor == b.tensor and (count := self._listed(a, b))
            ):
                below = {"<": count - 1, "<=": count + 1, ">": count - 1, ">=": count + 1}[op]
                text = f"{shown} in {equation.id}: {below} of {2 * count} pairs of a list"
                share = fraction(below, 2 * count)
                certain = op in ("<=", ">=")
                return Event(name=name, coords=coords, share=share, text=text, certain=certain)
            case ast.Binary(op=">", left=ast.Read(tensor=tensor), right=ast.Number(value=0)) if (
                tensor in self.positive
            ):
                return Event(name=name, coords=coords, share=Fraction(1), text="")
        share = self.selection.unknown
        text = f"{shown} in {equation.id} holds for {share} of the points ({self._how})"
        return Event(name=name, coords=coords, share=share, text=text)

    @property
    def _how(self) -> str:
        return f"selection {self.selection.name}: stated, not computed"

    def _listed(self, a: ast.Read, b: ast.Read) -> int:
        """Return the length of the list if two reads are of one list of ascending places, else 0."""
        differ = [n for n, (i, j) in enumerate(zip(a.indices, b.indices, strict=True)) if i != j]
        if len(differ) != 1 or differ[0] not in self.slots.get(a.tensor, ()):
            return 0
        both = (a.indices[differ[0]], b.indices[differ[0]])
        if not all(isinstance(index, ast.Coord) for index in both):
            return 0
        return self.sizes.shapes[a.tensor][differ[0]]

    def _define(self, equation: Equation, events: tuple[Event, ...]) -> None:
        """Remember the events of a result: a reduction needs but one of its points."""
        reduce, extents = equation.reduce, self.sizes.extents
        if reduce is not None and reduce.op == "scatter":
            self._scatter(equation)
            return
        kept: list[tuple[Event, frozenset[int]]] = []
        for event in events:
            lost = event.coords & set(equation.reduce_coords)
            if lost and (event.certain or prod(extents[c] for c in lost) == 0):
                continue
            share = expected_live(event.share, prod(extents[c] for c in lost))
            if share == 1:
                continue
            left = event.coords - lost
            axes = frozenset(n for n, axis in enumerate(equation.left) if left & set(axis.coords))
            name = f"{equation.id} of {event.name}" if lost else event.name
            kept.append((replace(event, name=name, share=share), axes))
        if sum(e.tensor == equation.tensor for e in self.cascade.equations) == 1:
            self.tensors[equation.tensor] = tuple(kept)

    def _scatter(self, equation: Equation) -> None:
        """A place is there if some list names it."""
        assert equation.reduce is not None
        for gather in equation.reduce.gathers:
            size = self.sizes.extents[gather.label]
            slots = self.slots.get(gather.tensor, ())
            points, given = {True: 1, False: 1}, {gather.label}
            for axis, index in enumerate(gather.indices):
                coords = set(ast.coords_in(index))
                lost = coords & set(equation.reduce_coords)
                given |= coords - lost
                points[axis in slots] *= prod(self.sizes.extents[c] for c in lost)
            each, lists = points[True], points[False]
            if equation.reduce.combine == "=":  # at most one point a place
                each, lists = each * lists, 1
            rows = self.selection.rows(size, each, lists)
            if rows >= size:
                continue
            how = "" if lists == 1 else f" ({self._how})"
            event = Event(
                name=ast.show(gather),
                coords=frozenset(),
                share=fraction(rows, size),
                text=f"{equation.id} has {rows} of {size} places of {gather.label}{how}",
            )
            axes = frozenset(n for n, a in enumerate(equation.left) if given & set(a.coords))
            self.tensors[equation.tensor] = (*self.tensors.get(equation.tensor, ()), (event, axes))


_ORDERS = ("<", "<=", ">", ">=")


def _positive(cascade: Cascade) -> set[str]:
    """Return the results that are above 0 wherever they are: made of exponentials and positive numbers.

    A running state counts if its steps keep it at 0 or more: a condition "> 0" then asks for a live key.
    """
    found = {e.tensor for e in cascade.equations}
    while True:
        bad = {
            e.tensor
            for e in cascade.block.equations
            if e.tensor in found
            and not _is_positive(e.right, found, state=e.is_init or e.iterative is not None)
        }
        if not bad:
            return found
        found -= bad


def _is_positive(node: Expr, known: set[str], *, state: bool) -> bool:
    def positive(*parts: Expr) -> bool:
        return all(_is_positive(part, known, state=state) for part in parts)

    match node:
        case ast.Number(value=value):
            return value > 0 or (state and value == 0)
        case ast.Read(tensor=tensor):
            return tensor in known
        case ast.Call(function=("exp" | "sigmoid" | "softplus" | "elu1")):
            return True
        case ast.Call(function="max", args=args):
            return any(positive(arg) for arg in args)
        case ast.Call(function=("min" | "sqrt" | "rsqrt"), args=args):
            return positive(*args)
        case ast.Call(function="select", args=(_, yes, no)):
            return positive(yes, no)
        case ast.Binary(op=("+" | "*" | "/"), left=a, right=b) | ast.Default(value=a, other=b):
            return positive(a, b)
    return False
