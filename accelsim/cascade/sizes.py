"""Binds symbols to numbers and coordinates to extents (grammar sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lexer import Source
from accelsim.cascade.linear import constant
from accelsim.cascade.macros import extent_symbol
from accelsim.cascade.model import Block, Const, Merged, Plain, Shift
from accelsim.cascade.places import histories_of, places_of
from accelsim.errors import SpecError, nearest
from accelsim.kept import Kept
from accelsim.replay.exact import integer

MAX_EXTENT = 2**40


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """All numbers of one use of a cascade."""

    symbols: Mapping[str, Any]
    extents: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    """Axis sizes of every tensor, inputs and results."""
    outputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The declared shapes of the outputs; a merged axis may be longer inside (a ragged last tile)."""
    places: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Tensors of places with the axes along which the places differ."""
    histories: frozenset[str] = frozenset()
    """Running states of which earlier steps are read."""
    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)
    """What follows from them for the cascade or for parts of it."""


def shape_names(block: Block) -> tuple[str, ...]:
    """Return the symbols that stand alone as an axis of an input: those that arrays bind."""
    found = {a.name: None for t in block.inputs for a in t.axes if isinstance(a, ast.Symbol)}
    return tuple(found)


def symbols_of(block: Block, source: Source, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return shape names, parameters and lets; ``given`` has the shape names and may have parameters."""
    settable = {s.name: s for s in block.settings if s.kind in ("param", "fixed")}
    shapes = shape_names(block)
    for name in given:
        if name not in settable and name not in shapes:
            raise SpecError(
                source.fault(0, f"unknown parameter {name!r}{nearest(name, [*settable, *shapes])}")
            )
    symbols: dict[str, Any] = {}
    for name in shapes:
        if name not in given:
            raise SpecError(source.fault(0, f"the size {name!r} must be given"))
        symbols[name] = _whole(given[name], f"the size {name!r}", source, 0)
    for setting in block.settings:
        if setting.kind == "rank":
            continue
        value = evaluate_symbol(setting.value, symbols, source, setting.at)
        if setting.name in given:
            wanted = given[setting.name]
            wanted = int(wanted) if isinstance(wanted, bool) else wanted
            if setting.kind == "fixed" and wanted != value:
                message = f"{setting.name!r} is fixed and must be {value!r}, not {wanted!r}"
                raise SpecError(source.fault(setting.at, message))
            value = wanted
        symbols[setting.name] = value
    return symbols


def evaluate_symbol(expr: Expr, symbols: Mapping[str, Any], source: Source, at: int) -> Any:
    try:
        value = constant(expr, symbols)
    except KeyError as error:
        known = nearest(str(error.args[0]), symbols)
        raise SpecError(
            source.fault(
                at, f"{ast.show(expr)!r} needs {error.args[0]!r}, which is not bound here{known}"
            )
        ) from None
    except (ArithmeticError, ValueError, TypeError) as error:
        raise SpecError(source.fault(at, f"{ast.show(expr)!r} has no value: {error}")) from None
    return value


def _whole(value: Any, what: str, source: Source, at: int) -> int:
    try:
        number = integer(value)
        exact = number == value
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact or not 0 <= number <= MAX_EXTENT:
        raise SpecError(
            source.fault(at, f"{what} must be a whole number of at least 0, not {value!r}")
        )
    return number


def sizes_of(block: Block, source: Source, given: Mapping[str, Any]) -> Sizes:
    """Return every number of a block whose macros are expanded."""
    symbols = symbols_of(block, source, given)
    return _Extents(block, source, symbols).sizes()


def shapes_given(
    block: Block, source: Source, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, int]:
    """Return the shape names that the shapes of the inputs bind; a name that two arrays bind must agree."""
    bound: dict[str, int] = {}
    for tensor in block.inputs:
        for axis, size in zip(tensor.axes, shapes[tensor.name], strict=True):
            if isinstance(axis, ast.Symbol):
                first = bound.setdefault(axis.name, size)
                if first != size:
                    message = (
                        f"{tensor.name} has {axis.name} = {size} where another input has {first}"
                    )
                    raise SpecError(source.fault(axis.at, message))
    return bound


class _Extents:
    def __init__(self, block: Block, source: Source, symbols: dict[str, Any]) -> None:
        self.block, self.source, self.symbols = block, source, symbols
        self.extents: dict[str, int] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.at: dict[str, int] = {}

    def size(self, expr: Expr, what: str, at: int) -> int:
        return _whole(evaluate_symbol(expr, self.symbols, self.source, at), what, self.source, at)

    def sizes(self) -> Sizes:
        for tensor in self.block.inputs:
            axes = [self.size(a, f"an axis of {tensor.name}", tensor.at) for a in tensor.axes]
            self.shapes[tensor.name] = tuple(axes)
        for setting in self.block.settings:
            if setting.kind == "rank":
                self.extents[setting.name] = self.size(
                    setting.value, f"rank {setting.name}", setting.at
                )
        self._from_inputs()
        self._from_intermediates()
        missing = sorted(self.block.coords - set(self.extents))
        if missing:
            at = next(
                e.at
                for e in self.block.equations
                if missing[0] in (*e.left_coords, *e.reduce_coords)
            )
            message = f"rank {missing[0]!r} has no extent: it indexes no axis alone; give it a 'rank' line"
            raise SpecError(self.source.fault(at, message))
        self._results()
        for name, extent in self.extents.items():
            self.symbols[extent_symbol(name)] = extent
        return Sizes(
            symbols=self.symbols,
            extents=self.extents,
            shapes=self.shapes,
            outputs=self._outputs(),
            places=places_of(self.block),
            histories=histories_of(self.block),
        )

    def _outputs(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for output in self.block.outputs:
            axes = [self.size(a, f"an axis of {output.name}", output.at) for a in output.axes]
            found[output.name] = tuple(axes)
            merged = {
                i
                for e in self.block.equations
                if e.tensor == output.name
                for i, a in enumerate(e.left)
                if isinstance(a, Merged)
            }
            for i, (size, real) in enumerate(zip(axes, self.shapes[output.name], strict=True)):
                if size != real and not (i in merged and size < real):
                    message = f"axis {i + 1} of output {output.name} is {real} long, not {size}"
                    raise SpecError(self.source.fault(output.at, message))
        return found

    def bare_reads(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield (coordinate, tensor, axis, offset) of every bare index."""
        for equation in self.block.equations:
            for read in equation.reads:
                for axis, index in enumerate(read.indices):
                    if isinstance(index, ast.Coord):
                        yield index.name, read.tensor, axis, read.node.at

    def _from_inputs(self) -> None:
        from_rank = set(self.extents)
        first: dict[str, str] = {}
        for coord, tensor, axis, at in self.bare_reads():
            shape = self.shapes.get(tensor)
            if shape is None or coord in from_rank or axis >= len(shape):
                continue
            known = self.extents.setdefault(coord, shape[axis])
            where = first.setdefault(coord, tensor)
            if known != shape[axis]:
                message = f"rank {coord!r} is {known} long on {where} and {shape[axis]} on {tensor}"
                raise SpecError(self.source.fault(at, message))

    def _from_intermediates(self) -> None:
        iterative = {
            (e.tensor, i)
            for e in self.block.equations
            for i, a in enumerate(e.left)
            if isinstance(a, Shift)
        }
        inputs = {t.name for t in self.block.inputs}
        while True:
            found: dict[str, int] = {}
            for coord, tensor, axis, _ in self.bare_reads():
                if coord in self.extents or tensor in inputs or (tensor, axis) in iterative:
                    continue
                size = self._axis(tensor, axis)
                if size is not None:
                    found[coord] = max(found.get(coord, 0), size)
            if not found:
                return
            self.extents.update(found)

    def _axis(self, tensor: str, axis: int) -> int | None:
        """Return the size of one axis of a result, or None if it is not known yet."""
        size = 0
        for equation in self.block.equations:
            if equation.tensor != tensor or axis >= len(equation.left):
                continue
            left = equation.left[axis]
            if any(c not in self.extents for c in left.coords):
                return None
            match left:
                case Plain(coord=c):
                    size = max(size, self.extents[c])
                case Shift(coord=c):
                    size = max(size, self.extents[c] + 1)
                case Const(value=v):
                    size = max(size, v + 1)
                case Merged(outer=o, size=s, inner=i):
                    width = self.size(s, f"the tile of {tensor}", equation.at)
                    if self.extents[i] != width:
                        message = f"{i!r} must be {width} long to merge into {tensor}, not {self.extents[i]}"
                        raise SpecError(self.source.fault(equation.at, message))
                    size = max(size, self.extents[o] * width)
        return size

    def _results(self) -> None:
        for equation in self.block.equations:
            if equation.tensor not in self.shapes:
                axes = [self._axis(equation.tensor, i) or 0 for i in range(len(equation.left))]
                self.shapes[equation.tensor] = tuple(axes)
