"""Evaluates a cascade on NumPy arrays: whole arrays at once, step by step along an iterative rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.execute import Machine
from accelsim.cascade.formats import Format, formats_of
from accelsim.cascade.model import Block, Equation, Plain
from accelsim.cascade.order import steps
from accelsim.cascade.plan import ELEMENT_BYTES, Planner
from accelsim.cascade.pointwise import MAX_POINTS
from accelsim.cascade.reference import Reference
from accelsim.cascade.sizes import Sizes, shapes_given, sizes_of
from accelsim.cascade.statement import at_target
from accelsim.cascade.store import Array, Store
from accelsim.errors import SpecError, nearest

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

MAX_ELEMENTS = 2**31
MAX_BYTES = 2**34
MEMORY_BYTES = 2**30
"""What an evaluation may hold, inputs and outputs included, unless the caller says otherwise."""
_TARGET_BYTES = 2**27  # intermediates that fit into this stay whole: larger ones are slower
_LEAST_BYTES = 2**10  # for intermediates, whatever the caller says
_LEADING = ("B*", "H*")  # no name of the notation has a star


def evaluate(
    cascade: Cascade,
    inputs: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    formats: Mapping[str, str] | None = None,
    memory_bytes: int | None = None,
    slow: bool = False,
) -> dict[str, Array]:
    """Return the outputs; see ``Cascade.evaluate``."""
    arrays = _arrays(cascade, inputs)
    leading = _leading(cascade, arrays)
    shapes = {
        t.name: arrays[t.name].shape[arrays[t.name].ndim - len(t.axes) :] for t in cascade.inputs
    }
    given = {**shapes_given(cascade.block, cascade.source_text, shapes), **params}
    sizes = sizes_of(cascade.block, cascade.source_text, given)
    for tensor in cascade.inputs:
        if tuple(shapes[tensor.name]) != sizes.shapes[tensor.name]:
            wanted, shape = list(sizes.shapes[tensor.name]), list(shapes[tensor.name])
            message = f"input {tensor.name} must have shape {wanted}, not {shape}"
            raise SpecError(cascade.source_text.fault(tensor.at, message))
    rounding = formats_of(cascade.formats, formats, set(sizes.shapes), cascade.source_text)
    with np.errstate(all="ignore"):
        for name in arrays.keys() & rounding.keys():
            arrays[name] = rounding[name].rounded(arrays[name])
        if slow:
            return _slow(cascade, sizes, arrays, leading, rounding)
        block, wide = _lead(cascade.block, sizes, arrays, leading)
        try:
            return _fast(cascade, block, wide, arrays, rounding, _budget(cascade, memory_bytes))
        except MemoryError:
            raise cascade.source_text.error(0, "too large to evaluate: no memory") from None


def _budget(cascade: Cascade, memory_bytes: int | None) -> int:
    if memory_bytes is None:
        return MEMORY_BYTES
    if memory_bytes < 1:
        message = f"memory_bytes must be at least 1, not {memory_bytes!r}"
        raise cascade.source_text.error(0, message)
    return memory_bytes


def _arrays(cascade: Cascade, inputs: Mapping[str, Any]) -> dict[str, Array]:
    names = [t.name for t in cascade.inputs]
    for name in inputs:
        if name not in names:
            raise cascade.source_text.error(0, f"unknown input {name!r}{nearest(name, names)}")
    arrays: dict[str, Array] = {}
    for tensor in cascade.inputs:
        if tensor.name not in inputs:
            raise cascade.source_text.error(tensor.at, f"input {tensor.name!r} is missing")
        array = np.asarray(inputs[tensor.name])
        if array.dtype.kind not in "biuf":
            raise cascade.source_text.error(
                tensor.at, f"input {tensor.name} must be real numbers, not {array.dtype}"
            )
        if tensor.is_int:
            if array.dtype.kind == "f" and not np.all(array == np.floor(array)):
                raise cascade.source_text.error(tensor.at, f"input {tensor.name} must be integers")
            array = array.astype(np.int64)
        else:
            array = array.astype(np.float64, copy=False)
        arrays[tensor.name] = array
    return arrays


def _leading(cascade: Cascade, arrays: Mapping[str, Array]) -> tuple[int, ...]:
    """Return the leading shape (B, or B and H) that inputs have beyond their declared axes."""
    leading: tuple[int, ...] = ()
    for tensor in cascade.inputs:
        shape = arrays[tensor.name].shape
        extra = len(shape) - len(tensor.axes)
        if not 0 <= extra <= 2:
            wanted = f"{len(tensor.axes)} axes (and at most 2 leading ones)"
            message = f"input {tensor.name} must have {wanted}, not {len(shape)}"
            raise cascade.source_text.error(tensor.at, message)
        if extra and leading and shape[:extra] != leading:
            message = f"the leading axes of {tensor.name} must be {list(leading)}, not {list(shape[:extra])}"
            raise cascade.source_text.error(tensor.at, message)
        leading = leading or shape[:extra]
    return leading


def _lead(
    block: Block, sizes: Sizes, arrays: Mapping[str, Array], leading: tuple[int, ...]
) -> tuple[Block, Sizes]:
    """Return the block with the leading ranks as coordinates of everything that is not shared."""
    block = replace(block, equations=tuple(map(at_target, block.equations)))
    if not leading:
        return block, sizes
    names = _LEADING[: len(leading)]
    shared = {t.name for t in block.inputs if arrays[t.name].ndim == len(t.axes)}
    axes = tuple(Plain(coord=n) for n in names)
    coords = tuple(ast.Coord(name=n) for n in names)

    def change(node: ast.Expr) -> ast.Expr:
        if isinstance(node, ast.Read | ast.Gather) and node.tensor not in shared:
            return replace(node, indices=(*coords, *node.indices))
        return node

    def equation(old: Equation) -> Equation:
        reduce = old.reduce
        if reduce is not None and reduce.gathers:
            gathers = tuple(ast.rebuild(g, change) for g in reduce.gathers)
            reduce = replace(reduce, gathers=tuple(g for g in gathers if isinstance(g, ast.Gather)))
        right = ast.rebuild(old.right, change)
        where = tuple(ast.rebuild(w, change) for w in old.where)
        return replace(old, left=(*axes, *old.left), right=right, where=where, reduce=reduce)

    shapes = {n: s if n in shared else (*leading, *s) for n, s in sizes.shapes.items()}
    extents = {**sizes.extents, **dict(zip(names, leading, strict=True))}
    wide = replace(sizes, extents=extents, shapes=shapes)
    return replace(block, equations=tuple(equation(e) for e in block.equations)), wide


def _fast(
    cascade: Cascade,
    block: Block,
    sizes: Sizes,
    arrays: Mapping[str, Array],
    formats: Mapping[str, Format],
    memory_bytes: int,
) -> dict[str, Array]:
    kept = frozenset(t.name for t in cascade.outputs)
    whole = sum(a.nbytes for a in arrays.values())
    whole += sum(ELEMENT_BYTES * math.prod(sizes.shapes[n]) for n in kept)
    target = max(min(_TARGET_BYTES, memory_bytes - whole), _LEAST_BYTES)
    planner = Planner(sizes=sizes, target=target, outputs=kept)
    nodes = planner.plan(steps(block, sizes))
    _check_size(cascade, sizes, planner.peak(nodes), memory_bytes)
    stores = {name: Store(data=array) for name, array in arrays.items()}
    machine = Machine(cascade.source_text, sizes, stores, formats, planner.limit)
    machine.run(nodes, kept)
    results: dict[str, Array] = {}
    for output in cascade.outputs:
        store = stores.get(output.name) or machine.empty(output.name)
        data = store.data if store.mask is None else np.where(store.mask, store.data, 0)
        results[output.name] = _cut(data, sizes.outputs[output.name])
    return results


def _check_size(cascade: Cascade, sizes: Sizes, peak_bytes: int, memory_bytes: int) -> None:
    """Refuse what no plan makes small enough."""
    for tensor in cascade.outputs:
        elements = math.prod(sizes.shapes[tensor.name])
        if elements > MAX_ELEMENTS:
            message = f"{tensor.name} is too large to evaluate: {elements} elements"
            raise cascade.source_text.error(tensor.at, message)
    if peak_bytes > max(memory_bytes, MAX_BYTES):
        raise cascade.source_text.error(
            0, f"too large to evaluate: it must hold {peak_bytes} bytes"
        )


def _slow(
    cascade: Cascade,
    sizes: Sizes,
    arrays: Mapping[str, Array],
    leading: tuple[int, ...],
    formats: Mapping[str, Format],
) -> dict[str, Array]:
    total = sum(math.prod(sizes.extents[c] for c in e.coords) for e in cascade.block.equations)
    if total * math.prod(leading) > MAX_POINTS:
        message = f"too large to evaluate element by element: {total} points"
        raise SpecError(cascade.source_text.fault(0, message))
    results = {t.name: np.zeros((*leading, *sizes.shapes[t.name])) for t in cascade.outputs}
    wide = {t.name for t in cascade.inputs if arrays[t.name].ndim > len(t.axes)}
    for index in np.ndindex(*leading):
        part = {n: a[index] if n in wide else a for n, a in arrays.items()}
        points = Reference(cascade.block, cascade.source_text, sizes, part, formats)
        for output in cascade.outputs:
            for point, value in points.tensor(output.name):
                if value is not None:
                    results[output.name][(*index, *point)] = value
    return {n: _cut(a, sizes.outputs[n]) for n, a in results.items()}


def _cut(data: Array, shape: tuple[int, ...]) -> Array:
    """Return an output in its declared shape; what a ragged tile has beyond it is absent."""
    place: tuple[Any, ...] = (..., *(slice(0, n) for n in shape))
    return np.ascontiguousarray(data[place])
