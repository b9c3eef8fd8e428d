"""The compute tasks of a phase, and what they wait for of one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

from accelsim.cascade.model import TensorRead
from accelsim.errors import InfeasibleError
from accelsim.mapping.masks import masks_of, parts_of
from accelsim.mapping.plan import Binding, BlockPlan, Plan
from accelsim.replay.exact import fraction, grouped, larger
from accelsim.sim.lower.amounts import lanes_used, live_tiles, tile_points
from accelsim.sim.lower.draft import Access, Draft, DraftWait
from accelsim.sim.lower.nest import Digit, Nest, Site, need
from accelsim.sim.lower.place import digits_of, nest_of, sites_of
from accelsim.sim.lower.taken import check_taken, runs_after


@dataclass(kw_only=True)
class PhaseDraft:
    """A phase in the making: its blocks, their nests and the tasks so far."""

    plan: Plan
    blocks: tuple[BlockPlan, ...]
    nests: list[Nest] = field(default_factory=list)
    sites: list[dict[str, Site]] = field(default_factory=list)
    compute: dict[str, Draft] = field(default_factory=dict)  # by Einsum
    drafts: list[Draft] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)  # bytes held throughout, by tensor
    accesses: dict[str, tuple[Access, ...]] = field(default_factory=dict)  # by Einsum
    loaded: dict[tuple[int, str], bool] = field(default_factory=dict)  # by block, tensor
    holders: dict[tuple[int, str], str | None] = field(default_factory=dict)  # by block, tensor
    _digits: dict[tuple[int, int, str], dict[str, Digit]] = field(default_factory=dict)

    def reserve(self, tensor: str, size_bytes: int) -> None:
        """Count slots of a tensor as held throughout."""
        if size_bytes:
            self.reserved[tensor] = self.reserved.get(tensor, 0) + size_bytes

    def holder(self, tensor: str) -> str:
        """Return the buffer that holds a tensor, as the program's pools have it."""
        return {t: at.buffer for block in self.blocks for t, at in block.hold.items()}[tensor]

    def block_of(self, einsum: str) -> int:
        return next(n for n, b in enumerate(self.blocks) if b.binding(einsum))

    def makers(self, tensor: str) -> list[tuple[int, Binding]]:
        """Return the Einsums of the phase that make a tensor, with their blocks."""
        return self._makers.get(tensor, [])

    @cached_property
    def _makers(self) -> dict[str, list[tuple[int, Binding]]]:
        found: dict[str, list[tuple[int, Binding]]] = {}
        for number, block in enumerate(self.blocks):
            for binding in block.bindings:
                found.setdefault(binding.equation.tensor, []).append((number, binding))
        return found

    def digits(self, number: int, read: TensorRead, other: int, maker: Binding) -> dict[str, Digit]:
        """Return which iteration of a maker, in another block or the same, a read needs."""
        key = (number, id(read), maker.id)
        if key not in self._digits:
            blocks, sizes = self.blocks, self.plan.sizes
            self._digits[key] = digits_of(
                blocks[number], read, blocks[other], maker.equation, sizes
            )
        return self._digits[key]


def draft_compute(plan: Plan, blocks: tuple[BlockPlan, ...]) -> PhaseDraft:
    """Return a phase with its compute tasks and the waits between them."""
    phase = PhaseDraft(plan=plan, blocks=blocks)
    for number, block in enumerate(blocks):
        nest = nest_of(block)
        phase.nests.append(nest)
        masks = masks_of(plan.cascade, plan.sizes)
        sites = sites_of(block, nest, masks, parts_of(plan.cascade, plan.sizes))
        phase.sites.append(sites)
        for order, binding in enumerate(block.bindings):
            draft = Draft(
                name=binding.id,
                kind="compute",
                resource=binding.bind.unit,
                queue=binding.bind.unit,
                site=sites[binding.id],
                einsum=binding.id,
                shift=_shift(block, nest, binding),
                order=order,
                block=number,
                cycles=ceil(
                    binding.cycles * live_tiles(plan, block, binding.id, block.still(binding))
                ),
                tensor=binding.equation.tensor,
                lanes=lanes_used(block, binding),
                points=tile_points(block, binding),
            )
            phase.compute[binding.id] = draft
            phase.drafts.append(draft)
    for number, block in enumerate(blocks):
        reads = {r.tensor for b in block.bindings for r in b.equation.reads}
        check_taken(
            block,
            phase.sites[number],
            frozenset(tensor for tensor in reads if comes_from_dram(phase, number, tensor)),
        )
        for binding in block.bindings:
            _data_waits(phase, number, binding)
            _order_waits(phase, number, binding)
    return phase


def _shift(block: BlockPlan, nest: Nest, binding: Binding) -> int:
    stage = binding.bind.stage
    if block.outer:
        if stage:
            raise InfeasibleError(
                f"{binding.id}: stage must be 0 in a block with outer loops; give the block a stage"
            )
        return block.block.stage
    if isinstance(stage, int):
        return stage
    return sum(n * nest.strides[nest.position[loop]] for loop, n in stage.items())


def _data_waits(phase: PhaseDraft, number: int, binding: Binding) -> None:
    """Wait for the Einsums of the phase that are read; the same unit's order is no wait."""
    consumer = phase.compute[binding.id]
    found = (
        wait
        for wait, digits in needs(phase, number, binding)
        if not _in_order(wait.producer, consumer, digits, wait)
    )
    alike = grouped(found, lambda wait: (id(wait.producer), wait.anchor, wait.lag, wait.need))
    consumer.waits += (waits[0] for waits in alike)


def needs(
    phase: PhaseDraft, number: int, binding: Binding
) -> list[tuple[DraftWait, dict[str, Digit]]]:
    """Return what an Einsum waits for if no program order helps, each with the producer's digits."""
    consumer = phase.compute[binding.id]
    found: list[tuple[DraftWait, dict[str, Digit]]] = []
    for read in binding.equation.reads:
        for other, maker in phase.makers(read.tensor):
            if not on_chip(phase, number, other, read.tensor):
                continue
            producer = phase.compute[maker.id]
            digits = phase.digits(number, read, other, maker)
            if maker.id == binding.id and not any(d.back for d in digits.values()):
                continue
            wait = _wait(phase, producer, maker, consumer, binding, digits)
            found.append((wait, digits))
    # The digits say which instance is needed.
    alike = grouped(found, lambda one: (id(one[0].producer), one[0].anchor, one[0].lag, one[1]))
    return [same[0] for same in alike]


def on_chip(phase: PhaseDraft, reader: int, maker: int, tensor: str) -> bool:
    """Return whether a tensor passes from its maker's block to the reader's without DRAM."""
    if reader == maker:
        return True
    places = (phase.blocks[reader].hold.get(tensor), phase.blocks[maker].hold.get(tensor))
    return all(place is not None and place.loop in phase.plan.spec.outer for place in places)


def comes_from_dram(phase: PhaseDraft, number: int, tensor: str) -> bool:
    """Return whether a block loads a tensor: nobody passes it on the chip."""
    if (number, tensor) not in phase.loaded:
        makers = phase.makers(tensor)
        passed = any(on_chip(phase, number, other, tensor) for other, _ in makers)
        phase.loaded[number, tensor] = not passed
    return phase.loaded[number, tensor]


def _wait(
    phase: PhaseDraft,
    producer: Draft,
    maker: Binding,
    consumer: Draft,
    reader: Binding,
    digits: dict[str, Digit],
) -> DraftWait:
    needed = need(consumer.site, producer.site, digits)
    latency = maker.latency
    wait = DraftWait(producer=producer, need=needed, lag=latency)
    if maker.id in reader.lags:
        wait.anchor, wait.lag = "start", reader.lags[maker.id]
        return wait
    if maker.bind.unit == reader.bind.unit:
        return wait
    link = phase.plan.arch.link(maker.bind.unit, reader.bind.unit)
    if link is None:
        return wait
    path = (link.down if link.upper == maker.bind.unit else link.up) + latency
    if not link.chain:
        wait.lag = path
        return wait
    first = maker.cycles // maker.elements
    own = reader.cycles // reader.elements
    behind = larger(0, (maker.elements - 1) * (first - own))
    wait.anchor = "start"
    wait.lag = fraction(first + path + behind)
    return wait


def _in_order(producer: Draft, consumer: Draft, digits: dict[str, Digit], wait: DraftWait) -> bool:
    """Return whether the unit's own program order already makes the consumer come later."""
    if producer.resource != consumer.resource:
        return False
    if wait.lag > (producer.cycles if wait.anchor == "start" else 0):
        return False
    if producer.block != consumer.block or any(d.fixed is not None for d in digits.values()):
        return False
    if runs_after(producer.site, consumer.site):
        return False
    if any(d.back for d in digits.values()):
        return producer.shift <= consumer.shift
    return (producer.shift, producer.order) < (consumer.shift, consumer.order)


def _order_waits(phase: PhaseDraft, number: int, binding: Binding) -> None:
    consumer = phase.compute[binding.id]
    nest = phase.nests[number]
    for name, distance in binding.bind.after.items():
        maker = phase.blocks[number].binding(name)
        if maker is None:
            raise InfeasibleError(
                f"{binding.id}: after must name an Einsum of the same block, not {name}"
            )
        producer = phase.compute[name]
        digits = nest.same
        needed = need(consumer.site, producer.site, digits, shift=-distance)
        wait = DraftWait(producer=producer, need=needed, lag=maker.latency, cause="order")
        consumer.waits.append(wait)
