"""Resolves a mapping: atoms and their sizes, the binding of every Einsum, what fits."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.cascade.sizes import Sizes
from accelsim.errors import Fault, InfeasibleError, SpecError, nearest
from accelsim.mapping import capacity
from accelsim.mapping.binding import bindings_of
from accelsim.mapping.machine import machine_of
from accelsim.mapping.model import Block, MappingSpec
from accelsim.mapping.names import check_names
from accelsim.mapping.partition import divisors, space_of
from accelsim.mapping.plan import STREAM, BlockPlan, Place, Plan
from accelsim.mapping.presence import presence_of
from accelsim.mapping.selection import UNIFORM, Selection
from accelsim.mapping.tiles import Space
from accelsim.replay.exact import integer
from accelsim.replay.search import largest
from accelsim.specs import Document
from accelsim.specs.expr import Expression


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be run: a cascade with rank sizes and leading ranks on an architecture."""

    cascade: Cascade
    arch: Architecture
    ranks: Table[str, int]  # shape names and parameters of the cascade
    leading: Table[str, int] = field(default_factory=dict)  # loop name -> count, outer to inner
    shared: frozenset[str] = frozenset()
    selection: Selection = UNIFORM


def resolve(spec: MappingSpec, document: Document, problem: Problem) -> Plan:
    """Return the plan; raise SpecError for a faulty mapping, InfeasibleError for one that does not fit."""
    return _Resolver(spec, document, problem).plan()


class _Resolver:
    def __init__(self, spec: MappingSpec, document: Document, problem: Problem) -> None:
        self.spec = spec
        self.document = document
        self.problem = problem
        self.arch = problem.arch
        self.symbols: dict[str, Any] = dict(problem.arch.symbols())
        self.symbols |= dict(problem.ranks)
        self.faults: list[Fault] = []

    def fault(self, loc: tuple[str | int, ...], message: str) -> None:
        self.faults.append(self.document.fault(loc, message))

    def stop_on_faults(self) -> None:
        if self.faults:
            raise SpecError(self.faults)

    def plan(self) -> Plan:
        named = self.spec.cascade
        served = [named] if isinstance(named, str) else named
        if self.problem.cascade.name not in served:
            self.fault(("cascade",), f"cascade must be {self.problem.cascade.name}, not {named!r}")
            self.stop_on_faults()
        for name, size in {**self.problem.ranks, **self.problem.leading}.items():
            if size < 1:
                raise SpecError(f"size {name} must be at least 1, not {size}")
        self._check_names()
        sizes = self._cascade_sizes()
        blocks = tuple(
            self._block(number, block, sizes) for number, block in enumerate(self.spec.blocks)
        )
        self._check_cover(blocks)
        self.stop_on_faults()
        demand = capacity.demand(self.spec, blocks, self.arch, sizes, self.problem.shared)
        try:
            spilled = capacity.spilled(self.spec, demand, self.arch)
        except InfeasibleError as error:
            raise InfeasibleError(f"{self.document.fault(('blocks',), str(error))}") from None
        return Plan(
            name=self.document.path,
            spec=self.spec,
            cascade=self.problem.cascade,
            arch=self.arch,
            sizes=sizes,
            ranks=dict(self.problem.ranks)
            | {n.upper(): c for n, c in self.problem.leading.items()},
            leading=dict(self.problem.leading),
            shared=self.problem.shared,
            blocks=blocks,
            spilled=spilled,
            charged_bytes=demand.charged,
            unpaid=demand.unpaid,
            selection=self.problem.selection,
            presence=presence_of(self.problem.cascade, sizes, self.problem.selection),
        )

    def _check_names(self) -> None:
        """Check the names of the mapping, of a document but once for a cascade."""

        def checked() -> tuple[MappingSpec, Cascade]:
            check_names(self.spec, self.problem.cascade, self.fault)
            self.stop_on_faults()
            return self.spec, self.problem.cascade  # kept, and with them their identity

        key = (check_names, id(self.spec), id(self.problem.cascade))
        self.document.kept.once(key, checked)

    def _cascade_sizes(self) -> Sizes:
        """Tile sizes that the cascade has as parameters (M0) come from the mapping's ``sizes``."""
        cascade = self.problem.cascade
        given = dict(self.problem.ranks)
        for name in cascade.params:
            if name in self.spec.sizes and name not in given:
                given[name] = self._number(f"size {name}", self.spec.sizes[name], ("sizes", name))
        self.stop_on_faults()
        known = set(cascade.shape_names) | set(cascade.params)
        sizes = cascade.sizes(**{n: v for n, v in given.items() if n in known})
        self.symbols |= {n: v for n, v in sizes.symbols.items() if isinstance(v, int)}
        return sizes

    def _number(
        self,
        name: str,
        value: int | str,
        loc: tuple[str | int, ...],
        known: Table[str, int] | None = None,
        least: int = 1,
        **functions: Any,
    ) -> int:
        """Return a size; ``known`` are the sizes that stand before it."""
        try:
            if isinstance(value, int):
                number: Any = value
            else:
                symbols = {**self.symbols, **(known or {})}
                table = {"divisor": _largest_divisor, **functions}
                number = Expression.parse(value).evaluate(symbols, functions=table)
            if number != integer(number) or number < least:
                raise ValueError(f"must be a whole number of at least {least}, not {number}")
        except (ValueError, ArithmeticError) as error:
            self.fault(loc, f"{name}: {error}")
            return 1
        return integer(number)

    def _cycles(
        self, value: int | str | None, loc: tuple[str | int, ...], sizes: Table[str, int]
    ) -> int:
        name = "lag" if "lags" in loc else str(loc[-1])
        return 0 if value is None else self._number(name, value, loc, sizes, least=0)

    # -- blocks ------------------------------------------------------------------------------

    def _block(self, number: int, block: Block, sizes: Sizes) -> BlockPlan:
        loc = ("blocks", number)
        written = (*self.spec.outer, *block.loops)
        loops = (*(n for n in self.problem.leading if n not in written), *written)
        partition = {**self.spec.partition, **block.partition}
        size_texts = {**self.spec.sizes, **block.sizes}
        mine = {part for parts in partition.values() for part in parts}
        deferred = [n for n, t in size_texts.items() if isinstance(t, str) and "max_fit" in t]
        fixed: dict[str, int] = {}
        for name, text in size_texts.items():
            where = (*loc, "sizes", name) if name in block.sizes else ("sizes", name)
            if name not in deferred:
                fixed[name] = self._number(f"size {name}", text, where, fixed)
            elif name in mine:  # else a size of another block
                fixed[name] = self._largest(
                    name,
                    text,
                    where,
                    block,
                    loops,
                    partition,
                    fixed,
                    [d for d in deferred if d not in fixed],
                    number,
                    sizes,
                )
        space = self._space(partition, fixed, sizes)
        self.stop_on_faults()
        return self._planned(number, block, loops, space)

    def _frame(self, number: int, block: Block, loops: tuple[str, ...], space: Space) -> BlockPlan:
        """Return a block with what it holds, and nothing bound yet."""
        loc: tuple[str | int, ...] = ("blocks", number)
        for loop in loops:
            if loop not in space.sizes:
                self.fault(
                    (*loc, "loops"),
                    f"loop must be a rank of the cascade, a part of one or a"
                    f" leading rank, not {loop!r}{nearest(loop, space.sizes)}",
                )
        self.stop_on_faults()
        known = {e.id: e for e in self.problem.cascade.equations}
        return BlockPlan(
            block=block,
            number=number,
            outer=len(loops) - len(block.loops) if self.spec.outer else 0,
            loops=loops,
            space=space,
            equations=tuple(known[b.einsum] for b in block.bind if b.einsum in known),
            bindings=(),
            hold=self._hold(block, loops, loc),
            depth={**self.spec.depth, **block.depth},
        )

    def _planned(
        self, number: int, block: Block, loops: tuple[str, ...], space: Space
    ) -> BlockPlan:
        loc: tuple[str | int, ...] = ("blocks", number)
        frame = self._frame(number, block, loops, space)
        cascade = self.problem.cascade
        sizes = {name.upper(): size for name, size in space.sizes.items()}
        machine = machine_of(
            self.arch,
            cascade,
            self.spec,
            block,
            {**self.symbols, **sizes},
            lambda message: self.fault((*loc, "bind"), message),
        )
        bindings = bindings_of(
            block,
            loc,
            loops,
            space,
            cascade,
            self.arch,
            self.fault,
            lambda value, at: self._cycles(value, at, sizes),
            machine,
        )
        self.stop_on_faults()
        return replace(frame, bindings=bindings, machine=machine)

    def _hold(
        self, block: Block, loops: tuple[str, ...], loc: tuple[str | int, ...]
    ) -> dict[str, Place]:
        tensors = {e.tensor for e in self.problem.cascade.equations}
        tensors |= {t.name for t in self.problem.cascade.inputs}
        found: dict[str, Place] = {}
        for source, where in ((self.spec.hold, ("hold",)), (block.hold, (*loc, "hold"))):
            for buffer, entries in source.items():
                if buffer not in self.arch.buffers:
                    self.fault(
                        (*where, buffer),
                        f"hold must name a buffer, not {buffer!r}"
                        f"{nearest(buffer, self.arch.buffers)}",
                    )
                for tensor, loop in entries.items():
                    here = (*where, buffer, tensor)
                    if tensor not in tensors:
                        self.fault(
                            here,
                            f"hold must name a tensor of the cascade, not {tensor!r}"
                            f"{nearest(tensor, tensors)}",
                        )
                    elif loop != STREAM and loop not in loops:
                        if source is block.hold:
                            self.fault(
                                here,
                                f"hold of {tensor} must name a loop of the block or"
                                f" 'stream', not {loop!r}{nearest(loop, loops)}",
                            )
                        continue  # a default for other blocks
                    found[tensor] = Place(buffer=buffer, loop=loop)
        return found

    def _largest(
        self,
        name: str,
        text: int | str,
        where: tuple[str | int, ...],
        block: Block,
        loops: tuple[str, ...],
        partition: dict[str, list[str]],
        fixed: dict[str, int],
        unresolved: list[str],
        number: int,
        sizes: Sizes,
    ) -> int:
        """Return the largest divisor of what is left of the rank whose charged tiles fit."""
        ones = dict.fromkeys(unresolved, 1)
        rank, parts = next((r, p) for r, p in partition.items() if name in p)
        inner = prod(({**ones, **fixed}).get(p, 1) for p in parts[parts.index(name) + 1 :])
        total = self._extent(rank, sizes)
        left = -(-total // inner)

        def fits(room: Any) -> int:
            """``room`` is a buffer's name, or bytes of the largest buffer."""
            buffers = self.arch.buffers
            if not isinstance(room, str):
                buffer, budget = max(buffers, key=lambda b: buffers[b].size, default=""), room
            elif room in buffers:
                buffer, budget = room, buffers[room].size
            else:
                raise ValueError(
                    f"max_fit must name a buffer, not {room!r}{nearest(room, buffers)}"
                )
            held: list[capacity.Claim] = []

            def charged(divisor: int) -> int:
                space = self._space(partition, {**ones, **fixed, name: divisor}, sizes)
                self.stop_on_faults()
                if not held:
                    frame = self._frame(number, block, loops, space)
                    held.extend(capacity.claims(self.spec, (frame,), sizes, self.problem.shared))
                return capacity.paid_bytes(held, space, self.arch.spec.word).get(buffer, 0)

            found = largest(divisors, left, charged, budget)
            if found is None:
                raise InfeasibleError(
                    f"{self.document.fault(where, f'size {name}')}: even a tile of 1 needs"
                    f" {charged(1)} bytes of {buffer}, {budget} are there: hold fewer"
                    " tensors or enlarge the buffer"
                )
            return found

        value = self._number(f"size {name}", text, where, fixed, max_fit=fits)
        return largest(divisors, left, lambda divisor: divisor, value) or 1

    def _extent(self, rank: str, sizes: Sizes) -> int:
        return sizes.extents[rank.lower()]

    def _space(self, partition: dict[str, list[str]], fixed: dict[str, int], sizes: Sizes) -> Space:
        problem = self.problem
        return space_of(
            problem.cascade, sizes, problem.leading, partition, fixed, self.fault, problem.selection
        )

    def _check_cover(self, blocks: tuple[BlockPlan, ...]) -> None:
        bound: dict[str, int] = {}
        for plan in blocks:
            for binding in plan.bindings:
                if binding.id in bound:
                    self.fault(binding.line, f"Einsum {binding.id} must be bound once")
                bound[binding.id] = plan.number
        for equation in self.problem.cascade.equations:
            if equation.id not in bound:
                self.fault(
                    ("blocks",),
                    f"Einsum {equation.id} must be bound to a unit; bound: {', '.join(bound)}",
                )


def _largest_divisor(number: Any, most: Any) -> int:
    """``divisor(n, most)``: the largest divisor of n that is at most ``most``."""
    whole = integer(number)
    if number != whole or whole < 1 or most < 1:
        raise ValueError(
            f"divisor(n, most) must have n and most of at least 1, not {number}, {most}"
        )
    return largest(divisors, whole, lambda divisor: divisor, most) or 1
