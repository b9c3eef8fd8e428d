"""Buffer ports as a unit: each access takes rows / ports cycles, and what it feeds waits for it.

The accesses of one tile of an Einsum are one request: it is made when the tile's data are there (at most
one tile ahead), and the tile starts with it, late enough to end no earlier. A load is used when it is
written, a store leaves when it is read.
"""

from __future__ import annotations

from fractions import Fraction

from accelsim.mapping.plan import Binding
from accelsim.replay.exact import fraction, integer, larger
from accelsim.sim.lower.accesses import accesses, holder
from accelsim.sim.lower.compute import PhaseDraft
from accelsim.sim.lower.draft import Amount, Draft, DraftWait, total
from accelsim.sim.lower.nest import Need, Site, need


def draft_ports(phase: PhaseDraft) -> None:
    """Add the port requests of the phase to every buffer whose ports are limited."""
    for draft in list(phase.drafts):
        if draft.kind == "compute":
            block = phase.blocks[draft.block]
            binding = block.binding(draft.einsum)
            assert binding is not None
            _compute(phase, draft, binding)
        elif draft.kind in ("load", "store"):
            _transfer(phase, draft)


def _request(draft: Draft, buffer: str, rows: Amount, ports: int) -> Draft:
    return Draft(
        name=f"{buffer} rows of {draft.name}",
        kind="access",
        resource=f"{buffer}.ports",
        queue=f"{buffer}.ports: {draft.name} ({draft.block})",
        site=draft.site,
        einsum=draft.einsum,
        shift=draft.shift,
        order=draft.order,
        block=draft.block,
        moved=rows,
        rate=fraction(ports),
        tensor=draft.tensor,
    )


def _compute(phase: PhaseDraft, draft: Draft, binding: Binding) -> None:
    buffers = phase.plan.arch.buffers
    by_buffer: dict[str, list[Amount]] = {}
    for access in accesses(phase, draft.block, binding):
        row = buffers[access.buffer].row
        by_buffer.setdefault(access.buffer, []).append(
            _rows(access.words, phase.plan.word_bytes, row)
        )
    for buffer, amounts in by_buffer.items():
        ports = buffers[buffer].ports
        if ports is None:
            continue
        rows = total(amounts)
        request = _request(draft, buffer, rows, ports)
        request.waits = [w for w in draft.waits if w.cause in ("data", "slot")]
        request.waits.append(_before(draft))
        longest: Fraction = larger(*(fraction(rows.at(at)) for at in _corners(rows)))
        draft.waits.append(
            DraftWait(
                producer=request,
                need=_same(draft.site, request.site),
                anchor="start",
                lag=larger(Fraction(0), fraction(longest, ports) - larger(1, draft.cycles)),
                cause="port",
            )
        )
        phase.drafts.append(request)


def _corners(amount: Amount) -> list[frozenset[tuple[str, str]]]:
    return [frozenset(), frozenset(amount.edges), *(frozenset({e}) for e in amount.edges)]


def _before(draft: Draft) -> DraftWait:
    """At most one tile ahead: wait for the start of the tile before."""
    digits = draft.site.nest.same
    earlier = need(draft.site, draft.site, digits, shift=-1)
    return DraftWait(producer=draft, need=earlier, anchor="start", cause="order")


def _same(consumer: Site, producer: Site) -> Need:
    return need(consumer, producer, producer.nest.same)


def _rows(words: Amount, word_bytes: int, row: int) -> Amount:
    def rows(at: frozenset[tuple[str, str]]) -> int:
        return integer(-(-words.at(at) * word_bytes // row))

    return Amount(edges=words.edges, value=rows)


def _transfer(phase: PhaseDraft, draft: Draft) -> None:
    buffer = holder(phase, draft.block, draft.tensor)
    ports = phase.plan.arch.buffers[buffer].ports if buffer else None
    if buffer is None or ports is None or draft.moved is None:
        return
    rows = _rows(draft.moved, 1, phase.plan.arch.buffers[buffer].row)
    request = _request(draft, buffer, rows, ports)
    same = _same(request.site, draft.site)
    if draft.kind == "load":
        for other in phase.drafts:
            for wait in other.waits:
                if wait.producer is draft and wait.cause == "data":
                    wait.producer, wait.lag, lag = request, 0, wait.lag
                    request.waits = [DraftWait(producer=draft, need=same, lag=lag)]
    else:
        request.waits = [w for w in draft.waits if w.cause == "data"]
        draft.waits = [w for w in draft.waits if w.cause != "data"]
        draft.waits.append(DraftWait(producer=request, need=same, cause="port"))
    phase.drafts.append(request)
