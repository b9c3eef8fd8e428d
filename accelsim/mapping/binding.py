"""Binds Einsums to units: which lanes, how many cycles a tile, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import prod

from accelsim.arch import Architecture, Array, Done, Lacking
from accelsim.cascade import Cascade
from accelsim.cascade.model import Equation
from accelsim.engines.machine import Machine
from accelsim.errors import nearest
from accelsim.mapping.model import Bind, Block
from accelsim.mapping.plan import Binding, UnitOps
from accelsim.mapping.tiles import Space

Loc = tuple[str | int, ...]
FaultAt = Callable[[Loc, str], None]


def unit_ops(equation: Equation, arch: Architecture, unit: str) -> UnitOps | Lacking:
    """Return how often a point uses each operation of an array, expanded where the array lacks it."""
    able = arch.arrays[unit].ops
    found: Counter[str] = Counter()
    expanded: dict[str, Done] = {}
    for kind, count in equation.slots_ops:
        done = arch.expansions.on(kind, able)
        if isinstance(done, Lacking):
            return done
        found.update({k: n * count for k, n in done.ops.items()})
        if done.rows:
            expanded[kind] = done
    return UnitOps(ops=dict(found), expanded=expanded)


def bindings_of(
    block: Block,
    loc: Loc,
    loops: tuple[str, ...],
    space: Space,
    cascade: Cascade,
    arch: Architecture,
    fault: FaultAt,
    latency: Callable[[int | str | None, Loc], int],
    machine: Machine | None = None,
) -> tuple[Binding, ...]:
    """Return the bindings of a block in order; report every fault and leave the faulty ones out.

    Lags, cycles and latencies that the mapping leaves open are those of the ``machine``, if any.
    """
    known = {equation.id: equation for equation in cascade.equations}
    found: list[Binding] = []
    for number, bind in enumerate(block.bind):
        where = (*loc, "bind", number)
        equation = known.get(bind.einsum)
        array = arch.arrays.get(bind.unit)
        if equation is None:
            fault(
                (*where, "einsum"),
                f"einsum must be one of the cascade, not {bind.einsum!r}"
                f"{nearest(bind.einsum, known)}",
            )
        if array is None:
            fault(
                (*where, "unit"),
                f"unit must be an array, not {bind.unit!r}{nearest(bind.unit, arch.arrays)}",
            )
        for other in bind.after:
            if other not in known:
                fault(
                    (*where, "after", other),
                    f"after must name an Einsum, not {other!r}{nearest(other, known)}",
                )
        if isinstance(bind.stage, dict):
            for loop in bind.stage:
                if loop not in loops:
                    fault(
                        (*where, "stage", loop),
                        f"stage must name a loop, not {loop!r}{nearest(loop, loops)}",
                    )
        if equation is None or array is None:
            continue
        bind = _with_defaults(bind, machine)
        delay = latency(bind.latency, (*where, "latency"))
        ops = unit_ops(equation, arch, bind.unit)
        lags = _lags(bind, equation, cascade, where, fault, latency, machine)
        binding = _binding(bind, equation, array, ops, where, loops, space, delay, fault)
        if binding is None:
            continue
        if bind.cycles is not None:
            binding = replace(binding, cycles=latency(bind.cycles, (*where, "cycles")))
            if binding.cycles < 1:
                fault((*where, "cycles"), f"cycles must be at least 1, not {binding.cycles}")
        found.append(replace(binding, lags=lags))
    return tuple(found)


def _with_defaults(bind: Bind, machine: Machine | None) -> Bind:
    """Return a binding with the cycles and the latency of the machine, where it says nothing."""
    if machine is None:
        return bind
    own = machine.cycles.get(bind.einsum) if bind.slots is None else None
    found = {
        "cycles": own if bind.cycles is None else bind.cycles,
        "latency": machine.latencies.get(bind.einsum) if bind.latency is None else bind.latency,
    }
    return bind.model_copy(update=found)


def _lags(
    bind: Bind,
    equation: Equation,
    cascade: Cascade,
    where: Loc,
    fault: FaultAt,
    number: Callable[[int | str | None, Loc], int],
    machine: Machine | None,
) -> dict[str, int]:
    """Return the lags by the Einsum that a binding reads: what it gives, else what the machine has."""
    if machine is None and not bind.lags:
        return {}
    read = {r.tensor for r in equation.reads}
    made = [e.id for e in cascade.equations if e.tensor in read]
    own = machine.lags if machine else {}
    found = {maker: lag for (maker, to), lag in own.items() if to == bind.einsum and maker in made}
    for name, text in bind.lags.items():
        here = (*where, "lags", name)
        if name not in made:
            message = f"lags must name an Einsum that {bind.einsum} reads, not {name!r}"
            fault(here, f"{message}{nearest(name, made)}")
            continue
        found[name] = number(text, here)
        if found[name] < 1:
            fault(here, f"lag must be at least 1 cycle, not {found[name]}")
    return found


def _binding(
    bind: Bind,
    equation: Equation,
    array: Array,
    ops: UnitOps | Lacking,
    where: Loc,
    loops: tuple[str, ...],
    space: Space,
    latency: int,
    fault: FaultAt,
) -> Binding | None:
    lanes: list[str] = []
    good = True

    def wrong(key: str, message: str) -> None:
        nonlocal good
        good = False
        fault((*where, key), f"{bind.einsum}: {message}")

    atoms = space.atoms(equation.coords)
    for dimension, text in bind.space.items():
        limit = array.dimensions.get(dimension)
        if limit is None:
            wrong(
                "space",
                f"space must name a dimension of {bind.unit}, not {dimension!r}"
                f"{nearest(dimension, array.dimensions)}",
            )
            continue
        names = [name.strip() for name in text.split("*")]
        unknown = [name for name in names if name not in space.sizes]
        if unknown:
            wrong("space", f"space must be a rank, not {unknown[0]!r}{nearest(unknown[0], atoms)}")
            continue
        size = prod(space.sizes[name] for name in names)
        if size > limit:
            wrong(
                "space",
                f"space {text} must be at most the {limit} {dimension} of {bind.unit}, not {size}",
            )
        lanes += names
    for name in bind.time:
        if name not in space.sizes:
            wrong("time", f"time must name ranks, not {name!r}{nearest(name, atoms)}")
            return None
    taken = [loop for loop in loops if loop in bind.time]
    for place, loop in enumerate(loops) if taken else ():
        outside = [each for each in taken if each in loops[:place]]
        if outside and loop in atoms and loop not in taken:
            wrong("time", f"loop {outside[0]}, taken at once, must be inside loop {loop}")
    placed = [*(loop for loop in loops if loop not in taken), *lanes, *bind.time]
    for atom in atoms:
        times = placed.count(atom)
        if times > 1:
            wrong("einsum", f"rank {atom} must be bound once, not {times} times")
        elif not times and space.sizes[atom] > 1:
            wrong(
                "einsum",
                f"rank {atom} (size {space.sizes[atom]}) must be a loop, in space or in time",
            )
    for name in (*lanes, *bind.time):
        if name not in atoms:
            wrong("einsum", f"rank {name} must be a rank of the Einsum ({', '.join(atoms)})")
    if isinstance(ops, Lacking):
        if bind.slots is None and bind.cycles is None:
            wrong(
                "unit",
                f"{bind.unit} must be able to do {ops.kind}, and has nothing that can stand in for it"
                f" (needs: {', '.join(ops.needs)}); it does {', '.join(array.ops)}",
            )
            return None
        ops = UnitOps()
    if not good:
        return None
    results = set(space.atoms(equation.left_coords))
    slots = bind.slots or sum(array.ops[k] * n for k, n in ops.ops.items()) or 1
    return Binding(
        bind=bind,
        equation=equation,
        slots=slots,
        ops=ops,
        cycles=slots * prod(space.sizes[name] for name in bind.time),
        elements=prod(space.sizes[x] for x in bind.time if x in results and x not in taken),
        lanes=tuple(lanes),
        latency=latency,
        line=where,
    )
