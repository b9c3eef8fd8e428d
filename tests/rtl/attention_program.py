"""Queries on pruned attention as a program of the simulator's kernel.

Two resources: ``front`` makes the probabilities of a query, ``back`` selects and sums. Durations are
the engine's formulas, looked up by query; the low bits' round is passed over where it is not needed.
A query is handed over when the one before it has its result.
"""

from accelsim.sim.observe import record
from accelsim.sim.program import Loop, Phase, Queue, Task, Wait

ORDER = ("take", "keys", "softmax", "keys_low", "softmax_low", "hand_over")


def program(engine, queries, answers, latency):
    """Return the phase for queries (with n, k) and their answers, fetches taking ``latency``."""
    front = {name: [] for name in ORDER}
    back = []
    for query, answer in zip(queries, answers, strict=True):
        fetch = query.n + latency + 1 if query.n else 0
        softmax = engine.front_cycles(query.n, latency, requantised=False) - fetch
        again = answer.requantised
        for name, cycles in (("take", 1), ("keys", fetch), ("softmax", softmax)):
            front[name].append(cycles)
        front["keys_low"].append(fetch * again)
        front["softmax_low"].append(softmax * again)
        front["hand_over"].append(1)
        back.append(engine.back_cycles(answer.probabilities, query.k, latency))
    tasks = [_looked_up(name, 0, front[name]) for name in ORDER[:-1]]
    answered = len(ORDER)
    idle = Wait(producer=answered, strides=(1,), offset=-1, cause="slot")
    tasks.append(_looked_up("hand_over", 0, front["hand_over"], idle))
    handed = Wait(producer=ORDER.index("hand_over"), strides=(1,))
    tasks.append(_looked_up("answer", 1, back, handed))
    return Phase(
        name="queries",
        loops=(Loop(name="query", count=len(queries)),),
        resources=("front", "back"),
        queues=(
            Queue(name="front", resource=0, body=tuple((n, 0) for n in range(answered))),
            Queue(name="back", resource=1, body=((answered, 0),)),
        ),
        tasks=tuple(tasks),
    )


def _looked_up(name, queue, cycles, *waits):
    """A task with its own duration for each query; of none, it is passed over."""
    kinds = tuple(n if each else -1 for n, each in enumerate(cycles))
    durations = tuple(max(1, each) for each in cycles)
    return Task(name=name, queue=queue, durations=durations, kinds=kinds, waits=waits)


def starts(engine, queries, answers, latency):
    """Return the kernel's start cycles by task and query, and when each answer ends."""
    phase = program(engine, queries, answers, latency)
    found, ends = {}, {}
    for each in record(phase):
        found[phase.tasks[each.task].name, each.iteration] = each.start
        if phase.tasks[each.task].name == "answer":
            ends[each.iteration] = each.end
    return found, ends
