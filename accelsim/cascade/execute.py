"""Runs a plan: steps and loops over tiles, on stores that hold what is still needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from accelsim.cascade.formats import Format
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import Equation, Plain
from accelsim.cascade.order import MAX_STEPS, Step
from accelsim.cascade.parts import accumulates, joined
from accelsim.cascade.plan import Loop, Node, frees
from accelsim.cascade.pointwise import by_points, opaque
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.statement import compute, place, slices
from accelsim.cascade.store import Span, Store, Vector
from accelsim.cascade.vector import Scope, UnsupportedError

_Box = tuple[Span, ...]
_UNABLE = (UnsupportedError, ValueError, ArithmeticError, TypeError)


class Machine:
    """The stores of one evaluation and the loops that are under way."""

    def __init__(
        self,
        source: Source,
        sizes: Sizes,
        stores: dict[str, Store],
        formats: Mapping[str, Format],
        limit: int,
    ) -> None:
        self.source, self.sizes, self.stores = source, sizes, stores
        self.formats, self.limit = formats, limit
        self.stack: list[tuple[Loop, int, int]] = []

    def run(self, nodes: Sequence[Node], kept: frozenset[str]) -> None:
        """Run nodes in order; of what they write only ``kept`` stays."""
        last = frees(nodes, kept)
        for number, node in enumerate(nodes):
            if isinstance(node, Loop):
                self.loop(node)
            elif node.is_opaque:
                opaque(node.equations, self.source, self.sizes, self.stores, self.formats)
            elif node.rank is None:
                self.equation(node.equations[0])
            else:
                self.steps(node)
            for tensor in last.get(number, ()):
                self.stores.pop(tensor, None)

    def loop(self, loop: Loop) -> None:
        group = loop.group
        for low in range(0, group.extent, loop.tile):
            self.stack.append((loop, low, min(low + loop.tile, group.extent)))
            for tensor, window in group.windows.items():
                if tensor in loop.lasting:
                    span = self.box(tensor)[window.axis]
                    if low and tensor in self.stores:
                        self.stores[tensor].move(window.axis, span)
                    else:
                        self.stores[tensor] = self.empty(tensor)
            if not low:
                self.run(group.prologue, loop.lasting)
            self.run(loop.body, loop.lasting)
            self.stack.pop()
        for step in group.inside:
            for equation in step.equations:
                if equation.tensor in self.stores:
                    self.stores[equation.tensor].settle()

    def spans(self, equation: Equation) -> dict[str, Span]:
        """Return which part of its coordinates an equation runs over now."""
        found: dict[str, Span] = {}
        for loop, low, high in self.stack:
            coord = loop.group.coords.get(id(equation))
            if coord is not None:
                found[coord] = (low, high)
        return found

    def box(self, tensor: str) -> _Box:
        """Return which elements of a tensor are held now."""
        box = [(0, n) for n in self.sizes.shapes[tensor]]
        for loop, low, high in self.stack:
            window = loop.group.windows.get(tensor)
            if window is not None:
                length = self.sizes.shapes[tensor][window.axis]
                span = (max(low - window.lag, 0), min(high + window.shift, length))
                box[window.axis] = span
        return tuple(box)

    def empty(self, tensor: str) -> Store:
        return Store.empty(self.box(tensor), self.sizes.shapes[tensor])

    def equation(self, equation: Equation) -> None:
        """Compute an equation that does not depend on itself."""
        scope = self.scope(equation, {})
        value = self.value(equation, scope)
        cut = [
            (low == 0, high == loop.group.extent)
            for loop, low, high in self.stack
            if loop.group.coords.get(id(equation)) in equation.reduce_coords
        ]
        if cut:
            self.add(
                equation,
                value,
                scope,
                is_first=all(f for f, _ in cut),
                is_last=all(d for _, d in cut),
            )
        else:
            self.write(equation, self.rounded(equation, value), scope)

    def steps(self, step: Step, fixed: Mapping[str, int] | None = None) -> None:
        """Run a loop along the rank of a step, as far as the tiles under way go."""
        assert step.rank is not None
        outer = dict(fixed or {})
        low, high = 0, self.sizes.extents[step.rank]
        for equation in step.equations:
            low, high = self.spans(equation).get(step.rank, (low, high))
        if high - low > MAX_STEPS:
            raise self.source.error(
                step.equations[0].at, f"too many steps to evaluate: {high - low}"
            )
        if step.inner:
            for index in range(low, high):
                for inner in step.inner:
                    if inner.rank is not None:
                        self.steps(inner, {**outer, step.rank: index})
                    else:
                        self.once(inner.equations[0], {**outer, step.rank: index})
            return
        scopes = [self.scope(e, {**outer, step.rank: low}) for e in step.equations]
        for index in range(low, high):
            now = {**outer, step.rank: index}
            for equation, scope in zip(step.equations, scopes, strict=True):
                value = self.value(equation, scope.at(now))
                self.write(equation, self.rounded(equation, value), scope)

    def once(self, equation: Equation, fixed: Mapping[str, int]) -> None:
        scope = self.scope(equation, fixed)
        self.write(equation, self.rounded(equation, self.value(equation, scope)), scope)

    def scope(self, equation: Equation, fixed: Mapping[str, int]) -> Scope:
        for tensor in (equation.tensor, *(r.tensor for r in equation.reads)):
            if tensor not in self.stores and (fixed or tensor != equation.tensor):
                self.stores[tensor] = self.empty(tensor)
        return Scope(equation.coords, self.sizes, self.stores, self.spans(equation), fixed)

    def value(self, equation: Equation, scope: Scope) -> Vector:
        try:
            return compute(equation, scope, self.limit)
        except _UNABLE:
            return by_points(equation, scope, self.source)

    def rounded(self, equation: Equation, value: Vector) -> Vector:
        form = self.formats.get(equation.tensor)
        if form is None:
            return value
        return Vector(data=form.rounded(value.data), mask=value.mask)

    def write(self, equation: Equation, value: Vector, scope: Scope) -> None:
        """Put a result into its store; a result that is the whole store becomes it."""
        tensor = equation.tensor
        if tensor not in self.stores:
            box = self.box(tensor)
            spans = tuple(
                scope.spans.get(a.coord, (0, self.sizes.extents[a.coord]))
                if isinstance(a, Plain)
                else None
                for a in equation.left
            )
            if spans == box:
                start = tuple(low for low, _ in box)
                self.stores[tensor] = Store(
                    data=np.asarray(value.data),
                    mask=value.mask,
                    start=start,
                    shape=self.sizes.shapes[tensor],
                )
                return
            self.stores[tensor] = self.empty(tensor)
        place(equation, value, self.stores[tensor], scope)

    def add(
        self, equation: Equation, value: Vector, scope: Scope, *, is_first: bool, is_last: bool
    ) -> None:
        """Add a part of a reduction to its running total."""
        op = accumulates(equation)
        assert op is not None
        if is_first:  # what it adds to must be its own
            mask = None if value.mask is None else np.array(value.mask)
            value = Vector(data=np.array(value.data, float), mask=mask)
        else:
            store = self.stores[equation.tensor]
            where, _ = slices(equation, store, scope)
            mask = None if store.mask is None else store.mask[where].reshape(value.data.shape)
            total = Vector(data=store.data[where].reshape(value.data.shape), mask=mask)
            value = joined(op, total, value)
        self.write(equation, self.rounded(equation, value) if is_last else value, scope)
