"""The transfers of a phase: what is loaded, stored and spilled, when, and into which slots."""

from __future__ import annotations

from fractions import Fraction

from accelsim.cascade.model import TensorRead
from accelsim.mapping.capacity import default_depth
from accelsim.mapping.plan import (
    STREAM,
    Binding,
    BlockPlan,
    alike,
    made_axes,
    read_axes,
    sums_in_memory,
)
from accelsim.mapping.tiles import Axis
from accelsim.replay.exact import fraction
from accelsim.sim.lower.amounts import axis_atoms, live_tiles, tile_words
from accelsim.sim.lower.compute import PhaseDraft, comes_from_dram
from accelsim.sim.lower.draft import Amount, Draft, DraftWait
from accelsim.sim.lower.gathers import Loaded, fresh_share, wait_for_indices
from accelsim.sim.lower.nest import ALL, FIRST, LAST, Nest, Site, need
from accelsim.sim.lower.occupancy import occupy
from accelsim.sim.lower.parts import apart
from accelsim.sim.lower.passes import same_pass
from accelsim.sim.lower.slots import inside, load_site, projected, unranked, wait_for_slot
from accelsim.sim.lower.taken import later_by


def draft_movement(phase: PhaseDraft, needed_later: frozenset[str]) -> None:
    """Add loads, stores, spills and slot waits; ``needed_later`` are tensors that a later phase reads."""
    mover = _Mover(phase, needed_later)
    mover.stores()
    for number in range(len(phase.blocks)):
        mover.loads(number)
    wait_for_indices(phase, mover.loaded, mover.latency)
    mover.slots()


class _Mover:
    def __init__(self, phase: PhaseDraft, needed_later: frozenset[str]) -> None:
        self.phase = phase
        self.plan = phase.plan
        self.needed_later = needed_later
        self.word = phase.plan.word_bytes
        self.dram = phase.plan.arch.dram_name
        self.rate = phase.plan.arch.bytes_per_cycle
        clock = phase.plan.arch.spec.clock
        self.latency = phase.plan.arch.dram.latency * clock
        self.store_of: dict[str, Draft] = {}
        self.loaded: list[Loaded] = []

    # -- loads -------------------------------------------------------------------------------

    def loads(self, number: int) -> None:
        block = self.phase.blocks[number]
        readers: dict[str, list[tuple[Binding, TensorRead]]] = {}
        for binding in block.bindings:
            for read in binding.equation.reads:
                if self._comes_from_dram(number, read.tensor):
                    readers.setdefault(read.tensor, []).append((binding, read))
        for users in readers.values():
            for together in self._alike(users):
                self._load(number, together)

    def _alike(
        self, users: list[tuple[Binding, TensorRead]]
    ) -> list[list[tuple[Binding, TensorRead]]]:
        """Return the readers of a tensor in groups that walk it in the same way: a load each."""
        groups = alike(self.plan.sizes, (read for _, read in users))
        return [[user for user in users if user[1] in group] for group in groups]

    def _comes_from_dram(self, number: int, tensor: str) -> bool:
        return comes_from_dram(self.phase, number, tensor)

    def _load(self, number: int, users: list[tuple[Binding, TensorRead]]) -> None:
        block, nest = self.phase.blocks[number], self.phase.nests[number]
        tensor = users[0][1].tensor
        axes = read_axes(self.plan.sizes, *(read for _, read in users))
        walked = {*axis_atoms(block, axes)}
        if tensor not in self.plan.shared:
            walked |= {*block.space.leading}
        place = block.hold.get(tensor)
        loop = place.loop if place else STREAM
        consumers = [self.phase.compute[b.id] for b in {u.id: u for u, _ in users}.values()]
        moved = tile_words(block, axes).scaled(fraction(self.word))
        site = load_site(nest, walked, loop, [c.site for c in consumers])
        pieces = [x.name for x, at in zip(nest.levels, site.at, strict=True) if at == ALL]
        live = max(live_tiles(self.plan, block, b.id, pieces) for b, _ in users)
        moved = moved.scaled(fresh_share(block, axes, walked, loop, site.planes) * live)
        share = self.plan.spilled.get(tensor, Fraction(0))
        again = sum(x.load.tensor == tensor and x.block == number for x in self.loaded)
        name = f"load {tensor}" + f" {again + 1}" * bool(again)
        load = Draft(
            name=name,
            kind="load",
            resource=self.dram,
            queue=f"{self.dram}: {name} ({number})",
            site=site,
            einsum=users[0][0].id,
            shift=min(c.shift for c in consumers),
            block=number,
            moved=moved.scaled(1 - share),
            rate=self.rate,
            tensor=tensor,
        )
        same = nest.same
        for consumer in consumers:
            needed = need(consumer.site, load.site, same)
            consumer.waits.append(DraftWait(producer=load, need=needed, lag=self.latency))
        depth = block.depth.get(tensor, default_depth(block, tensor))
        freed_by = self._chain_users(block, tensor) or consumers
        wait_for_slot(load, freed_by, depth, limit=inside(nest, loop))
        self._after_store(number, load, tensor, users[0][1])
        self._hold(load, [load.site], freed_by, moved.scaled(1 - share), tensor, nest)
        self.loaded.append(Loaded(block=number, load=load, users=users))
        self.phase.drafts.append(load)
        if share:
            for binding, read in users:
                self._spilled_read(number, binding, read, share)

    def _after_store(self, number: int, load: Draft, tensor: str, read: TensorRead) -> None:
        """A tensor that the same phase stores is loaded when its last piece is there."""
        for other, maker in self.phase.makers(tensor):
            store = self._store(other, maker)
            digits = self.phase.digits(number, read, other, maker)
            load.waits.append(DraftWait(producer=store, need=need(load.site, store.site, digits)))

    # -- spills ------------------------------------------------------------------------------

    def _spilled_read(
        self, number: int, binding: Binding, read: TensorRead, share: Fraction
    ) -> None:
        block, nest = self.phase.blocks[number], self.phase.nests[number]
        consumer = self.phase.compute[binding.id]
        axes = read_axes(self.plan.sizes, read)
        load = Draft(
            name=f"reload {read.tensor} for {binding.id}",
            kind="load",
            resource=self.dram,
            queue=f"{self.dram}: reload {read.tensor} for {binding.id}",
            site=consumer.site,
            einsum=binding.id,
            shift=consumer.shift,
            block=number,
            moved=tile_words(block, axes, binding).scaled(share * self.word),
            rate=self.rate,
            tensor=read.tensor,
        )
        same = nest.same
        needed = need(consumer.site, load.site, same)
        consumer.waits.append(DraftWait(producer=load, need=needed, lag=self.latency))
        wait_for_slot(load, [consumer], 2, limit=len(nest.levels))
        self._after_store(number, load, read.tensor, read)
        self.phase.drafts.append(load)

    # -- stores ------------------------------------------------------------------------------

    def stores(self) -> None:
        outputs = {t.name for t in self.plan.cascade.outputs} | self.needed_later
        outputs |= self._passed_through_dram()
        for number, block in enumerate(self.phase.blocks):
            for binding in block.bindings:
                tensor = binding.equation.tensor
                share = self.plan.spilled.get(tensor, Fraction(0))
                if tensor in outputs:
                    self._store(number, binding)
                elif share:
                    self._spill(number, binding, share)

    def _passed_through_dram(self) -> set[str]:
        """Return what one block of the phase makes and another reads without holding it."""
        return {
            read.tensor
            for number, block in enumerate(self.phase.blocks)
            for binding in block.bindings
            for read in binding.equation.reads
            if self.phase.makers(read.tensor) and self._comes_from_dram(number, read.tensor)
        }

    def _spill(self, number: int, binding: Binding, share: Fraction) -> None:
        """The share that does not fit goes up once made, and down again for every reader elsewhere."""
        tensor = binding.equation.tensor
        self._store(number, binding, share)
        for other, block in enumerate(self.phase.blocks):
            for reader in block.bindings:
                reads = [r for r in reader.equation.reads if r.tensor == tensor]
                if reads and not self._same_pass(binding, reader):
                    self._spilled_read(other, reader, reads[0], share)

    def _same_pass(self, maker: Binding, reader: Binding) -> bool:
        if maker.bind.unit != reader.bind.unit:
            return False
        return same_pass(self.plan.cascade, maker.id, reader.id)

    def _store(self, number: int, binding: Binding, share: Fraction = Fraction(1)) -> Draft:
        if binding.id in self.store_of:
            return self.store_of[binding.id]
        block, nest = self.phase.blocks[number], self.phase.nests[number]
        maker = self.phase.compute[binding.id]
        tensor = binding.equation.tensor
        axes = made_axes(block, self.plan.sizes, binding.equation)
        walked = {*axis_atoms(block, axes), *block.space.leading}
        at = tuple(
            LAST if at == ALL and level.name not in walked else at
            for at, level in zip(maker.site.at, nest.levels, strict=True)
        )
        moved = tile_words(block, axes, binding).scaled(share * self.word)
        store = Draft(
            name=f"{'store' if share == 1 else 'spill'} {tensor}",
            kind="store",
            resource=self.dram,
            queue=f"{self.dram}: store {tensor}",
            site=Site(
                nest=nest,
                at=at,
                planes=projected(maker.site.planes, nest, at),
                parts=apart(nest, [projected(part, nest, at) for part in maker.site.parts]),
            ),
            einsum=binding.id,
            shift=maker.shift,
            block=number,
            moved=moved,
            rate=self.rate,
            tensor=tensor,
        )
        same = nest.same
        lag = binding.latency
        store.waits.append(
            DraftWait(producer=maker, need=need(store.site, maker.site, same), lag=lag)
        )
        self.store_of[binding.id] = store
        self.phase.drafts.append(store)
        if sums_in_memory(block, binding.equation):
            self._sum_in_memory(number, binding, store)
        place = block.hold.get(tensor)
        if (place is None or place.loop == STREAM) and not self._is_shared(block, tensor):
            depth = block.depth.get(tensor, 2)
            wait_for_slot(maker, [store], depth, limit=len(nest.levels), final=at)
            if place is not None:
                last = unranked(nest, maker.site, walked, "last")
                slots = occupy((maker, moved, last), (store, moved, ()), tensor, depth)
                self.phase.reserve(tensor, slots)
        return store

    def _sum_in_memory(self, number: int, binding: Binding, store: Draft) -> None:
        """Read what is added to; tiles that name the same place are not kept apart."""
        maker, nest = self.phase.compute[binding.id], self.phase.nests[number]
        load = Draft(
            name=f"read {binding.equation.tensor} to add",
            kind="load",
            resource=self.dram,
            queue=f"{self.dram}: read {binding.equation.tensor} to add",
            site=store.site,
            einsum=binding.id,
            shift=maker.shift,
            block=number,
            moved=store.moved,
            rate=self.rate,
            tensor=binding.equation.tensor,
        )
        same = nest.same
        needed = need(maker.site, load.site, same)
        maker.waits.append(DraftWait(producer=load, need=needed, lag=self.latency))
        wait_for_slot(load, [maker], 2, limit=len(nest.levels))
        self.phase.drafts.append(load)

    def _is_shared(self, block: BlockPlan, tensor: str) -> bool:
        shares = [*self.plan.spec.share, *block.block.share]
        return any(tensor in names[1:] for names in shares)

    # -- slots of what is made on chip --------------------------------------------------------

    def slots(self) -> None:
        for number, block in enumerate(self.phase.blocks):
            for binding in block.bindings:
                tensor = binding.equation.tensor
                place = block.hold.get(tensor)
                if place is None or place.loop == STREAM or self._is_shared(block, tensor):
                    continue
                self._slot(number, block, binding, place.loop)

    def _slot(self, number: int, block: BlockPlan, binding: Binding, loop: str) -> None:
        """Before the first write of a piece the one ``depth`` tiles before is read for the last time."""
        nest = self.phase.nests[number]
        maker = self.phase.compute[binding.id]
        tensor = binding.equation.tensor
        users = self._chain_users(block, tensor) or self._users(tensor)
        users = [u for u in users if u is not maker]
        axes = made_axes(block, self.plan.sizes, binding.equation)
        walked = {*axis_atoms(block, axes), *block.space.leading}
        first = unranked(nest, maker.site, walked, "first")
        depth = block.depth.get(tensor, default_depth(block, tensor))
        at = tuple(
            FIRST if (level.name, "first") in first else a
            for a, level in zip(maker.site.at, nest.levels, strict=True)
        )
        share = 1 - self.plan.spilled.get(tensor, Fraction(0))
        moved = tile_words(block, axes, binding).scaled(share * self.word)
        later = [u for u in users if u.resource != maker.resource or u.shift > maker.shift]
        wait_for_slot(maker, later, depth, limit=inside(nest, loop), begin=at)
        self._hold(maker, [Site(nest=nest, at=at)], users, moved, tensor, nest)

    def _chain_users(self, block: BlockPlan, tensor: str) -> list[Draft]:
        """Return who frees a buffer that several tensors share one after another."""
        shares = [*self.plan.spec.share, *block.block.share]
        chain = next((names for names in shares if names[0] == tensor), None)
        return self._users(chain[-1]) if chain else []

    def _users(self, tensor: str) -> list[Draft]:
        """Return who reads a tensor on chip, and its store."""
        found = [
            self.phase.compute[binding.id]
            for number, block in enumerate(self.phase.blocks)
            if not self._comes_from_dram(number, tensor)
            for binding in block.bindings
            if any(r.tensor == tensor for r in binding.equation.reads)
        ]
        makers = (maker for _, maker in self.phase.makers(tensor))
        return [*found, *(self.store_of[m.id] for m in makers if m.id in self.store_of)]

    def _hold(
        self,
        taker: Draft,
        sites: list[Site],
        users: list[Draft],
        moved: Amount,
        tensor: str,
        nest: Nest,
    ) -> None:
        """Count a piece as held from the taker's start to the end of its last use."""
        block = self.phase.blocks[taker.block]
        if tensor not in block.hold or not users:
            return
        walked = {
            level.name for level, at in zip(nest.levels, sites[0].at, strict=True) if at == ALL
        }
        taken = (taker, moved, unranked(nest, taker.site, walked, "first"))
        last = max(users, key=lambda u: (u.shift + self._later(u), u.kind == "store", u.order))
        own = last.site.nest
        if own is not nest or self._later(last):
            moved = self._returned(last, tensor)
        if own is not nest:
            reads = self._read_axes(last, tensor)
            walked = {*axis_atoms(self.phase.blocks[last.block], reads), *block.space.leading}
        given = (last, moved, unranked(own, last.site, walked, "last"))
        depth = block.depth.get(tensor, default_depth(block, tensor))
        self.phase.reserve(tensor, occupy(taken, given, tensor, depth))

    def _returned(self, last: Draft, tensor: str) -> Amount:
        """Return what the last user gives back in its own block: its tiles of the tensor."""
        share = 1 - self.plan.spilled.get(tensor, Fraction(0))
        block = self.phase.blocks[last.block]
        words = tile_words(block, self._read_axes(last, tensor), block.binding(last.einsum))
        return words.scaled(share * self.word)

    def _later(self, user: Draft) -> int:
        block = self.phase.blocks[user.block]
        binding = block.binding(user.einsum)
        return later_by(block, binding) if binding and user.kind == "compute" else 0

    def _read_axes(self, user: Draft, tensor: str) -> tuple[Axis, ...]:
        block = self.phase.blocks[user.block]
        binding = block.binding(user.einsum)
        assert binding is not None
        read = next((r for r in binding.equation.reads if r.tensor == tensor), None)
        if read is None:  # the end of a chain that shares the buffer: as large as what it reads
            read = next(r for r in binding.equation.reads if self._same_buffer(r.tensor, tensor))
        return read_axes(self.plan.sizes, read)

    def _same_buffer(self, one: str, other: str) -> bool:
        return any(one in names and other in names for names in self.plan.spec.share)
