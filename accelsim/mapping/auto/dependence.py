"""Who reads whom, and how: what a schedule of Einsums in one nest has to respect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.cascade import Cascade, ast
from accelsim.cascade.model import Equation, Plain, Shift, TensorRead
from accelsim.cascade.order import components
from accelsim.cascade.sizes import Sizes


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """One read of a result; ``old`` if it takes the state of an earlier step of an iterative rank."""

    producer: Equation
    consumer: Equation
    read: TensorRead
    old: bool


def dependences(equations: Sequence[Equation], sizes: Sizes) -> list[Dependence]:
    """Return every read among some Einsums of what others of them make."""
    writers: dict[str, list[Equation]] = {}
    for equation in equations:
        writers.setdefault(equation.tensor, []).append(equation)
    return [
        Dependence(
            producer=writer,
            consumer=equation,
            read=read,
            old=_is_old(read, writer, equation, sizes),
        )
        for equation in equations
        for read in equation.reads
        for writer in writers.get(read.tensor, ())
    ]


def _is_old(read: TensorRead, writer: Equation, reader: Equation, sizes: Sizes) -> bool:
    """Whether a read takes a state before this step: at x, before it, or at the start of a chunk."""
    for axis, expr, index in zip(
        writer.left, read.indices, read.affine(sizes.symbols), strict=True
    ):
        if not isinstance(axis, Shift) or set(ast.coords_in(expr)) != {axis.coord}:
            continue
        if axis.coord not in reader.coords:
            continue
        if index is None or (index.coefs.get(axis.coord) == 1 and index.const < 1):
            return not ast.has_reads(expr)
    return False


def knots(cascade: Cascade) -> list[tuple[Equation, ...]]:
    """Return the Einsums in an order that respects every read; those that need one another together."""
    equations = cascade.equations
    place = {e.tensor: [] for e in equations}  # type: dict[str, list[int]]
    for number, equation in enumerate(equations):
        place[equation.tensor].append(number)
    needs = [sorted({n for r in e.reads for n in place.get(r.tensor, ())}) for e in equations]
    return [tuple(equations[n] for n in sorted(group)) for group in components(needs)]


def ordered(equations: Sequence[Equation], found: Sequence[Dependence]) -> list[Equation]:
    """Return Einsums so that each comes after what it reads of this step."""
    names = [e.id for e in equations]
    needs = [
        sorted({names.index(d.producer.id) for d in found if d.consumer is e and not d.old})
        for e in equations
    ]
    return [equations[n] for group in components(needs) for n in group]


def is_pointwise(dependence: Dependence, coord: str, sizes: Sizes) -> bool:
    """Whether a read takes, of a coordinate that its producer walks, just the reader's own point."""
    affine = dependence.read.affine(sizes.symbols)
    for axis, index in zip(dependence.producer.left, affine, strict=True):
        if coord not in axis.coords:
            continue
        if dependence.old and isinstance(axis, Shift):
            return True
        if index is None:
            return False
        if isinstance(axis, Plain):
            return dict(index.coefs) == {coord: 1} and index.const == 0
        if isinstance(axis, Shift):
            return dict(index.coefs) == {coord: 1} and index.const == 1
        inner, outer = axis.coords[-1], axis.coords[0]
        walked = {outer: sizes.extents[inner], inner: 1}
        return dict(index.coefs) == walked and index.const == 0
    return False


def is_final(dependence: Dependence, coord: str, sizes: Sizes) -> bool:
    """Whether a read takes a state after the last step (or another fixed point) of a coordinate."""
    affine = dependence.read.affine(sizes.symbols)
    for axis, index in zip(dependence.producer.left, affine, strict=True):
        if coord in axis.coords:
            return index is not None and not index.coefs
    return False


def components_of(
    equations: Sequence[Equation], found: Sequence[Dependence]
) -> list[list[Equation]]:
    """Return the Einsums that need one another together, in an order that respects every read."""
    names = [e.id for e in equations]
    needs = [
        sorted({names.index(d.producer.id) for d in found if d.consumer is e}) for e in equations
    ]
    return [[equations[n] for n in sorted(group)] for group in components(needs)]
