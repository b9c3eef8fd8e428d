"""Where each Einsum of a block runs, and which iteration of its producers it reads."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.cascade import ast
from accelsim.cascade.linear import Linear
from accelsim.cascade.model import Equation, Merged, Plain, Shift, TensorRead
from accelsim.cascade.sizes import Sizes
from accelsim.errors import InfeasibleError
from accelsim.mapping.masks import Masks, Parts
from accelsim.mapping.plan import Binding, BlockPlan
from accelsim.replay.exact import grouped, larger, smaller
from accelsim.sim.lower.nest import ALL, FIRST, LAST, SAME, Digit, Level, Nest, Plane, Site
from accelsim.sim.lower.parts import apart


def nest_of(plan: BlockPlan) -> Nest:
    """Return the nest of a block: without shared loops all its loops are the phase's."""
    levels = tuple(Level(name=loop, count=plan.count(loop)) for loop in plan.loops)
    return Nest(levels=levels, outer=plan.outer or len(levels))


def sites_of(plan: BlockPlan, nest: Nest, masks: Masks, parts: Parts) -> dict[str, Site]:
    """Return the site of each bound Einsum, by id.

    An Einsum that lacks a loop runs in that loop's last iteration if an input comes out of it, else in
    its first; one that takes it at once, in the last. A tile in which a condition leaves no point, or
    whose inputs are absent, does not run.
    """
    found: dict[str, Site] = {}
    busy: set[str] = set()

    def site(binding: Binding) -> Site:
        if binding.id in found:
            return found[binding.id]
        busy.add(binding.id)
        atoms = {*plan.space.atoms(binding.equation.coords), *plan.space.leading}
        taken = plan.taken(binding)
        inputs: list[tuple[TensorRead, Site]] = []
        for read in binding.equation.reads:
            for producer in plan.makers(read.tensor):
                if producer.id not in busy:
                    inputs.append((read, site(producer)))
        at = []
        for place, level in enumerate(nest.levels):
            if level.name in taken:
                at.append(LAST)
            elif level.name in atoms:
                at.append(ALL)
            else:
                out_of_it = any(s.at[place] != FIRST for _, s in inputs)
                at.append(LAST if out_of_it else FIRST)
        found[binding.id] = Site(
            nest=nest,
            at=tuple(at),
            planes=_planes(plan, nest, binding, found, masks),
            parts=_parts(plan, nest, parts[binding.id]),
        )
        busy.discard(binding.id)
        return found[binding.id]

    for binding in plan.bindings:
        site(binding)
    return found


def _planes(
    plan: BlockPlan,
    nest: Nest,
    binding: Binding,
    found: dict[str, Site],
    masks: Masks,
) -> tuple[Plane, ...]:
    """Return the conditions under which a tile has a live point (an over-estimate where not affine)."""
    planes = [tile_plane(plan, form) for form in masks[binding.id]]
    planes = [plane for plane in planes if not _always(plan, plane)]
    wanted = binding.bind.only_with
    reads = {read.tensor for read in binding.equation.reads}
    for other in plan.bindings:  # what a mapping leaves out, its readers leave out too
        named = other.equation.tensor == wanted or (
            other.bind.only_with and not wanted and other.equation.tensor in reads
        )
        if named and other.id in found and other.id != binding.id:
            planes += found[other.id].planes
    loops = {level.name for level in nest.levels}
    alike = grouped(planes, lambda p: (tuple(sorted(p.coefs.items())), p.const))
    unique = (same[0] for same in alike)
    return tuple(p for p in unique if p.coefs and set(p.coefs) <= loops)


def _parts(
    plan: BlockPlan, nest: Nest, parts: Sequence[Sequence[Linear]]
) -> tuple[tuple[Plane, ...], ...]:
    """Return the parts of a union in tiles: where each has a live point and none before it has."""
    loops = {level.name for level in nest.levels}
    tiles = []
    for part in parts:
        planes = (tile_plane(plan, form) for form in part)
        tiles.append(tuple(p for p in planes if p.coefs and set(p.coefs) <= loops))
    return apart(nest, tiles)


def _always(plan: BlockPlan, plane: Plane) -> bool:
    """Return whether every tile meets a condition."""
    sizes = plan.space.sizes
    return plane.const + sum(smaller(0, k * (sizes[x] - 1)) for x, k in plane.coefs.items()) >= 0


def tile_plane(plan: BlockPlan, form: Linear) -> Plane:
    """Return a condition on points as one on tiles: it holds if some point of the tile meets it."""
    coefs: dict[str, int] = {}
    const = form.const
    for coord, factor in form.coefs.items():
        for atom in plan.space.atoms_of[coord]:
            if atom.name in plan.loops:
                coefs[atom.name] = coefs.get(atom.name, 0) + factor * atom.stride
            else:
                const += larger(0, factor * atom.stride * (atom.size - 1))
    return Plane(coefs={name: k for name, k in coefs.items() if k}, const=const)


def digits_of(
    consumer: BlockPlan, read: TensorRead, producer: BlockPlan, equation: Equation, sizes: Sizes
) -> dict[str, Digit]:
    """Return, per loop of the producer, which of its iterations a read needs.

    A loop that both have: the same one, minus the shift; one that the producer has reduced, or that
    the reader indexes otherwise: the last.
    """
    found: dict[str, Digit] = {}
    affine = sizes.kept.once(digits_of, lambda: read.affine(sizes.symbols), read)
    walks = [
        (coord, axis, index, text)
        for axis, index, text in zip(equation.left, affine, read.indices, strict=True)
        for coord in axis.coords
    ]
    for loop in producer.loops:
        if loop in producer.space.leading and loop in consumer.loops:
            found[loop] = SAME
            continue
        found[loop] = Digit(fixed=producer.count(loop) - 1)
        if loop in producer.space.leading:
            continue
        own, atom = producer.owner_of[loop]
        for coord, axis, index, text in walks:
            if coord != own:
                continue
            if index is None:
                # The state at some earlier step (the start of a chunk): not before the step before.
                if (
                    isinstance(axis, Shift)
                    and set(ast.coords_in(text)) == {coord}
                    and not ast.has_reads(text)
                ):
                    found[loop] = Digit(back=1)
                continue
            same_loop = loop in consumer.loops
            match axis:
                case Plain() | Shift():
                    shift = 1 if isinstance(axis, Shift) else 0
                    if index.coefs == {coord: 1} and same_loop:
                        found[loop] = _back(producer, coord, atom.name, shift - index.const)
                    elif not index.coefs:
                        digit = larger(0, index.const - shift) // atom.stride % atom.size
                        found[loop] = Digit(fixed=digit)
                case Merged(outer=outer, inner=inner):
                    walked = {outer: sizes.extents[inner], inner: 1}
                    if dict(index.coefs) == walked and not index.const and same_loop:
                        found[loop] = SAME
                case _:
                    pass
    return found


def _back(plan: BlockPlan, coord: str, loop: str, distance: int) -> Digit:
    """Return the digit of a loop ``distance`` positions of its coordinate earlier."""
    if distance <= 0:
        return SAME
    loops = [a for a in plan.space.atoms_of[coord] if a.name in plan.loops and a.size > 1]
    if len(loops) > 1:
        raise InfeasibleError(
            f"{coord} is walked {distance} back and must be one loop, not {len(loops)}"
            f" ({', '.join(a.name for a in loops)})"
        )
    stride = next(a.stride for a in plan.space.atoms_of[coord] if a.name == loop)
    return Digit(back=-(-distance // stride))
