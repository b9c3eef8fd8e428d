"""What is proven of the blocks: a component with assertions per property, written as monitors."""

from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal


class Property:
    """A block, its free inputs, and assertions in ``m``; a monitor's state is reset with the block."""

    def __init__(self, block):
        self.block = block
        self.m = Module()
        self.m.submodules.block = block
        self.free = []
        for port in block.engine.ports:
            member = getattr(block, port.name)
            if port.direction == "in":
                self.drive(member.payload, port.width, f"{port.name}_payload")
                if not port.always_valid:
                    self.drive(member.valid, 1, f"{port.name}_valid")
            elif not port.always_ready:
                self.drive(member.ready, 1, f"{port.name}_ready")

    def input(self, bits, name):
        """Return a signal that may have any value in any cycle."""
        signal = Signal(bits, name=f"free_{name}")
        self.free.append(signal)
        return signal

    def drive(self, target, bits, name):
        self.m.d.comb += target.eq(self.input(bits, name))

    def always(self, condition):
        self.m.d.comb += Assert(condition)

    def assume(self, condition):
        self.m.d.comb += Assume(condition)

    def before(self, value, name, init=0):
        """Return what ``value`` was in the cycle before; ``init`` after a reset."""
        old = (
            Signal.like(value, name=f"old_{name}", init=init) if isinstance(value, Signal) else None
        )
        old = Signal(len(value), name=f"old_{name}", init=init) if old is None else old
        self.m.d.sync += old.eq(value)
        return old

    def register(self, bits, name):
        """Return a register of the monitor, which keeps what it is not given anew."""
        return Signal(bits, name=f"monitor_{name}")

    def constant(self, bits, name):
        """Return a signal that has any value, the same for ever."""
        held = Signal(bits, name=f"constant_{name}", reset_less=True)
        chosen = Signal(name=f"chosen_{name}", reset_less=True)
        self.m.d.sync += chosen.eq(1)
        value = Signal(bits, name=f"any_{name}")
        self.m.d.comb += value.eq(Mux(chosen, held, self.input(bits, name)))
        self.m.d.sync += held.eq(value)
        return value

    @property
    def parts(self):
        return self.m, self.free


def moved(stream):
    return stream.valid & stream.ready


def stable(found, name):
    """An output stream holds what it has shown until it is transferred."""
    stream = getattr(found.block, name)
    waiting = found.before(stream.valid & ~stream.ready, f"{name}_waiting")
    payload = stream.payload if isinstance(stream.payload, Signal) else stream.payload.as_value()
    shown = found.before(payload, f"{name}_payload")
    found.always(~waiting | (stream.valid & (payload == shown)))


def results_after(found, begins, result, latency, name="result"):
    """A result is there exactly ``latency`` cycles after what begins it: the formula as a counter.

    The shift register is the model's own count of cycles, which the assertion holds to the block.
    """
    due = begins
    for n in range(latency):
        due = found.before(due, f"{name}_due_{n}")
    found.always(result == due)


def fifo_order(block):
    """Any one value, once in, comes out after just those that were before it, unchanged."""
    found = Property(block)
    depth = block.engine.depth
    into, out = moved(block.i), moved(block.o)
    tracked, ahead = Signal(), Signal(range(depth + 1))
    value = Signal(block.engine.width)
    begin = into & found.input(1, "pick") & ~tracked
    with found.m.If(begin):
        found.m.d.sync += [
            tracked.eq(1),
            value.eq(block.i.payload),
            ahead.eq(block.count - out),
        ]
    leaves = tracked & out & (ahead == 0)
    with found.m.If(leaves):
        found.m.d.sync += tracked.eq(0)
    with found.m.Elif(tracked & out):
        found.m.d.sync += ahead.eq(ahead - 1)
    found.always(~leaves | (block.o.payload == value))
    found.always(~tracked | block.o.valid)  # it is never lost
    # What makes the induction close: where the tracked word stands in the ring.
    place = Signal(range(2 * depth))
    found.m.d.comb += place.eq(block.read + ahead)
    wrapped = Mux(place >= depth, place - depth, place)
    for n, word in enumerate(block.words):
        found.always(~tracked | (wrapped != n) | (word == value))
    found.always(~tracked | (ahead < block.count))
    _ring(found)
    return found.parts


def fifo_counts(block):
    """Neither overflow nor underflow: what is held is what went in less what came out."""
    found = Property(block)
    into, out = moved(block.i), moved(block.o)
    held = Signal(range(block.engine.depth + 2))
    found.m.d.sync += held.eq(held + into - out)
    found.always(held == block.count)
    found.always(held <= block.engine.depth)
    found.always(block.o.valid == (held != 0))
    found.always(block.i.ready == (held != block.engine.depth))
    stable(found, "o")
    _ring(found)
    return found.parts


def fifo_latency(block):
    """A value that finds it empty can be read as many cycles later as the model says."""
    found = Property(block)
    found.assume(block.o.ready)
    results_after(found, moved(block.i), block.o.valid, block.engine.latency)
    found.always(block.count <= 1)
    return found.parts


def _ring(found):
    block = found.block
    depth = block.engine.depth
    found.always((block.read < depth) & (block.write < depth) & (block.count <= depth))
    end = Signal(range(2 * depth))
    found.m.d.comb += end.eq(block.read + block.count)
    found.always(Mux(end >= depth, end - depth, end) == block.write)


def buffer_words(block):
    """Any one word reads as it was last written, whichever stream reads or writes it."""
    found = Property(block)
    engine = block.engine
    address = found.constant(engine.address_bits, "address")
    found.assume(address < engine.depth)
    word = Signal(engine.width, reset_less=True)
    for n in range(engine.writes):
        write = getattr(block, f"w{n}")
        with found.m.If(moved(write) & (write.payload.address == address)):
            found.m.d.sync += word.eq(write.payload.data)
    held = block.memory.read_port(domain="comb")
    found.m.d.comb += held.addr.eq(address)
    found.always(held.data == word)
    for n in range(engine.reads):
        read, answer = getattr(block, f"r{n}"), getattr(block, f"d{n}")
        moves = ~answer.valid | answer.ready
        mine, expected = moved(read) & (read.payload == address), word
        for stage in range(engine.latency_cycles):
            next_mine = Signal(name=f"mine_{n}_{stage}")
            next_expected = Signal(engine.width, name=f"expected_{n}_{stage}", reset_less=True)
            with found.m.If(moves):
                found.m.d.sync += [next_mine.eq(mine), next_expected.eq(expected)]
            mine, expected = next_mine, next_expected
            data, valid = block.stages[n][stage]
            found.always(~mine | (valid & (data == expected)))
        found.always(~mine | (answer.valid & (answer.payload == expected)))
    return found.parts


def buffer_priority(block):
    """Ports suffice; who waits has as many before it as there are ports; a word is written once."""
    found = Property(block)
    engine = block.engine
    writes = [getattr(block, f"w{n}") for n in range(engine.writes)]
    served = Signal(range(engine.writes + engine.reads + 1))
    serving = [moved(w) for w in writes]
    serving += [moved(getattr(block, f"r{n}")) for n in range(engine.reads)]
    found.m.d.comb += served.eq(sum(serving))
    found.always(served <= engine.access_ports)
    for n, write in enumerate(writes):
        same = [w.valid & (w.payload.address == write.payload.address) for w in writes[:n]]
        found.always(~(moved(write) & Cat(*same).any()))
        full = sum(serving[:n]) == engine.access_ports
        found.always(~write.valid | write.ready | full | Cat(*same).any())
    for n in range(engine.reads):
        read, answer = getattr(block, f"r{n}"), getattr(block, f"d{n}")
        full = sum(serving[: engine.writes + n]) == engine.access_ports
        found.always(~read.valid | read.ready | full | (answer.valid & ~answer.ready))
        stable(found, f"d{n}")
    return found.parts


def buffer_latency(block):
    """Every answer is there just as many cycles after its read as the model says."""
    found = Property(block)
    for n in range(block.engine.reads):
        answer = getattr(block, f"d{n}")
        found.assume(answer.ready)
        begins = moved(getattr(block, f"r{n}"))
        results_after(found, begins, answer.valid, block.engine.latency, f"d{n}")
    return found.parts


def pipeline_time(block):
    """In a pipeline that stands still as a whole, a result is there after just the latency.

    Cycles in which it stands still do not count: the shift register of what is due stands too. An
    operation without a result (not the last of a sum) is not due.
    """
    found = Property(block)
    moves = ~block.o.valid | block.o.ready
    due = moved(block.i)
    if any(name == "last" for name, _ in block.engine.port("i").fields):
        due = due & block.i.payload.last
    for n in range(block.engine.latency):
        following = Signal(name=f"due_{n}")
        with found.m.If(moves):
            found.m.d.sync += following.eq(due)
        due = following
    found.always(block.o.valid == due)
    stable(found, "o")
    return found.parts
