"""What is proven of a machine's sequencers: of any run, whenever tokens come and ports are ready."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import In

from tests.rtl.properties import Property


class Wired(Property):
    """A part whose inputs are free."""

    def __init__(self, block):
        self.block = block
        self.m = Module()
        self.m.submodules.block = block
        self.free = []
        for name, member in block.signature.members.items():
            if member.flow is In:
                self.drive(getattr(block, name), len(getattr(block, name)), name)

    def named(self, value, name):
        """Return a signal with the value: an expression that is used twice is built twice."""
        signal = Signal(len(value), name=name)
        self.m.d.comb += signal.eq(value)
        return signal

    def count(self, clear, pulse, bits, name):
        """Return how many cycles with ``pulse`` there were since ``clear``, these not counted."""
        counter = Signal(bits, name=name)
        with self.m.If(clear):
            self.m.d.sync += counter.eq(0)
        with self.m.Elif(pulse):
            self.m.d.sync += counter.eq(counter + 1)
        return counter


def tokens_are_counted(block):
    """The count is that of the pulses since the start of the run: none is lost, none comes twice."""
    found = Wired(block)
    pulses = found.count(block.go, block.pulse, len(block.count), "pulses")
    found.always(block.count == pulses)
    found.always(block.previous == found.before(pulses, "pulses"))
    return found.parts


def walker_follows_the_formula(block):
    """Digits walk in order; slot and needs are start + sum of factor x digit, for any numbers of a run.

    The steps in the registers are those of ``skeleton.settings``: a loop's factor less what the loops
    inside it have added.
    """
    found = Wired(block)
    bits, digit_bits = block.count_bits, block.digit_bits
    counts = [found.constant(digit_bits, f"count_{n}") for n in range(block.levels)]
    for count in counts:
        found.assume(count != 0)
    values = 1 + len(block.shape.waits)
    given, formulas = [], []
    digits = [block.digits[digit_bits * n :][:digit_bits] for n in range(block.levels)]
    words = [Const((1 << len(block.walked)) - 1, bits)]  # which loops it walks
    for number in range(values):
        start = found.constant(bits, f"start_{number}")
        factors = [found.constant(bits, f"factor_{number}_{n}") for n in range(block.levels)]
        total, back, steps = start, Const(0, bits), []
        for factor, digit, count in reversed(list(zip(factors, digits, counts, strict=True))):
            steps.insert(0, (factor - back)[:bits])
            back = found.named((back + factor * (count - 1))[:bits], f"back_{number}_{len(steps)}")
            total = (total + factor * digit)[:bits]
        words += [*([Const(1, bits)] if number else []), start, *steps]
        formulas.append(total)
        given.append(block.slot if not number else block.needs[bits * (number - 1) :][:bits])
    # Registers stand as Skeleton.registers has them: a wait is on, needs, steps.
    found.assume(block.registers == Cat(*words))
    found.assume(
        block.lasts == Cat(*(((c - 1)[:digit_bits] + Const(0, bits))[:bits] for c in counts))
    )
    running = Signal()
    with found.m.If(block.go):
        found.m.d.sync += running.eq(1)
    for shown, formula in zip(given, formulas, strict=True):
        found.always(~running | block.done | (shown == formula))
    for digit, count in zip(digits, counts, strict=True):
        found.always(~running | (digit < count))
    goes = found.before(found.named(block.go | block.step, "goes"), "goes")
    found.always(~goes | (block.slot == found.before(block.following, "following")))
    # The one after (a, b) is (a, b + 1), or (a + 1, 0) after the last b; the last of all ends it.
    order = Const(0, 1)
    for digit, count in zip(digits, counts, strict=True):
        order = order * count + digit
    order = found.named(order[: 2 * digit_bits], "order")
    steps = found.count(block.go, block.step & ~block.done, 2 * digit_bits, "steps")
    found.always(~running | block.done | (order == steps))
    every = counts[0]
    for count in counts[1:]:
        every = every * count
    found.always(~running | (block.done == (steps == every)))
    return found.parts


def queue_in_order(block):
    """The head is the least slot; it starts as soon as its waits are met and the unit is free, no sooner.

    A started task has the unit for just its duration; a cycle in which the unit stands still names a
    cause just if a wait of the head is not met.
    """
    found = Wired(block)
    bits, tasks = block.count_bits, block.tasks
    slots = [block.slots[bits * n :][:bits] for n in range(len(tasks))]
    pending = [~block.dones[n] for n in range(len(tasks))]
    met, place = [], 0
    for task in tasks:
        met.append(block.met[place : place + len(task.waits)].all() if task.waits else Const(1, 1))
        place += len(task.waits)
    # A walker's slot changes when it starts and when it steps; before a run all are done.
    running = Signal()
    with found.m.If(block.go):
        found.m.d.sync += running.eq(1)
    found.assume(running | block.dones.all())
    for n, slot in enumerate(slots):
        goes = found.before(found.named(block.go | block.start[n], f"goes_{n}"), f"goes_{n}")
        after = found.before(block.following[bits * n :][:bits], f"after_{n}")
        found.assume(~running | (slot == Mux(goes, after, found.before(slot, f"slot_{n}"))))
    for (a, b), known in block.first.items():
        found.always(~running | (known == (slots[a] <= slots[b])))
    first = []
    for n, slot in enumerate(slots):
        before = [~pending[k] | (slots[k] > slot) for k in range(n)]
        after = [~pending[k] | (slots[k] >= slot) for k in range(n + 1, len(tasks))]
        first.append(pending[n] & Cat(*before, *after, Const(1, 1)).all())
    left = Signal(range(9))  # cycles that the unit is still taken
    owner = Signal(len(tasks))
    may = [
        found.named(first[n] & met[n] & (left == 0) & ~block.go, f"may_{n}")
        for n in range(len(tasks))
    ]
    found.always(block.start == Cat(*may))
    began = found.named(Cat(*may).any(), "began")
    with found.m.If(block.go):
        found.m.d.sync += left.eq(0)
    with found.m.Elif(began):
        found.m.d.sync += owner.eq(Cat(*may))
        for n, task in enumerate(tasks):
            with found.m.If(may[n]):
                found.m.d.sync += left.eq(task.duration - 1)
    with found.m.Elif(left != 0):
        found.m.d.sync += left.eq(left - 1)
    found.always(block.issue == Mux(began, Cat(*may), Mux(left != 0, owner, 0)))
    ends = [
        (may[n] & int(task.duration == 1)) | (owner[n] & (left == 1))
        for n, task in enumerate(tasks)
    ]
    found.always(block.ends == Cat(*ends))
    since = found.count(began, left != 0, 4, "since")
    found.always((left == 0) | (block.element == (since + 1)[: len(block.element)]))
    found.always(~began | (block.element == 0))
    waits = Cat(*(first[n] & ~met[n] for n in range(len(tasks)))).any()
    stands = (left == 0) & waits & ~block.go
    found.always(block.stalled.any() == stands)
    found.always((block.stalled & (block.stalled - 1)[: len(block.stalled)]) == 0)
    return found.parts


def arbiter_is_fair(block):
    """One at a time, never a free bus beside one that is ready; who has been ready longer goes first.

    Who has been ready longer is a bit a pair here, and no age. Ages may not overflow: nobody waits for
    2^age_bits - 2 cycles (the assumption).
    """
    found = Wired(block)
    count = block.queues
    bits = block.count_bits
    ready = [block.ready[n] for n in range(count)]
    stays = [
        found.named(ready[n] & ~block.go & ~block.grant[n], f"stays_{n}") for n in range(count)
    ]
    fresh = [
        found.before(found.named(block.grant[n] & ~block.go, f"given_{n}"), f"given_{n}")
        for n in range(count)
    ]
    kept = [
        found.named(found.before(stays[n], f"stays_{n}") & ~fresh[n], f"kept_{n}")
        for n in range(count)
    ]
    # Ready since the cycle before, and since the one before that; a new head counts from the cycle before.
    one = [found.named(kept[n] | (fresh[n] & block.was_ready[n]), f"one_{n}") for n in range(count)]
    two = [
        found.named(
            kept[n] & found.before(found.named(stays[n] & one[n], f"long_{n}"), f"long_{n}"),
            f"two_{n}",
        )
        for n in range(count)
    ]
    for n in range(count):
        waited = found.count(~stays[n], stays[n], block.age_bits, f"waited_{n}")
        found.assume(waited < (1 << block.age_bits) - 2)
    slots = [block.slots[bits * n :][:bits] for n in range(count)]
    longer = {}
    for a in range(count):
        for b in range(count):
            if a != b:
                was = Signal(name=f"was_longer_{a}_{b}")
                now = Signal(name=f"longer_{a}_{b}")
                news = Mux(kept[a], Mux(one[b], two[a], 1), ~kept[b] & one[a] & ~one[b])
                found.m.d.comb += now.eq(Mux(kept[a] & kept[b], was, news))
                found.m.d.sync += was.eq(now)
                longer[a, b] = now
    for a in range(count):
        beats = [
            ~ready[b]
            | longer[a, b]
            | (~longer[b, a] & ((slots[a] <= slots[b]) if a < b else (slots[a] < slots[b])))
            for b in range(count)
            if b != a
        ]
        goes = ready[a] & block.free & ~block.go & Cat(*beats).all()
        found.always(block.grant[a] == goes)
    found.always((block.grant & (block.grant - 1)[:count]) == 0)
    found.always(block.grant.any() == (block.ready.any() & block.free & ~block.go))
    return found.parts


def sequencer_keeps_its_promises(block):
    """A small machine on any ports: nothing starts early, no buffer overflows, it never stands still.

    The tasks are a load into a buffer of two tiles, a producer, a consumer into a buffer of one tile, and
    a store on the load's bus; every token comes when it likes, in order, and once. A token that was
    lost would leave the machine with nothing under way and nothing to start.
    """
    plan = block.plan
    found = Property.__new__(Property)
    found.block, found.m, found.free = block, Module(), []
    m = found.m
    m.submodules.block = block
    address = Signal(range(len(plan.registers) + 2))
    loaded = address == len(plan.registers)
    words = Signal(plan.shape.count_bits)
    with m.Switch(address):
        for n, word in enumerate(plan.registers):
            with m.Case(n):
                m.d.comb += words.eq(word & ((1 << plan.shape.count_bits) - 1))
    started = Signal()
    m.d.comb += [
        block.write.eq(address < len(plan.registers)),
        block.address.eq(address),
        block.value.eq(words),
        block.go.eq(loaded),
    ]
    with m.If(address <= len(plan.registers)):
        m.d.sync += address.eq(address + 1)
    with m.If(block.go):
        m.d.sync += started.eq(1)
    tasks = range(len(plan.shape.tasks))
    begun = [found_count(found, block.start[n], f"begun_{n}") for n in tasks]
    pending = Const(0, 1)
    came = {}
    for place, (producer, _, _) in enumerate(block.keys):
        name = f"token_{place}"
        pulse = Signal(name=name)
        raised = found_count(found, pulse, f"raised_{place}")
        # What has started may be done from this cycle on; a task on a unit of its own is done at its end.
        if block.keys[place][1] == "end" and plan.shape.tasks[producer].duration is not None:
            m.d.comb += pulse.eq(block.ends[producer])
        else:
            m.d.comb += pulse.eq(found.input(1, name) & (raised < begun[producer]))
        m.d.comb += block.tokens[place].eq(pulse)
        pending = pending | (raised < begun[producer])
        came[place] = raised
    moving = [n for n in tasks if plan.shape.tasks[n].duration is None]
    busy = Signal()
    moves = Cat(*(block.start[n] for n in moving))
    with m.If(moves.any()):
        m.d.sync += busy.eq(1)
    freed = Signal()
    m.d.comb += freed.eq(busy & found.input(1, "freed"))
    with m.If(freed):
        m.d.sync += busy.eq(0)
    m.d.comb += block.freed.eq(Mux(freed, 1 << plan.bus, 0))
    for n in tasks:
        found.always(~started | (begun[n] <= plan.instances))
        found.always(~block.start[n] | (begun[n] < plan.instances))
        for place, behind in plan.waits[n]:
            # The instance that starts now needs the token of the one ``behind`` before it.
            found.always(~block.start[n] | (begun[n] < came[place] + behind))
    found.always(~busy | ~moves.any())  # one transfer at a time
    found.always(started | ~block.start.any())  # nothing before a run begins
    still = ~(block.start.any() | block.issue.any() | busy | pending)
    found.always(~started | ~still | block.finished)
    found.always(~(started & block.finished) | Cat(*(b == plan.instances for b in begun)).all())
    return found.parts


def found_count(found, pulse, name):
    counter = Signal(4, name=name)
    with found.m.If(pulse):
        found.m.d.sync += counter.eq(counter + 1)
    return counter
