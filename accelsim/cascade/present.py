"""Where the points of Einsums exist (grammar section 5), as sets in closed form.

What data decide is taken so: a guard (``where`` over data) holds; a top-k of n values fills its slots up
to n; an index that is an input names a place of its axis; lists that are drawn for several values of a
coordinate are independent of each other. ``assumed`` says what of this was needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lattice import UncountableError
from accelsim.cascade.linear import Linear, linear
from accelsim.cascade.lists import expected_rows
from accelsim.cascade.model import Block, Equation, Merged, Plain
from accelsim.cascade.pointset import EVERYWHERE, Box, Chosen, Piece, Pieces
from accelsim.cascade.quasi import ONE, Conditions, Planes, parts_of, put_in
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.vector import Scope, UnsupportedError

MAX_VALUES = 5_000_000
INDEX = "@"  # what the name of an index that is data begins with


class Present:
    """Presence, Einsum by Einsum, each after what it reads.

    With ``selects`` False nothing of what data select is looked at: all of it is taken to be there.
    """

    def __init__(
        self, block: Block, sizes: Sizes, *, selects: bool = True, mesh: int | None = None
    ) -> None:
        self.block, self.sizes, self.selects = block, sizes, selects
        self.box = Box(sizes.extents, mesh)
        self.conditions = Conditions(sizes.symbols, self.box.extents, self._gathered)
        self.tensors: dict[str, Pieces] = {t.name: EVERYWHERE for t in block.inputs}
        self.axes: dict[str, tuple[str | None, ...]] = {}
        self.given = {t.name for t in block.inputs if t.is_int}
        self.places = self._places()
        self.assumed: dict[str, None] = {}

    def _places(self) -> dict[str, int]:
        """Return of tensors that hold places how many places there are."""
        found: dict[str, int] = {}
        for equation in self.block.equations:
            reduce = equation.reduce
            if reduce is not None and reduce.op == "top":
                found[equation.tensor] = self.sizes.extents[reduce.coords[0]]
        for equation in self.block.equations:
            match equation.right:
                case ast.Read(tensor=tensor) if tensor in found and equation.reduce is None:
                    found.setdefault(equation.tensor, found[tensor])
        return found

    # -- results -----------------------------------------------------------------------------

    def define(self, equation: Equation, points: Pieces, *, is_loop: bool = False) -> None:
        """Remember where a result is present, as conditions on its axes."""
        rest = self.results(equation, points)
        self._narrow(equation, points)
        alone = sum(e.tensor == equation.tensor for e in self.block.equations) == 1
        axes, merged = self._axes(equation)
        if rest != EVERYWHERE and (is_loop or not alone or None in axes):
            raise UncountableError(f"presence of {equation.tensor}")
        if merged:
            if any(n not in merged and parts_of(n)[0] in merged for p in rest for n in p.names):
                raise UncountableError(f"presence of {equation.tensor}")
            moved = (self.box.tidied(piece.put_in(merged)) for piece in rest)
            rest = tuple(piece for piece in moved if piece is not None)
        self.tensors[equation.tensor], self.axes[equation.tensor] = rest, axes

    def _narrow(self, equation: Equation, points: Pieces) -> None:
        """Of a selection's places remember only those among which it is made."""
        reduce, right = equation.reduce, equation.right
        if reduce is not None and reduce.op == "top" and self.selects:
            (coord,) = reduce.coords
            last = [-1]
            for piece in self.box.projected(points, [c for c in equation.coords if c != coord]):
                ends = [p.const for p in piece.planes if p.coefs == {coord: -1}]
                last.append(min([*ends, self.sizes.extents[coord] - 1]))
            self.places[equation.tensor] = max(last) + 1
        elif reduce is None and isinstance(right, ast.Read) and right.tensor in self.places:
            self.places[equation.tensor] = self.places[right.tensor]

    def _axes(self, equation: Equation) -> tuple[tuple[str | None, ...], dict[str, Linear]]:
        """Return the coordinate of each axis, a new one for ``x*C+y``, and x and y by it."""
        axes: list[str | None] = []
        merged: dict[str, Linear] = {}
        shape = self.sizes.shapes[equation.tensor]
        for axis, size in zip(equation.left, shape, strict=True):
            match axis:
                case Plain(coord=coord):
                    axes.append(coord)
                case Merged(outer=outer, inner=inner) if self.sizes.extents[inner] > 1:
                    name = f"{outer}*{inner}"
                    step = self.sizes.extents[inner]
                    self.box.extents[name] = size
                    quotient = Linear(coefs={f"{name}//{step}": 1}, const=0)
                    merged[outer] = quotient
                    merged[inner] = Linear(coefs={name: 1}, const=0).plus(quotient.times(step), -1)
                    axes.append(name)
                case _:
                    axes.append(None)
        return tuple(axes), merged

    def results(self, equation: Equation, points: Pieces) -> Pieces:
        """Return the results of an Einsum over its left coordinates, from its points."""
        reduce = equation.reduce
        selected = reduce is not None and (reduce.slot is not None or reduce.op == "scatter")
        if reduce is not None and selected:
            if not self.selects:
                return EVERYWHERE
            make = self._filled if reduce.slot is not None else self._scattered
            return tuple(make(equation, piece) for piece in points)
        return self.box.projected(points, equation.reduce_coords)

    def _filled(self, equation: Equation, piece: Piece) -> Piece:
        """A slot is filled if the values are more than those before it: between each pair of bounds."""
        assert equation.reduce is not None
        (coord,), slot = equation.reduce.coords, equation.reduce.slot
        assert slot is not None
        if any(parts_of(n)[0] == coord and n != coord for n in piece.names) or piece.chosen:
            raise UncountableError("a selection among what is selected")
        low, rest = [Linear(coefs={}, const=0)], []
        high = [Linear(coefs={}, const=self.sizes.extents[coord] - 1)]
        for plane in piece.planes:
            step = plane.coefs.get(coord, 0)
            bound = plane.plus(Linear(coefs={coord: step}, const=0), -1)
            if step > 0:
                low.append(self.conditions.quotient(bound, step).times(-1))
            elif step < 0:
                high.append(self.conditions.quotient(bound, -step))
            else:
                rest.append(plane)
        place = Linear(coefs={slot: 1}, const=0)
        filled = [b.plus(a, -1).plus(place, -1) for a, b in product(low, high)]
        found = self.box.tidied(Piece(planes=(*rest, *filled)))
        return found or Piece(planes=(ONE.times(-1),))

    def _scattered(self, equation: Equation, piece: Piece) -> Piece:
        """A place is there if some list has it: as many as the list is long, or as all together name."""
        assert equation.reduce is not None
        chosen, left = [], set(equation.left_coords)
        rest, lists = piece, self.sizes.places
        for gather in equation.reduce.gathers:
            made = [e for e in self.block.equations if e.tensor == gather.tensor]
            slots = lists.get(gather.tensor, frozenset())
            if gather.tensor not in self.places or len(made) != 1 or len(slots) != 1:
                raise UncountableError(f"places of {gather.tensor}")
            (axis,) = slots
            index = gather.indices[axis]
            others = [i for n, i in enumerate(gather.indices) if n != axis]
            lost = [c for c in ast.coords_in(*others) if c not in left]
            if not isinstance(index, ast.Coord) or not all(
                isinstance(i, ast.Coord) for i in others
            ):
                raise UncountableError(f"places of {gather.tensor}")
            size, each = self.sizes.extents[gather.label], self.sizes.extents[index.name]
            name = f"{ast.show(gather)} of {','.join(lost)}"
            value = Linear(coefs={gather.label: 1}, const=0)
            mine = self._slots_of(rest, equation, {index.name, *ast.coords_in(*others)} - {*lost})
            if not lost:
                one = Chosen(name=name, value=value, size=size, slots=each)
                filled = put_in(mine, {index.name: Linear(coefs={one.slot: 1}, const=0)})
                chosen.append(replace(one, filled=filled))
                continue
            if {n for plane in mine for n in plane.coefs} - {index.name}:
                raise UncountableError(f"places of some of {gather.tensor}")
            each = self.box.count((Piece(planes=mine),), (index.name,))
            count = prod(self.sizes.extents[c] for c in lost)
            rows = (
                each * count if equation.reduce.combine == "=" else expected_rows(size, each, count)
            )
            self.assumed[
                f"{gather.tensor} names places independently for each {', '.join(lost)}: of {size}"
                f" {round(rows)} different ones are expected"
            ] = None
            chosen.append(Chosen(name=name, value=value, size=size, slots=min(size, round(rows))))
        return Piece(chosen=tuple(chosen))

    def _slots_of(self, piece: Piece, equation: Equation, keep: set[str]) -> Planes:
        """Return the conditions on the slots of a list under which one has a point."""
        found = self.box.projected((piece,), [c for c in equation.coords if c not in keep])
        if len(found) > 1:
            raise UncountableError(f"places of {equation.tensor}")
        return found[0].planes if found else (ONE.times(-1),)

    # -- points ------------------------------------------------------------------------------

    def points(self, equation: Equation) -> Pieces:
        """Return the points of an Einsum."""
        found = EVERYWHERE
        for part in self.conditions_of(equation):
            found = self.box.both(found, part())
        return found

    def conditions_of(self, equation: Equation) -> Iterator[Callable[[], Pieces]]:
        """Yield what gives the sets that all points of an Einsum are in."""
        for condition in equation.where:
            yield partial(self.needs, condition)
            yield partial(self.met, condition, equation)
        if equation.reduce is not None and self.selects:
            for gather in equation.reduce.gathers:
                yield partial(self.read, gather.tensor, gather.indices)
        yield partial(self.needs, equation.right)

    def met(self, condition: Expr, equation: Equation) -> Pieces:
        """Return where a condition holds."""
        match condition:
            case ast.Binary(op=op, left=ast.Read() as a, right=ast.Read() as b) if self.selects:
                slots = self._same_list(a, b)
                if slots is not None:  # ascending: places are in the order of their slots
                    condition = ast.Binary(op=op, left=slots[0], right=slots[1])
        if not ast.has_reads(condition):
            return self.where(condition)
        self.assumed[
            f"{ast.show(condition)} in {equation.id} holds everywhere: the most that data can cause"
        ] = None
        return EVERYWHERE

    def _same_list(self, a: ast.Read, b: ast.Read) -> tuple[Expr, Expr] | None:
        """Return the slots of two reads of one list of ascending places."""
        made = [e for e in self.block.equations if e.tensor == a.tensor]
        if a.tensor != b.tensor or len(made) != 1:
            return None
        reduce = made[0].reduce
        differ = [n for n, (i, j) in enumerate(zip(a.indices, b.indices, strict=True)) if i != j]
        if reduce is None or reduce.op != "top" or len(differ) != 1:
            return None
        if made[0].left[differ[0]].coords != (reduce.slot,):
            return None
        return a.indices[differ[0]], b.indices[differ[0]]

    def where(self, condition: Expr, *, holds: bool = True) -> Pieces:
        """Return where a condition on coordinates holds, or does not."""
        pieces = (Piece(planes=p) for p in self.conditions.union(condition, holds=holds))
        return tuple(p for piece in pieces if (p := self.box.tidied(piece)) is not None)

    def needs(self, node: Expr) -> Pieces:
        """Return where all reads that a tree surely evaluates are present."""
        match node:
            case ast.Read(tensor=tensor, indices=indices):
                return self.read(tensor, indices)
            case ast.Default(value=value, other=other):
                return self.box.either(self.needs(value), self.needs(other))
            case ast.Call(function="select", args=(condition, yes, no)):
                return self.box.both(self.needs(condition), self._chosen(condition, yes, no))
        found = EVERYWHERE
        for child in ast.children(node):
            found = self.box.both(found, self.needs(child))
        return found

    def _chosen(self, condition: Expr, yes: Expr, no: Expr) -> Pieces:
        """Return where the branch that is taken is present."""
        there, otherwise = self.needs(yes), self.needs(no)
        if there == otherwise == EVERYWHERE:
            return EVERYWHERE
        if ast.has_reads(condition):
            raise UncountableError("a choice between present and absent")
        first = self.box.both(self.where(condition), there)
        return (*first, *self.box.both(self.where(condition, holds=False), otherwise))

    # -- reads -------------------------------------------------------------------------------

    def read(self, tensor: str, indices: tuple[Expr, ...]) -> Pieces:
        """Return where a read is inside its axes and of a point that is present."""
        if self.is_everywhere(tensor, indices):
            return EVERYWHERE
        found = EVERYWHERE
        for index in indices:
            for node in ast.walk(index):
                if isinstance(node, ast.Gather) and self.selects:
                    found = self.box.both(found, self.read(node.tensor, node.indices))
        if not found:
            return found
        sizes = self.sizes.shapes[tensor]
        cases = [self._index(i, size) for i, size in zip(indices, sizes, strict=True)]
        pieces: list[Piece] = []
        for case in product(*cases):
            planes = [plane for part in case for plane in part[0]]
            for (_, form), size in zip(case, sizes, strict=True):
                if form is not None:
                    planes += [form, Linear(coefs={}, const=size - 1).plus(form, -1)]
            for piece in self.tensors[tensor]:
                moved = self._moved(tensor, piece, [form for _, form in case])
                known = self._known([*planes, *moved.planes])
                tidy = self.box.tidied(Piece(planes=tuple(known), chosen=moved.chosen))
                if tidy is not None:
                    pieces.append(tidy)
        if any(name.startswith(INDEX) for piece in pieces for name in piece.names):
            raise UncountableError(f"presence of {tensor} where data say")
        return self.box.both(found, tuple(pieces))

    def is_everywhere(self, tensor: str, indices: tuple[Expr, ...]) -> bool:
        """Whether a read is plainly inside its axes, and of a point that is present, wherever it is made."""
        return self.tensors[tensor] == EVERYWHERE and self._never_leaves(tensor, indices)

    def _never_leaves(self, tensor: str, indices: tuple[Expr, ...]) -> bool:
        """Whether the indices are sums of coordinates that are inside their axes for all values."""
        extents = self.sizes.extents
        for index, size in zip(indices, self.sizes.shapes[tensor], strict=True):
            if isinstance(index, ast.Coord) and 0 < extents.get(index.name, 0) <= size:
                continue
            form = linear(index, self.sizes.symbols)
            if form is None or not all(extents.get(name) for name in form.coefs):
                return False
            ends = [k * (extents[name] - 1) for name, k in form.coefs.items()]
            least = form.const + sum(end for end in ends if end < 0)
            most = form.const + sum(end for end in ends if end > 0)
            if least < 0 or most >= size:
                return False
        return True

    def _known(self, planes: list[Linear]) -> list[Linear]:
        """Return the conditions without those on indices that are inputs: these are taken to be right."""
        found = []
        for plane in planes:
            if any(n.startswith(INDEX) and n not in self.box.extents for n in plane.coefs):
                self.assumed["an index that is an input names a place of the axis it walks"] = None
                continue
            found.append(plane)
        return found

    def _moved(self, tensor: str, piece: Piece, forms: list[Linear | None]) -> Piece:
        """Return the conditions of a tensor in the coordinates of its reader."""
        if piece == Piece():
            return piece
        named = [*piece.planes, *(p for c in piece.chosen for p in (c.value, *c.filled))]
        names = {n for plane in named for n in plane.coefs}
        axes = self.axes[tensor]
        values: dict[str, Linear] = {}
        for name in names:
            base, by = parts_of(name)
            if base not in axes:
                if base in self.sizes.extents:
                    raise UncountableError(f"presence of {tensor}")
                continue
            form = forms[axes.index(base)]
            if form is None:
                raise UncountableError(f"presence of {tensor}")
            values[name] = form if by == 1 else self.conditions.quotient(form, by)
        return piece.put_in(values)

    def _index(self, index: Expr, size: int) -> Sequence[tuple[Planes, Linear | None]]:
        """Return an index as forms by case; of what is no form only that it is inside its axis."""
        try:
            return self.conditions.forms(index)
        except UncountableError:
            if not self._is_inside(index, size):
                raise
            return [((), None)]

    def _is_inside(self, index: Expr, size: int) -> bool:
        """Whether an index of one coordinate stays inside an axis for all its values."""
        coords = ast.coords_in(index)
        if ast.has_reads(index) or len(coords) != 1:
            return False
        if self.sizes.extents[coords[0]] > MAX_VALUES:
            return False
        try:
            values = np.asarray(Scope(coords, self.sizes, {}).expr(index).data)
        except UnsupportedError:
            return False
        return bool(((values >= 0) & (values < size)).all())

    def _gathered(self, node: Expr) -> str | None:
        """Return the name of an index that is data, with as many values as it has places."""
        if not isinstance(node, ast.Gather):
            return None
        name = ast.show(node)
        if node.tensor in self.places:
            self.box.extents[name] = self.places[node.tensor]
        elif node.tensor not in self.given:
            raise UncountableError(f"index {name}")
        return name
