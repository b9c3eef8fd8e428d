"""Finds the faults of a block that need no sizes: names, ranks, slices, cycles of points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import Block, Const, Equation, Merged, Plain, Shift
from accelsim.errors import Fault, SpecError, nearest


def check_names(block: Block, source: Source) -> None:
    """Raise SpecError for the faults of the text as written (before macros are expanded)."""
    faults = list(_declarations(block, source))
    for equation in block.equations:
        faults += _equation(equation, block, source)
    if not faults:
        faults += _slices(block, source)
    if not faults:
        faults += _iteration(block, source)
    if faults:
        raise SpecError(_unique(faults))


def _unique(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda f: (f.line, f.column))


def symbol_names(block: Block) -> set[str]:
    shapes = {
        n.name
        for t in block.inputs
        for a in t.axes
        for n in ast.walk(a)
        if isinstance(n, ast.Symbol)
    }
    return shapes | {s.name for s in block.settings if s.kind != "rank"}


def _declarations(block: Block, source: Source) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    shapes = {a.name for t in block.inputs for a in t.axes if isinstance(a, ast.Symbol)}
    tensors = {t.name for t in block.inputs} | {e.tensor for e in block.equations}
    if not block.inputs and not block.equations:
        yield source.fault(0, "a cascade must have equations")
    if not block.outputs:
        yield source.fault(0, "a cascade must have an 'out' line")
    for tensor in block.inputs:
        if tensor.name in seen:
            yield source.fault(tensor.at, f"input {tensor.name!r} is declared twice")
        seen[tensor.name] = "input"
        for node in (n for a in tensor.axes for n in ast.walk(a)):
            if isinstance(node, ast.Read | ast.Gather):
                yield source.fault(node.at, "a shape must consist of symbols and numbers")
            if isinstance(node, ast.Symbol):
                if node.name in block.coords:
                    yield source.fault(
                        node.at, f"{node.name!r} is a coordinate and cannot be a shape"
                    )
                elif node.name not in symbol_names(block):
                    yield source.fault(node.at, f"unknown symbol {node.name!r}")
    named: set[str] = set()
    for setting in block.settings:
        if setting.name in named or (setting.kind != "rank" and setting.name in shapes):
            yield source.fault(setting.at, f"{setting.name!r} is declared twice")
        named.add(setting.name)
        if setting.kind != "rank" and setting.name in block.coords:
            yield source.fault(setting.at, f"{setting.name!r} is a {setting.kind} and a coordinate")
        if setting.name in shapes and setting.kind == "rank":
            yield source.fault(setting.at, f"{setting.name!r} is a shape and a coordinate")
        if setting.name in tensors:
            yield source.fault(setting.at, f"{setting.name!r} is a {setting.kind} and a tensor")
        yield from _constants(setting.value, block, source)
    for tensor in block.inputs:
        if tensor.name in shapes:
            yield source.fault(tensor.at, f"{tensor.name!r} is a shape and a tensor")
    for output in block.outputs:
        if output.name not in tensors:
            yield source.fault(
                output.at, f"output {output.name!r} has no equation{nearest(output.name, tensors)}"
            )
        elif _arities(block)[output.name] != len(output.axes):
            axes = _arities(block)[output.name]
            message = f"{output.name!r} has {axes} axes elsewhere, not {len(output.axes)}"
            yield source.fault(output.at, message)
        for axis in output.axes:
            yield from _constants(axis, block, source)


def _constants(expr: Expr, block: Block, source: Source) -> Iterator[Fault]:
    known = symbol_names(block)
    for node in ast.walk(expr):
        match node:
            case ast.Read() | ast.Gather():
                yield source.fault(
                    node.at, f"{node.tensor!r} cannot be read here: only symbols and numbers"
                )
            case ast.Symbol(name=name) if name in block.coords:
                yield source.fault(node.at, f"{name!r} is a coordinate and has no value here")
            case ast.Symbol(name=name) if name not in known:
                yield source.fault(node.at, f"unknown symbol {name!r}{nearest(name, known)}")


def _arities(block: Block) -> dict[str, int]:
    found = {t.name: len(t.axes) for t in block.inputs}
    for equation in block.equations:
        found.setdefault(equation.tensor, len(equation.left))
    return found


def _equation(equation: Equation, block: Block, source: Source) -> Iterator[Fault]:
    arities = _arities(block)
    coords, symbols = block.coords, symbol_names(block)
    inputs = {t.name for t in block.inputs}
    allowed = {*equation.left_coords, *equation.reduce_coords}
    if equation.reduce and equation.reduce.op == "scatter":
        allowed |= set(coords)
    if isinstance(equation.right, ast.Macro):
        allowed.add(equation.right.coord)
    name = equation.tensor
    if name in inputs:
        yield source.fault(equation.at, f"{name!r} is an input and cannot be defined")
    elif arities[name] != len(equation.left):
        message = f"{name!r} has {arities[name]} axes elsewhere, not {len(equation.left)}"
        yield source.fault(equation.at, message)
    if len(set(_flat(equation))) != len(_flat(equation)):
        yield source.fault(equation.at, f"a coordinate stands twice on the left of {name!r}")
    for axis in equation.left:
        if isinstance(axis, Merged):
            yield from _constants(axis.size, block, source)
        for coord in axis.coords:
            if coord in symbols:
                yield source.fault(equation.at, f"{coord!r} is a symbol and a coordinate")
    yield from _reduction(equation, block, source)
    parts = [equation.right, *equation.where, *(equation.reduce.gathers if equation.reduce else ())]
    for part in parts:
        yield from _tree(part, equation, allowed, block, source, arities)


def _flat(equation: Equation) -> list[str]:
    return [c for axis in equation.left for c in axis.coords]


def _tree(
    part: Expr,
    equation: Equation,
    allowed: set[str],
    block: Block,
    source: Source,
    arities: dict[str, int],
) -> Iterator[Fault]:
    coords, symbols = block.coords, symbol_names(block)
    in_index = {
        id(n)
        for read in ast.walk(part)
        if isinstance(read, ast.Read)
        for i in read.indices
        for n in ast.walk(i)
    }
    gathers = equation.reduce.gathers if equation.reduce else ()
    is_target = any(part is g for g in gathers)
    for node in ast.walk(part):
        match node:
            case (
                ast.Read(tensor=tensor, indices=indices)
                | ast.Gather(tensor=tensor, indices=indices)
            ):
                if tensor not in arities:
                    yield source.fault(
                        node.at, f"unknown tensor {tensor!r}{nearest(tensor, arities)}"
                    )
                elif arities[tensor] != len(indices):
                    plural = "index" if arities[tensor] == 1 else "indices"
                    yield source.fault(
                        node.at, f"{tensor!r} needs {arities[tensor]} {plural}, not {len(indices)}"
                    )
                if isinstance(node, ast.Gather) and not is_target and id(node) not in in_index:
                    yield source.fault(node.at, "a gather must stand inside an index")
            case ast.Coord(name=name) if name not in allowed:
                known = nearest(name, allowed)
                message = f"{name!r} is not on the left of {equation.tensor!r}, nor reduced{known}"
                yield source.fault(node.at, message)
            case ast.Symbol(name=name) if name.startswith("|"):
                if name[1:-1] not in coords:
                    known = nearest(name[1:-1], coords)
                    yield source.fault(node.at, f"{name[1:-1]!r} is not a coordinate{known}")
            case ast.Symbol(name=name) if name not in symbols:
                yield source.fault(
                    node.at, f"unknown name {name!r}{nearest(name, symbols | coords)}"
                )
            case ast.Macro() if node is not equation.right:
                yield source.fault(node.at, f"the macro {node.name!r} must be the whole right side")


def _reduction(equation: Equation, block: Block, source: Source) -> Iterator[Fault]:
    reduce = equation.reduce
    if reduce is None:
        return
    left = set(equation.left_coords)
    if len(set(reduce.coords)) != len(reduce.coords):
        yield source.fault(reduce.at, "a rank is reduced twice")
    for coord in reduce.coords:
        if coord in left:
            yield source.fault(reduce.at, f"{coord!r} is reduced and cannot stand on the left")
        if coord in symbol_names(block):
            yield source.fault(reduce.at, f"{coord!r} is a symbol and cannot be reduced")
    if reduce.slot is not None:
        if reduce.slot not in left:
            yield source.fault(reduce.at, f"the slot rank {reduce.slot!r} must stand on the left")
        if not any(s.kind == "rank" and s.name == reduce.slot for s in block.settings):
            yield source.fault(reduce.at, f"the slot rank {reduce.slot!r} needs a 'rank' line")
    if reduce.op == "scatter":
        for gather in reduce.gathers:
            if gather.label not in left:
                yield source.fault(
                    gather.at, f"the target {gather.label!r} of a scatter must stand on the left"
                )


def _slices(block: Block, source: Source) -> Iterator[Fault]:
    by_tensor: dict[str, list[Equation]] = {}
    for equation in block.equations:
        for other in by_tensor.setdefault(equation.tensor, []):
            if not any(_apart(a, b) for a, b in zip(equation.left, other.left, strict=True)):
                message = (
                    f"this slice of {equation.tensor!r} is already defined; slices must be disjoint"
                )
                yield source.fault(equation.at, message)
                break
        by_tensor[equation.tensor].append(equation)


def _apart(a: object, b: object) -> bool:
    if isinstance(a, Const) and isinstance(b, Const):
        return a.value != b.value
    if isinstance(a, Const) and isinstance(b, Shift):
        return a.value == 0
    return isinstance(b, Const) and isinstance(a, Shift) and b.value == 0


def offset(index: Expr, coord: str) -> int | None:
    """Return d if an index is ``coord + d`` for a number d, else None."""
    match index:
        case ast.Coord(name=name) if name == coord:
            return 0
        case ast.Binary(op="+", left=ast.Coord(name=name), right=ast.Number(value=int() as d)) if (
            name == coord
        ):
            return d
        case ast.Binary(op="-", left=ast.Coord(name=name), right=ast.Number(value=int() as d)) if (
            name == coord
        ):
            return -d
    return None


def _iteration(block: Block, source: Source) -> Iterator[Fault]:
    """Reads of a state that is not there yet, and cycles of points inside one iteration."""
    iterative: dict[str, list[int]] = {}
    for equation in block.equations:
        axes = [i for i, a in enumerate(equation.left) if isinstance(a, Shift)]
        if axes:
            iterative[equation.tensor] = axes
    ahead = False
    for equation in block.equations:
        for read in equation.reads:
            for axis in iterative.get(read.tensor, ()):
                for coord in ast.coords_in(read.indices[axis]):
                    step = offset(read.indices[axis], coord)
                    if step is not None and step > 1:
                        ahead = True
                        here = f"{read.tensor!r} is read at {coord}+{step}"
                        message = f"{here}: an iterative rank has {coord} and {coord}+1"
                        yield source.fault(read.node.at, message)
    for tensor, axes in iterative.items():
        has_start = any(
            e.tensor == tensor and isinstance(e.left[axes[0]], Const) for e in block.equations
        )
        if not has_start:
            at = next(e.at for e in block.equations if e.tensor == tensor)
            yield source.fault(at, f"{tensor!r} is iterative and needs an 'init' of index 0")
    if not ahead:
        yield from _cycles(block, source)


def _cycles(block: Block, source: Source) -> Iterator[Fault]:
    """A cycle of reads that stay at the same point: shifts add up to nothing on every rank."""
    edges: dict[int, set[int]] = {i: set() for i in range(len(block.equations))}
    writers: dict[str, list[int]] = {}
    for i, equation in enumerate(block.equations):
        writers.setdefault(equation.tensor, []).append(i)
    for i, equation in enumerate(block.equations):
        for read in equation.reads:
            for j in writers.get(read.tensor, ()):
                if _same_point(equation, read.indices, block.equations[j]):
                    edges[i].add(j)
    cycle = _find_cycle(edges)
    if cycle:
        names = " -> ".join(block.equations[i].tensor for i in [*cycle, cycle[0]])
        yield source.fault(
            block.equations[cycle[0]].at,
            f"these equations need each other at the same point: {names}",
        )


def _same_point(reader: Equation, indices: tuple[Expr, ...], writer: Equation) -> bool:
    """Whether a read of ``writer``'s tensor surely meets the point of the reader's own coordinates."""
    for index, axis in zip(indices, writer.left, strict=True):
        match axis:
            case Plain(coord=coord):
                if offset(index, coord) != 0 or coord not in reader.left_coords:
                    return False
            case Shift(coord=coord):
                if offset(index, coord) != 1 or coord not in reader.left_coords:
                    return False
            case Const(value=value):
                if not (isinstance(index, ast.Number) and index.value == value):
                    return False
            case Merged():
                return False
    return True


def _find_cycle(edges: dict[int, set[int]]) -> list[int]:
    state: dict[int, int] = {}
    for root in edges:
        if root in state:
            continue
        path: list[int] = []
        stack: list[tuple[int, Iterator[int]]] = [(root, iter(sorted(edges[root])))]
        state[root] = 1
        path.append(root)
        while stack:
            node, rest = stack[-1]
            nxt = next(rest, None)
            if nxt is None:
                state[node] = 2
                stack.pop()
                path.pop()
            elif state.get(nxt) == 1:
                return path[path.index(nxt) :]
            elif nxt not in state:
                state[nxt] = 1
                path.append(nxt)
                stack.append((nxt, iter(sorted(edges[nxt]))))
    return []
