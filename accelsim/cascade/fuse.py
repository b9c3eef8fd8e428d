"""Finds equations that can run together, a tile of one coordinate at a time.

A *group* is a set of steps of which each equation has a coordinate along which the loop cuts it.
Inside the loop a result is needed only as far as the loop has come: what is read nowhere else is
held in a window. A coordinate that an equation reduces makes its result a running total.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from accelsim.cascade import ast
from accelsim.cascade.linear import linear
from accelsim.cascade.model import Const, Equation, Plain, Shift, TensorRead
from accelsim.cascade.order import Step, behind
from accelsim.cascade.parts import accumulates
from accelsim.cascade.sizes import Sizes


@dataclass(frozen=True, kw_only=True)
class Window:
    """What of a tensor a loop holds: from ``lag`` before its tile to ``shift`` after it."""

    axis: int
    lag: int
    shift: int
    is_read_later: bool
    """Whether what the last tile leaves is read after the loop."""

    @property
    def is_passing(self) -> bool:
        """Whether a tile needs nothing of the tile before, nor leaves anything."""
        return not (self.lag or self.shift or self.is_read_later)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Steps in order, those before and after it, and the coordinate of each equation (by identity)."""

    extent: int
    coords: dict[int, str]
    before: list[Step]
    prologue: list[Step]
    inside: list[Step]
    after: list[Step]
    windows: dict[str, Window]

    @property
    def key(self) -> frozenset[tuple[int, str]]:
        return frozenset(self.coords.items())


class Program:
    """Steps, and which of their equations read and write a tensor."""

    def __init__(
        self, steps: Sequence[Step], sizes: Sizes, taken: frozenset[tuple[int, str]]
    ) -> None:
        self.steps, self.sizes, self.taken = list(steps), sizes, taken
        self.equations = [e for s in steps for e in s.equations]
        self.step_of = {id(e): i for i, s in enumerate(steps) for e in s.equations}
        self.writers: dict[str, list[Equation]] = {}
        self.readers: dict[str, list[tuple[Equation, TensorRead]]] = {}
        for equation in self.equations:
            self.writers.setdefault(equation.tensor, []).append(equation)
            for read in equation.reads:
                self.readers.setdefault(read.tensor, []).append((equation, read))
        self.needs = [self._needs(i) for i in range(len(self.steps))]
        self.upstream: list[set[int]] = []
        for need in self.needs:  # steps are in order, so what is needed is known
            self.upstream.append(need.union(*(self.upstream[j] for j in need)))

    def _needs(self, step: int) -> set[int]:
        tensors = {r.tensor for e in self.steps[step].equations for r in e.reads}
        found = {self.step_of[id(w)] for t in tensors for w in self.writers.get(t, ())}
        return found - {step}

    def groups(self, kept: frozenset[str]) -> Iterator[Group]:
        """Yield every largest group that can be grown from one equation and one coordinate."""
        seen: set[frozenset[tuple[int, str]]] = set()
        for equation in self.equations:
            for coord in equation.coords:
                if (id(equation), coord) in self.taken or self.sizes.extents[coord] < 2:
                    continue
                if not _can_cut(equation, coord):
                    continue
                group = _Growth(self, equation, coord).group(kept)
                if group is not None and group.key not in seen:
                    seen.add(group.key)
                    yield group


def _can_cut(equation: Equation, coord: str) -> bool:
    """Whether an equation can be computed for a part of a coordinate at a time."""
    if coord not in equation.coords:
        return False  # the slot of a top-k, the target of a scatter
    axes = [a for a in equation.left if coord in a.coords]
    if axes:
        return len(axes) == 1 and isinstance(axes[0], Plain | Shift)
    return accumulates(equation) is not None and coord in equation.reduce_coords


@dataclass(kw_only=True)
class _Link:
    """A read of a result inside the loop: how far behind and ahead of the loop it reaches."""

    axis: int
    lag: int = 0
    shift: int = 0


@dataclass
class _Growth:
    program: Program
    seed: Equation
    coord: str
    coords: dict[int, str] = field(default_factory=dict)
    prologue: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sizes = self.program.sizes
        self.extent = self.sizes.extents[self.coord]
        self.home = self.program.step_of[id(self.seed)]
        self.by_id = {id(e): e for e in self.program.equations}

    def group(self, kept: frozenset[str]) -> Group | None:
        self._spread()
        members = {
            i
            for i, s in enumerate(self.program.steps)
            if not s.is_opaque and all(id(e) in self.coords for e in s.equations)
        }
        while True:
            if self.home not in members:
                return None
            fault = self._fault(members)
            if fault is None:
                break
            members.discard(fault)
        return self._finished(members, kept)

    def _spread(self) -> None:
        """Give every equation that is reached by aligned reads its coordinate."""
        work = [(self.seed, self.coord)]
        while work:
            equation, coord = work.pop()
            if id(equation) in self.coords or self.sizes.extents[coord] != self.extent:
                continue
            if (id(equation), coord) in self.program.taken or not _can_cut(equation, coord):
                continue
            self.coords[id(equation)] = coord
            for read in equation.reads:
                for axis, index in enumerate(read.indices):
                    if self._follows(index, coord):
                        for writer in self.program.writers.get(read.tensor, ()):
                            left = writer.left[axis]
                            if isinstance(left, Plain | Shift):
                                work.append((writer, left.coord))
            for axis, left in enumerate(equation.left):
                if isinstance(left, Plain | Shift) and left.coord == coord:
                    for reader, read in self.program.readers.get(equation.tensor, ()):
                        for other in ast.coords_in(read.indices[axis]):
                            if self._follows(read.indices[axis], other):
                                work.append((reader, other))

    def _follows(self, index: ast.Expr, coord: str) -> bool:
        """Whether an index walks with a coordinate."""
        if ast.has_reads(index) or ast.coords_in(index) != (coord,):
            return False
        form = linear(index, self.sizes.symbols)
        return form is None or form.coefs.get(coord) == 1

    def _axis(self, equation: Equation) -> int | None:
        """Return the axis of an equation's result that is the loop's coordinate."""
        coord = self.coords[id(equation)]
        for i, left in enumerate(equation.left):
            if coord in left.coords:
                return i
        return None

    def _fault(self, members: set[int]) -> int | None:
        """Return a step that must leave the group, if any."""
        program = self.program
        self.prologue = set()
        for number in sorted(members):
            step = program.steps[number]
            if step.rank is not None and not self._loop_is_sound(step):
                return number
            for equation in step.equations:
                faulty = self._writers_fault(equation, number, members)
                if faulty is not None:
                    return faulty
                for read in equation.reads:
                    for writer in program.writers.get(read.tensor, ()):
                        source = program.step_of[id(writer)]
                        if source in members and self._link(writer, equation, read) is None:
                            return self._farther(source, number)
        for number in range(len(program.steps)):
            if number in members or number in self.prologue:
                continue
            above = members & program.upstream[number]
            below = {m for m in members if number in program.upstream[m]}
            if above and below:
                side = above if self.home in below or self.home not in above else below
                return max(side) if side is below else min(side)
        if any(program.upstream[p] & members for p in self.prologue):
            return next(iter(members))
        return None

    def _writers_fault(self, equation: Equation, number: int, members: set[int]) -> int | None:
        """Note slices that are set before the loop; all other parts of a result belong to the group."""
        axis = self._axis(equation)
        for other in self.program.writers[equation.tensor]:
            source = self.program.step_of[id(other)]
            if source in members:
                alone = len(self.program.writers[equation.tensor]) == 1
                if not alone and (axis is None or self._axis(other) != axis):
                    return number
                continue
            if axis is None or other.left[axis] != Const(value=0):
                return number
            self.prologue.add(source)
        return None

    def _farther(self, writer: int, reader: int) -> int:
        """Return which of two steps that cannot both be in the group leaves it."""
        up = self.program.upstream
        if reader == self.home or reader in up[self.home]:
            return writer
        return reader

    def _loop_is_sound(self, step: Step) -> bool:
        """Whether a step that is a loop itself can be cut: along its own rank, or a rank all share."""
        coords = {self.coords[id(e)] for e in step.equations}
        if coords == {step.rank}:
            return True
        own = set(step.ranks)
        for equation in step.equations:
            axis = self._axis(equation)
            if axis is None or self.coords[id(equation)] in own:
                return False
            for reader in step.equations:
                for read in reader.reads:
                    if read.tensor != equation.tensor:
                        continue
                    link = self._link(equation, reader, read)
                    if link is None or link.lag or link.shift:
                        return False
        return True

    def _link(self, writer: Equation, reader: Equation, read: TensorRead) -> _Link | None:
        """Return how a read follows the loop, or None if it needs what the loop has not come to."""
        axis = self._axis(writer)
        if axis is None:
            return None  # a running total, complete only after the loop
        shift = 1 if isinstance(writer.left[axis], Shift) else 0
        coord, index = self.coords[id(reader)], read.indices[axis]
        if self.program.step_of[id(writer)] == self.program.step_of[id(reader)]:
            step = self.program.steps[self.program.step_of[id(writer)]]
            if step.rank == coord and not self._follows(index, coord):
                return _Link(axis=axis, lag=self.extent, shift=shift)
        if not self._follows(index, coord):
            return None
        distances = behind(index, coord, self.sizes)
        if distances is None or distances[0] + shift < 0:
            return None
        return _Link(axis=axis, lag=max(distances[1], 0), shift=shift)

    def _finished(self, members: set[int], kept: frozenset[str]) -> Group:
        program = self.program
        windows: dict[str, Window] = {}
        written = {e.tensor for i in members for e in program.steps[i].equations}
        for tensor in sorted(written - kept):
            window = self._window(tensor, members)
            if window is not None:
                windows[tensor] = window
        below = {
            i
            for i in range(len(program.steps))
            if program.upstream[i] & members and i not in members
        }
        rest = [i for i in range(len(program.steps)) if i not in members | self.prologue]
        late = self._late(members, below)
        held = {id(e) for i in members for e in program.steps[i].equations}
        return Group(
            extent=self.extent,
            coords={k: c for k, c in self.coords.items() if k in held},
            before=[program.steps[i] for i in rest if i not in late],
            prologue=[program.steps[i] for i in sorted(self.prologue)],
            inside=[program.steps[i] for i in sorted(members)],
            after=[program.steps[i] for i in rest if i in late],
            windows=windows,
        )

    def _late(self, members: set[int], below: set[int]) -> set[int]:
        """Return the steps after the loop: those that need it, and slices of what only they define."""
        program = self.program
        late = set(below)
        made = {e.tensor for i in below for e in program.steps[i].equations}
        for i in reversed(range(len(program.steps))):
            if i in members | self.prologue | late:
                continue
            needed = any(
                i in program.upstream[j] for j in range(len(program.steps)) if j not in late
            )
            if not needed and all(e.tensor in made for e in program.steps[i].equations):
                late.add(i)
        return late

    def _window(self, tensor: str, members: set[int]) -> Window | None:
        """Return what of a tensor must be held, or None if all of it is needed."""
        program = self.program
        writers = [w for w in program.writers[tensor] if program.step_of[id(w)] in members]
        axis = self._axis(writers[0])
        if axis is None:
            return None
        shift = max(1 if isinstance(w.left[axis], Shift) else 0 for w in writers)
        lag, is_read_later = 0, False
        for reader, read in program.readers.get(tensor, ()):
            if program.step_of[id(reader)] in members:
                for writer in writers:
                    link = self._link(writer, reader, read)
                    assert link is not None
                    lag = max(lag, link.lag)
                continue
            form = linear(read.indices[axis], self.sizes.symbols)
            if form is None or form.coefs:
                return None
            lag = max(lag, self.extent + shift - 1 - form.const)
            is_read_later = True
        if lag >= self.extent:
            return None
        return Window(axis=axis, lag=lag, shift=shift, is_read_later=is_read_later)
