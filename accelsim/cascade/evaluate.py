"""Evaluates a cascade on NumPy arrays: whole arrays at once, step by step along an iterative rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.model import Block, Equation, Plain, Tensor
from accelsim.cascade.order import Step, steps
from accelsim.cascade.reference import Reference
from accelsim.cascade.sizes import Sizes, shapes_given, sizes_of
from accelsim.cascade.statement import compute, place
from accelsim.cascade.vector import Array, Scope, Store, UnsupportedError
from accelsim.errors import SpecError, nearest

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

MAX_ELEMENTS = 2**31
MAX_STEPS = 2**24
MAX_SLOW_POINTS = 20_000_000
_LEADING = ("B*", "H*")  # no name of the notation has a star


def evaluate(
    cascade: Cascade, inputs: Mapping[str, Any], params: Mapping[str, Any], *, slow: bool = False
) -> dict[str, Array]:
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
    _check_size(cascade, sizes)
    with np.errstate(all="ignore"):
        if not slow:
            block, wide = _lead(cascade.block, sizes, arrays, leading)
            try:
                return _fast(block, wide, arrays, cascade.outputs)
            except (UnsupportedError, ValueError, ArithmeticError, TypeError, MemoryError):
                pass
        return _slow(cascade, sizes, arrays, leading)


def _check_size(cascade: Cascade, sizes: Sizes) -> None:
    for name, shape in sizes.shapes.items():
        if math.prod(shape) > MAX_ELEMENTS:
            message = f"{name} is too large to evaluate: {math.prod(shape)} elements"
            raise SpecError(cascade.source_text.fault(0, message))


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
    block: Block, sizes: Sizes, arrays: Mapping[str, Array], outputs: tuple[Tensor, ...]
) -> dict[str, Array]:
    plan = steps(block, sizes)
    if plan is None:
        raise UnsupportedError("a dependence that is no loop over one iterative rank")
    stores = {name: Store(data=array) for name, array in arrays.items()}
    last = _last_use(plan, outputs)
    for number, step in enumerate(plan):
        if step.rank is None:
            _run(step.equations[0], sizes, stores, {}, whole=_is_alone(block, step.equations[0]))
        else:
            if sizes.extents[step.rank] > MAX_STEPS:
                raise UnsupportedError("too many steps")
            for index in range(sizes.extents[step.rank]):
                for equation in step.equations:
                    _run(equation, sizes, stores, {step.rank: index}, whole=False)
        for name in last.get(number, ()):
            stores.pop(name, None)
    results: dict[str, Array] = {}
    for output in outputs:
        store = stores.get(output.name) or _empty(output.name, sizes)
        data = store.data if store.mask is None else np.where(store.mask, store.data, 0)
        results[output.name] = _cut(data, sizes.outputs[output.name])
    return results


def _last_use(plan: list[Step], outputs: tuple[Tensor, ...]) -> dict[int, list[str]]:
    """Return which tensors are not read any more after each step, so that memory is freed."""
    last: dict[str, int] = {}
    for number, step in enumerate(plan):
        for equation in step.equations:
            last[equation.tensor] = number
            for read in equation.reads:
                last[read.tensor] = number
    kept = {t.name for t in outputs}
    free: dict[int, list[str]] = {}
    for name, number in last.items():
        if name not in kept:
            free.setdefault(number, []).append(name)
    return free


def _is_alone(block: Block, equation: Equation) -> bool:
    """Whether one equation defines the whole of its tensor."""
    if not all(isinstance(a, Plain) for a in equation.left):
        return False
    return sum(e.tensor == equation.tensor for e in block.equations) == 1


def _empty(name: str, sizes: Sizes) -> Store:
    shape = sizes.shapes[name]
    return Store(data=np.zeros(shape), mask=np.zeros(shape, bool))


def _run(
    equation: Equation,
    sizes: Sizes,
    stores: dict[str, Store],
    fixed: Mapping[str, int],
    *,
    whole: bool,
) -> None:
    for read in equation.reads:
        if read.tensor not in stores:
            stores[read.tensor] = _empty(read.tensor, sizes)
    scope = Scope(equation.coords, sizes.extents, sizes.symbols, stores, fixed)
    value = compute(equation, scope)
    if whole:
        stores[equation.tensor] = Store(data=value.data, mask=value.mask)
        return
    store = stores.setdefault(equation.tensor, _empty(equation.tensor, sizes))
    place(equation, value, store, scope)


def _slow(
    cascade: Cascade, sizes: Sizes, arrays: Mapping[str, Array], leading: tuple[int, ...]
) -> dict[str, Array]:
    total = sum(math.prod(sizes.extents[c] for c in e.coords) for e in cascade.block.equations)
    if total * math.prod(leading) > MAX_SLOW_POINTS:
        message = f"too large to evaluate element by element: {total} points"
        raise SpecError(cascade.source_text.fault(0, message))
    results = {t.name: np.zeros((*leading, *sizes.shapes[t.name])) for t in cascade.outputs}
    wide = {t.name for t in cascade.inputs if arrays[t.name].ndim > len(t.axes)}
    for index in np.ndindex(*leading):
        part = {n: a[index] if n in wide else a for n, a in arrays.items()}
        points = Reference(cascade.block, cascade.source_text, sizes, part)
        for output in cascade.outputs:
            for point, value in points.tensor(output.name):
                if value is not None:
                    results[output.name][(*index, *point)] = value
    return {n: _cut(a, sizes.outputs[n]) for n, a in results.items()}


def _cut(data: Array, shape: tuple[int, ...]) -> Array:
    """Return an output in its declared shape; what a ragged tile has beyond it is absent."""
    place: tuple[Any, ...] = (..., *(slice(0, n) for n in shape))
    return np.ascontiguousarray(data[place])
