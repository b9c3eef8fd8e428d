"""A mapping resolved for one cascade, one architecture and one set of sizes: numbers, no expressions."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from accelsim.arch import Architecture, Done
from accelsim.cascade import Cascade, ast
from accelsim.cascade.model import Equation, Merged, Plain, Shift, TensorRead
from accelsim.cascade.sizes import Sizes
from accelsim.engines.machine import Machine
from accelsim.mapping.indices import index_of, plain
from accelsim.mapping.model import Bind, Block, MappingSpec
from accelsim.mapping.presence import Presence
from accelsim.mapping.selection import Selection
from accelsim.mapping.tiles import Atom, Axis, Space
from accelsim.replay.exact import grouped

STREAM = "stream"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a tensor's tiles are held: ``loop`` is a loop's name or "stream" (a new tile each time)."""

    buffer: str
    loop: str


@dataclass(frozen=True, kw_only=True)
class UnitOps:
    """What a point of an Einsum takes of a unit: operations by kind; ``expanded`` are those it lacks."""

    ops: Table[str, int] = field(default_factory=dict)
    expanded: Table[str, Done] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Binding:
    """One bound Einsum of a block, with its equation and its cycles."""

    bind: Bind
    equation: Equation
    slots: int  # issue slots of one point
    ops: UnitOps
    cycles: int  # of one task
    elements: int  # results of one iteration per lane, one after another
    lanes: tuple[str, ...]  # atoms across the array
    latency: int  # cycles from the end of a tile to its use, beyond the paths
    line: tuple[str | int, ...]  # where it stands in the file
    lags: Table[str, int] = field(
        default_factory=dict
    )  # Einsum that it reads -> from start to start

    @property
    def id(self) -> str:
        return self.equation.id


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """A block with its atoms and loop counts; the first ``outer`` of the loops are shared."""

    block: Block
    number: int
    outer: int
    loops: tuple[str, ...]
    space: Space
    equations: tuple[Equation, ...]  # of what is bound
    bindings: tuple[Binding, ...]
    hold: Table[str, Place]
    depth: Table[str, int]
    machine: Machine | None = None  # in RTL, that runs it

    def count(self, loop: str) -> int:
        return self.space.sizes[loop]

    @cached_property
    def _by_id(self) -> dict[str, Binding]:
        return {binding.id: binding for binding in reversed(self.bindings)}

    @cached_property
    def _makers(self) -> dict[str, list[Binding]]:
        found: dict[str, list[Binding]] = {}
        for binding in self.bindings:
            found.setdefault(binding.equation.tensor, []).append(binding)
        return found

    def makers(self, tensor: str) -> list[Binding]:
        """Return the Einsums of the block that make a tensor."""
        return self._makers.get(tensor, [])

    def binding(self, einsum: str) -> Binding | None:
        return self._by_id.get(einsum)

    @cached_property
    def _taken(self) -> dict[str, tuple[str, ...]]:
        times = {binding.id: binding.bind.time for binding in self.bindings}
        return {name: tuple(x for x in self.loops if x in time) for name, time in times.items()}

    def taken(self, binding: Binding) -> tuple[str, ...]:
        """Return the loops that an Einsum takes at once: those in its ``time``."""
        return self._taken[binding.id]

    @cached_property
    def fixed(self) -> frozenset[str]:
        """The loops and the leading ranks."""
        return frozenset((*self.loops, *self.space.leading))

    @cached_property
    def outside(self) -> frozenset[str]:
        """The leading ranks that are no loops."""
        return self.fixed.difference(self.loops)

    def still(self, binding: Binding) -> frozenset[str]:
        """Return the loops and leading ranks that stand still in a task of an Einsum."""
        taken = self._taken[binding.id]
        return self.fixed.difference(taken) if taken else self.fixed

    @cached_property
    def owner_of(self) -> dict[str, tuple[str, Atom]]:
        """The coordinate of each atom, and the atom."""
        found: dict[str, tuple[str, Atom]] = {}
        for coord, atoms in self.space.atoms_of.items():
            for atom in atoms:
                found.setdefault(atom.name, (coord, atom))
        return found


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that lowering needs. ``spilled`` is the share of each spilled tensor that moves."""

    name: str
    spec: MappingSpec
    cascade: Cascade
    arch: Architecture
    sizes: Sizes
    ranks: Table[str, int]
    leading: Table[str, int]
    shared: frozenset[str]  # inputs without the leading ranks
    blocks: tuple[BlockPlan, ...]
    spilled: Table[str, Fraction]
    charged_bytes: Table[str, int]  # buffer -> what the mapping pays for
    unpaid: tuple[str, ...]
    selection: Selection
    presence: Presence

    @property
    def word_bytes(self) -> int:
        return self.arch.spec.word

    @property
    def begun(self) -> tuple[str, ...]:
        """What a running state begins with, where that is an input."""
        inputs = {tensor.name for tensor in self.cascade.inputs}
        first = {r.tensor for e in self.cascade.inits for r in e.reads if r.tensor in inputs}
        names = ", ".join(sorted(first))
        return (f"the first states ({names}) are on the chip at the start",) if first else ()

    @property
    def selected(self) -> tuple[str, ...]:
        """What is stated of data and not computed: conditions and gathers, a sentence each."""
        found = dict.fromkeys(self.presence.stated)
        pairs = [(block, binding) for block in self.blocks for binding in block.bindings]
        for where, binding in pairs:
            reduce = binding.equation.reduce
            if reduce and reduce.op == "scatter" and reduce.combine == "=":
                found[
                    f"of {binding.equation.tensor} the places that are named are written, no others"
                ] = None
            if sums_in_memory(where, binding.equation):
                found[
                    f"{binding.equation.tensor} is summed in memory: every tile reads and writes the"
                    " places that it names, in any order"
                ] = None
            for read in binding.equation.reads:
                for gather in read.node.gathers if isinstance(read.node, ast.Read) else ():
                    found[
                        f"rows of {read.tensor} gathered by {gather.tensor}: selection"
                        f" {self.selection.name} (stated, not computed)"
                    ] = None
        return tuple(found)

    @property
    def expanded(self) -> tuple[str, ...]:
        """What is done by expansions of several operations or with an error, a sentence each."""
        users: dict[tuple[str, str], list[str]] = {}
        means: dict[tuple[str, str], Done] = {}
        for binding in (binding for block in self.blocks for binding in block.bindings):
            for kind, done in binding.ops.expanded.items():
                if not done.is_stand_in:
                    users.setdefault((kind, binding.bind.unit), []).append(binding.id)
                    means[kind, binding.bind.unit] = done
        word = self.arch.spec.word
        short = f"; coarser than half a unit in the last place of words of {word} B, bring rows for them"
        return tuple(
            f"{kind} on {unit} ({', '.join(users[kind, unit])}) is {done}"
            + short * done.coarser_than(8 * word)
            for (kind, unit), done in means.items()
        )


def read_axes(sizes: Sizes, *reads: TensorRead) -> tuple[Axis, ...]:
    """Return the axes of a tensor as its readers walk them; reads may differ in constants only."""
    return sizes.kept.once(read_axes, lambda: _read_axes(sizes, reads), *reads)


def _read_axes(sizes: Sizes, reads: tuple[TensorRead, ...]) -> tuple[Axis, ...]:
    shape = sizes.shapes[reads[0].tensor]
    found: list[Axis] = []
    for place, size in enumerate(shape):
        indices = [index_of(read.indices[place], sizes.symbols, sizes.places) for read in reads]
        alike = grouped((const for index in indices for const in index.consts), lambda x: x)
        consts = tuple(sorted(same[0] for same in alike))
        found.append(Axis(index=replace(indices[0], consts=consts), size=size))
    return tuple(found)


def alike(sizes: Sizes, reads: Iterable[TensorRead]) -> list[list[TensorRead]]:
    """Return reads of one tensor in groups that walk it in the same way, but for constants."""
    each = tuple(reads)
    return sizes.kept.once(alike, lambda: _alike(sizes, each), *each)


def _alike(sizes: Sizes, reads: tuple[TensorRead, ...]) -> list[list[TensorRead]]:
    if len(reads) == 1:
        return [list(reads)]
    return grouped(
        reads, lambda read: tuple(index_of(i, sizes.symbols).terms for i in read.indices)
    )


def made_axes(block: BlockPlan, sizes: Sizes, equation: Equation) -> tuple[Axis, ...]:
    """Return the axes of a result as a block makes it: what a scatter sums is kept whole if it is held."""
    place = block.hold.get(equation.tensor)
    kept = place is not None and place.loop != STREAM
    return result_axes(sizes, equation, kept=kept)


def sums_in_memory(block: BlockPlan, equation: Equation) -> bool:
    """Return whether a scatter adds to places that no buffer of the block keeps."""
    reduce, place = equation.reduce, block.hold.get(equation.tensor)
    kept = place is not None and place.loop != STREAM
    return reduce is not None and reduce.op == "scatter" and reduce.combine != "=" and not kept


def result_axes(sizes: Sizes, equation: Equation, *, kept: bool = True) -> tuple[Axis, ...]:
    """Return the axes of an Einsum's result as it is made.

    An iterative axis has one live version and is left out, unless earlier steps are read. The slot of
    a selection is made whole. A scatter makes the places that it names; if several points of one place
    come together the whole axis is ``kept`` until the last.
    """
    return sizes.kept.once(
        (result_axes, kept), lambda: _result_axes(sizes, equation, kept), equation
    )


def _result_axes(sizes: Sizes, equation: Equation, kept: bool) -> tuple[Axis, ...]:
    reduce = equation.reduce
    gathers = {g.label: g for g in reduce.gathers} if reduce and reduce.op == "scatter" else {}
    found: list[Axis] = []
    for axis, size in zip(equation.left, sizes.shapes[equation.tensor], strict=True):
        match axis:
            case Plain(coord=coord) if reduce and coord == reduce.slot:
                found.append(Axis(index=None, size=size))
            case Plain(coord=coord) if coord in gathers and reduce:
                named = index_of(gathers[coord], sizes.symbols, sizes.places)
                index = None if kept and reduce.combine != "=" else named
                found.append(Axis(index=index, size=size))
            case Plain(coord=coord):
                found.append(Axis(index=plain(**{coord: 1}), size=size))
            case Merged(outer=outer, inner=inner):
                index = plain(**{outer: sizes.extents[inner], inner: 1})
                found.append(Axis(index=index, size=size))
            case Shift(coord=coord) if equation.tensor in sizes.histories:
                found.append(Axis(index=plain(**{coord: 1}), size=size))
            case Shift() | _:
                pass
    return tuple(found)


def is_carried(cascade: Cascade, tensor: str) -> str | None:
    """Return the iterative coordinate of a tensor, if it has one."""
    return next(
        (e.iterative for e in cascade.equations if e.tensor == tensor and e.iterative), None
    )
