"""What is proven of the row engines: closed up, packed, selected; monitors as in properties.py."""

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value

from accelsim.rtl.rows import lanes
from tests.rtl.properties import Property, moved, stable


def kept_before(keep, n):
    """Return how many of the first n bits are set, the plain way."""
    return sum(keep[:n], Const(0, 1))


def closed_up(found, keep, values, name):
    """Return what a row comes to by definition: lane o is the kept lane with o kept before it."""
    lanes_out = []
    for out in range(len(values)):
        chosen = Const(0, len(values[0]))
        for n, value in enumerate(values):
            chosen = chosen | Mux(keep[n] & (kept_before(keep, n) == out), value, 0)
        signal = Signal(len(values[0]), name=f"{name}_{out}")
        found.m.d.comb += signal.eq(chosen)
        lanes_out.append(signal)
    return lanes_out


def zero_eliminator_closes_up(block):
    """Every row comes out closed up, in order, once; two cycles after it went in, stalls left out.

    Any row is followed through the two registers: the first holds it as it came, with the number of
    dropped lanes before each; the second shows it closed up.
    """
    found = Property(block)
    number = block.engine.lanes
    free = ~block.o.valid | block.o.ready
    # The row as it came, beside the first register; closed up by definition, beside the second.
    first, second = Signal(), Signal()
    keep = Signal(number)
    values = [Signal(block.engine.width, name=f"came_{n}") for n in range(number)]
    expected = [Signal(block.engine.width, name=f"expected_{n}") for n in range(number)]
    count = Signal(range(number + 1))
    with found.m.If(~first | free):
        found.m.d.sync += [first.eq(block.i.valid), keep.eq(block.i.payload.keep)]
        found.m.d.sync += [
            a.eq(b) for a, b in zip(values, lanes(block.i.payload, number), strict=True)
        ]
    with found.m.If(free):
        found.m.d.sync += [second.eq(first), count.eq(kept_before(list(keep), number))]
        closed = closed_up(found, list(keep), values, "closed")
        found.m.d.sync += [a.eq(b) for a, b in zip(expected, closed, strict=True)]
    found.always(block.i.ready == (~first | free))
    found.always(block.o.valid == second)
    found.always(~second | (block.o.payload.count == count))
    for shown, wanted in zip(lanes(block.o.payload, number), expected, strict=True):
        found.always(~second | (shown == wanted))
    # What makes the induction close: the first register of the block has what came.
    found.always(block.held == first)
    found.always(~first | (block.keep == keep))
    for n in range(number):
        found.always(~first | (block.values[n] == values[n]))
        found.always(~first | (block.dropped[n] == kept_before(list(~keep), n)))
    stable(found, "o")
    return found.parts


def realigner_order(block):
    """Any one value, once in, comes out after just those that were before it, unchanged."""
    found = Property(block)
    number = block.engine.lanes
    given, out = block.i.payload, block.o.payload
    tracked, value = Signal(), Signal(block.engine.width)
    ahead = Signal(range(2 * number + 1))
    lane = found.input(len(Value.cast(given.count)), "lane")
    shown = Signal(range(number + 1))
    found.m.d.comb += shown.eq(Mux(block.o.valid, out.count, 0))
    picks = moved(block.i) & found.input(1, "pick") & ~tracked & (lane < given.count)
    with found.m.If(picks & (lane < number)):
        # Who takes a row has given the one that it showed.
        found.m.d.sync += [
            tracked.eq(1),
            value.eq(Array(lanes(given, number))[lane]),
            ahead.eq(block.occupied + lane),
        ]
    leaves = moved(block.o)
    with found.m.If(tracked & leaves & (ahead < shown)):
        found.m.d.sync += tracked.eq(0)
    with found.m.Elif(tracked & leaves):
        found.m.d.sync += ahead.eq(ahead - shown)
    # It is where it should be: in the row that is shown, or in the rest.
    place = Signal(range(2 * number + 1))
    found.m.d.comb += place.eq(ahead - shown)
    for n, each in enumerate(lanes(out, number)):
        found.always(~tracked | (ahead >= shown) | (ahead != n) | (each == value))
    found.always(~tracked | (ahead < shown) | (place < block.occupied))
    for n, each in enumerate(block.rest):
        found.always(~tracked | (ahead < shown) | (place != n) | (each == value))
    _realigner_shape(found)
    return found.parts


def realigner_lists(block):
    """As many values come out of a list as went in; ``last`` stands on the end of it, and only there."""
    found = Property(block)
    number, bits = block.engine.lanes, 6
    given, out = block.i.payload, block.o.payload
    into, leaves = moved(block.i), moved(block.o)
    taken = Signal(range(number + 1))
    found.m.d.comb += taken.eq(Mux(given.count > number, number, given.count))
    inside = Signal(bits)  # values of the list that have come and not gone, modulo 2^bits
    found.m.d.sync += inside.eq(inside + Mux(into, taken, 0) - Mux(leaves, out.count, 0))
    shown = Mux(block.o.valid, out.count, 0)
    found.always(inside == block.occupied + shown)
    # The end has come in and not yet gone out.
    ended = Signal()
    with found.m.If(into & given.last):
        found.m.d.sync += ended.eq(1)
    with found.m.Elif(leaves & out.last):
        found.m.d.sync += ended.eq(0)
    found.always(ended == (block.flush | (block.o.valid & out.last)))
    found.always(~(leaves & out.last) | (block.occupied == 0))
    _realigner_shape(found)
    return found.parts


def realigner_rate(block):
    """A row a cycle at any density: only after the end of a list one cycle may go without."""
    found = Property(block)
    number = block.engine.lanes
    given = block.i.payload
    found.assume(block.o.ready)
    overflows = found.before(
        moved(block.i) & given.last & (block.occupied + given.count > number), "overflows"
    )
    found.always(block.i.ready | overflows)
    found.always(~(found.before(~block.i.ready, "waits") & ~block.i.ready))
    found.always(~block.flush | overflows)
    return found.parts


def _realigner_shape(found):
    """Rows are full but for the last of a list; after a flush nothing is left."""
    block = found.block
    number, out = block.engine.lanes, block.o.payload
    stable(found, "o")
    found.always(~block.o.valid | (out.count <= number))
    found.always(~block.o.valid | out.last | (out.count == number))
    found.always(block.occupied < number)
    found.always(~block.flush | (block.o.valid & ~out.last & (block.occupied != 0)))
    found.always(~(block.o.valid & out.last) | (block.occupied == 0))
    for n, each in enumerate(lanes(out, number)):
        found.always(~block.o.valid | (out.count > n) | (each == 0))
    for n, each in enumerate(block.rest):
        found.always((block.occupied > n) | (each == 0))
    found.always(block.i.ready == ((~block.o.valid | block.o.ready) & ~block.flush))


def select_keeps_the_largest(block):
    """Kept are k; no dropped value exceeds a kept one; of equals the first are kept, in input order.

    The monitor remembers what went in, and which indices came out of the request. It says nothing of
    time; that every request ends, and when, is :func:`select_ends_in_time`'s.
    """
    found = Property(block)
    m, engine = found.m, block.engine
    number, elements = engine.lanes, engine.elements
    asked = block.request.payload
    size = len(Value.cast(asked.n))
    n, k, base = Signal(size), Signal(size), Signal(size + 1)
    values = [Signal(engine.width, name=f"value_of_{i}") for i in range(elements)]
    kept = Signal(elements)
    limited = Mux(asked.n > elements, elements, asked.n)
    with m.If(moved(block.request)):
        most = Mux(limited > engine.most_kept, engine.most_kept, limited)
        m.d.sync += [n.eq(limited), k.eq(Mux(asked.k > most, most, asked.k))]
        m.d.sync += [base.eq(0), kept.eq(0)]
    with m.If(moved(block.i)):
        m.d.sync += base.eq(base + number)
        for i, value in enumerate(values):
            row = i // number * number
            with m.If(base == row):
                m.d.sync += value.eq(lanes(block.i.payload, number)[i - row])
    # A row of indices adds to the kept; none twice, all in rising order, none past n.
    out = block.o.payload
    now = Signal(elements)
    bits = [Const(0, elements)]
    rising = [Const(1)]
    highest = Signal(size + 1)  # one more than the last index that came out
    before = highest
    for lane, index in enumerate(lanes(out, number)):
        is_on = out.count > lane
        bits.append(bits[-1] | Mux(is_on, (1 << index)[:elements], 0))
        rising.append(~is_on | ((index >= before) & (index < n)))
        before = Mux(is_on, index + 1, before)
    m.d.comb += now.eq(kept | bits[-1])
    with m.If(moved(block.o)):
        m.d.sync += [kept.eq(now), highest.eq(Mux(out.last, 0, before))]
        found.always(Cat(*rising).all())
        with m.If(out.last):
            found.always(sum(now[i] for i in range(elements)) == k)
            for i in range(elements):
                for j in range(elements):
                    beats = values[j] >= values[i] if j < i else values[j] > values[i]
                    if i != j:
                        found.always(~(now[i] & ~now[j] & (j < n) & beats))
    with m.If(moved(block.result)):
        threshold, ties = block.result.payload.threshold, block.result.payload.ties
        live = [(i < n) & (v >= threshold) for i, v in enumerate(values)]
        more = [(i < n) & (v > threshold) for i, v in enumerate(values)]
        found.always((k == 0) | ((sum(more) + ties == k) & (ties > 0) & (sum(live) >= k)))
    stable(found, "o")
    stable(found, "result")
    return found.parts


def select_ends_in_time(block):
    """Nothing waits for ever: with values offered and answers taken at once, a request ends."""
    found = Property(block)
    engine = block.engine
    for stream in (block.i, block.request):
        found.assume(stream.valid)
    for stream in (block.o, block.result):
        found.assume(stream.ready)
    most = longest(engine)
    age = Signal(range(most + 2))
    with found.m.If(moved(block.request)):
        found.m.d.sync += age.eq(1)
    with found.m.Elif(age != 0):
        found.m.d.sync += age.eq(age + 1)
    with found.m.If(moved(block.o) & block.o.payload.last):
        found.m.d.sync += age.eq(0)
    found.always(age <= most)
    return found.parts


def longest(engine):
    """Return the cycles of the longest request of an engine, by its formula, over all values."""
    from itertools import product

    return max(
        engine.cycles(values, k)
        for n in range(engine.elements + 1)
        for values in product(range(2**engine.width), repeat=n)
        for k in range(n + 1)
    )
