"""What queues, their arbiter and counters of tokens must show, whatever the walkers and tokens do."""

import random

from tests.rtl.walkers import packed

QUEUE = (
    ("rst", "go", "slots", "following", "dones", "met", "grant"),
    ("head", "pending", "ready", "slot", "start", "issue", "element", "ends", "stalled"),
)
ARBITER = (("rst", "go", "free", "ready", "was_ready", "slots"), ("grant",))
TOKENS = (("rst", "go", "pulse"), ("count", "previous"))


class Walk:
    """The slots of a task's instances in a run, in order."""

    def __init__(self, draw, bits):
        self.place = 0
        kind = draw.random()
        if kind < 0.3:
            self.slots = [draw.getrandbits(bits) for _ in range(draw.randint(1, 8))]
        else:  # as in a program: near to those of the other tasks, and growing
            first, step = (
                draw.choice([0, 0, 1, 2, 1 << draw.randrange(bits)]),
                draw.choice([0, 1, 1, 2]),
            )
            self.slots = [(first + step * n) % (1 << bits) for n in range(draw.randint(1, 8))]

    @property
    def done(self):
        return self.place == len(self.slots)

    @property
    def slot(self):
        return self.slots[min(self.place, len(self.slots) - 1)]

    @property
    def following(self):
        return self.slots[min(self.place + 1, len(self.slots) - 1)]


class Unit:
    """A unit of its own: which task has it, and for how many cycles after this one."""

    def __init__(self):
        self.clear()
        self.element = 0

    def clear(self):
        self.owner, self.left, self.since = None, 0, 0


def queue_lockstep(queue, seed, cycles):
    """Return (input rows, rows that must be shown) of a queue over walks of any slots.

    The head is the least slot, the first in program order among equals. A unit's time and what a stall
    is put down to do not count for a shared queue, which starts when it is granted to.
    """
    draw = random.Random(seed)
    tasks, bits, causes = queue.tasks, queue.count_bits, queue.causes
    shared = queue.shape.shared
    walks, unit, busy = None, Unit(), 0.9
    given, shown = [], []
    for cycle in range(cycles):
        begins, reset = None, cycle == 0 or draw.random() < 0.005
        if not reset and (cycle == 1 or draw.random() < 0.03):
            begins, busy = [Walk(draw, bits) for _ in tasks], draw.choice([0.5, 0.9, 0.98])
        met = [[int(draw.random() < busy) for _ in task.waits] for task in tasks]
        now = walks or [None] * len(tasks)
        pending = [n for n, walk in enumerate(now) if walk and not walk.done]
        head = min(pending, key=lambda n: (now[n].slot, n), default=None)
        ready = head is not None and all(met[head])
        grant = int(shared and ready and not begins and draw.random() < 0.5)
        following = [w.slot for w in begins] if begins else [w.following if w else 0 for w in now]
        given.append(
            [
                int(reset),
                int(begins is not None),
                packed([w.slot if w else 0 for w in now], bits),
                packed(following, bits),
                packed([not w or w.done for w in now], 1),
                packed([one for each in met for one in each], 1),
                grant,
            ]
        )
        row = [
            _bit(head),
            int(head is not None),
            int(ready),
            now[head].slot if head is not None else 0,
        ]
        if shared:
            starts = head if grant else None
            shown.append([*row, _bit(starts), 0, 0, 0, 0])
        else:
            starts = head if ready and unit.left == 0 and not begins else None
            row += _unit_row(unit, tasks, starts)
            stands = unit.left == 0 and head is not None and not begins
            lacks = (
                [w.cause for w, ok in zip(tasks[head].waits, met[head], strict=True) if not ok]
                if stands
                else []
            )
            shown.append([*row, _bit(causes.index(lacks[0])) if lacks else 0])
            _go_on(unit, tasks, starts, begins)
        if reset:
            walks, unit = None, Unit()
        elif begins:
            walks = begins
        elif starts is not None:
            walks[starts].place += 1
    shown[0] = None
    return given, shown


def _unit_row(unit, tasks, starts):
    """Return issue, element, ends."""
    if starts is not None:
        ends = starts if tasks[starts].duration == 1 else None
        return [_bit(starts), _bit(starts), 0, _bit(ends)]
    ends = unit.owner if unit.left == 1 else None
    return [0, _bit(unit.owner) if unit.left else 0, unit.since, _bit(ends)]


def _go_on(unit, tasks, starts, begins):
    if begins:
        unit.clear()
    elif starts is not None:
        unit.owner, unit.left, unit.since = starts, tasks[starts].duration - 1, 1
    elif unit.left:
        unit.left, unit.since = unit.left - 1, unit.since + 1


def _bit(place):
    return 0 if place is None else 1 << place


def arbiter_lockstep(count, bits, age_bits, seed, cycles, always=()):
    """Return (input rows, grants): who has been ready longest, then the lower slot, then the first.

    Queues in ``always`` wait for nothing: there it is a constant that they were ready before.

    Now and then the bus is free for nobody until somebody has waited nearly as long as can be counted.
    """
    draw = random.Random(seed)
    most = (1 << age_bits) - 1
    waited, granted, ready, slots = [0] * count, None, [0] * count, [0] * count
    given, shown = [], []
    busy, free_share, until = 0.5, 0.5, 0
    for cycle in range(cycles):
        if cycle % 40 == 0 and max(waited) >= until:
            busy, free_share = draw.choice([0.02, 0.1, 0.5, 0.9]), draw.choice([0.05, 0.3, 0.9])
            until = draw.randrange(min(most, 511) - 50) if draw.random() < 0.05 else 0
        go = int(cycle == 1 or draw.random() < (0.0005 if until else 0.01))
        free = int(draw.random() < free_share and max(waited) >= until)
        fresh = [n == granted for n in range(count)]
        together = draw.random() < 0.2
        for n in range(count):
            if fresh[n] or not ready[n]:
                ready[n] = int(together or draw.random() < busy)
                slots[n] = draw.choice([draw.getrandbits(bits), draw.getrandbits(2)])
        was = [draw.getrandbits(1) | (n in always) for n in range(count)]
        ages = [was[n] if fresh[n] else waited[n] for n in range(count)]
        asks = [n for n in range(count) if ready[n]] if free and not go else []
        granted = min(asks, key=lambda n: (-ages[n], slots[n], n), default=None)
        given.append(
            [int(cycle == 0), go, free, packed(ready, 1), packed(was, 1), packed(slots, bits)]
        )
        shown.append([_bit(granted)] if cycle > 1 else None)
        waited = [ages[n] + 1 if ready[n] and not go else 0 for n in range(count)]
        assert max(waited) < most, "nobody waits so long"
        if cycle == 0 or go:
            granted = None
        if cycle == 0:
            waited = [0] * count
    return given, shown


def tokens_lockstep(bits, seed, cycles):
    """Return (input rows, counts): the pulses since the start of the run, and those a cycle before."""
    draw = random.Random(seed)
    given, shown, count, previous, busy = [], [], 0, 0, 0.5
    for cycle in range(cycles):
        go = int(cycle == 1 or draw.random() < 0.01)
        if go:
            busy = draw.choice([0.1, 0.5, 1.0])
        pulse = int(draw.random() < busy)
        given.append([int(cycle == 0), go, pulse])
        shown.append([count, previous] if cycle > 2 else None)
        previous, count = count, 0 if go else (count + pulse) % (1 << bits)
    return given, shown
