"""Pruned attention: a front that makes probabilities, a back that selects and sums, two buffers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory

from accelsim.engines.fifo import Fifo as FifoModel
from accelsim.engines.number import Float
from accelsim.rtl.block import Block, block
from accelsim.rtl.number_shift import leading_zeros, named, shift_left
from accelsim.rtl.rows import lanes


class PrunedAttention(Block):
    """Twin of :class:`accelsim.engines.pruned_attention.PrunedAttention`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        rows = engine.select.rows
        row = data.ArrayLayout(engine.width, engine.lanes)
        m.submodules.buffer = buffer = Memory(shape=row, depth=2 * rows, init=[])
        front, back = _Front(self, m), _Back(self, m)
        hands_over, bank = Signal(), Signal()
        front.elaborate(hands_over)
        back.elaborate(hands_over)
        m.d.comb += hands_over.eq(front.waits & back.is_idle)
        with m.If(hands_over):
            m.d.sync += [
                bank.eq(~bank),
                back.bank.eq(bank),
                back.n.eq(front.n),
                back.k.eq(front.k),
                back.requantised.eq(front.low),
            ]
        # Probabilities are written one by one, read by row for the top-k engine, then one by one.
        write, read = buffer.write_port(granularity=1), buffer.read_port(domain="comb")
        shift = (engine.lanes - 1).bit_length()
        wanted = Mux(back.feeds, back.row << shift, back.index)
        m.d.comb += [
            write.addr.eq(Mux(bank, rows, 0) + (front.came >> shift)),
            *(lane.eq(front.probability) for lane in write.data),
            write.en.eq(front.found << (front.came & (engine.lanes - 1))),
            read.addr.eq(Mux(back.bank, rows, 0) + (wanted >> shift)),
            *(a.eq(b) for a, b in zip(back.read, read.data, strict=True)),
        ]
        return m


class _Front:
    """Scores, exponentials, quotients, the decision."""

    def __init__(self, top: PrunedAttention, m: Module) -> None:
        self.top, self.m, self.engine = top, m, top.engine
        count = len(Value.cast(top.request.payload.n))
        self.n, self.k = Signal(count, name="front_n"), Signal(count, name="front_k")
        self.sent, self.came = Signal(count, name="sent"), Signal(count, name="came")
        self.low = Signal(name="low")
        self.waits = Signal(name="front_waits")
        self.probability = Signal(self.engine.width, name="probability")
        self.found = Signal(name="found_probability")
        self.tau = Signal(self.engine.width, name="tau")
        self.most = Signal(signed(self.engine.score_bits), name="most")

    def elaborate(self, hands_over: Signal) -> None:
        m, engine, top = self.m, self.engine, self.top
        m.submodules.exponential = self.exponential = block(engine.exponential)
        m.submodules.summing = self.summing = block(engine.summing)
        m.submodules.divide = self.divide = block(engine.divide)
        score_shape = signed(engine.score_bits)
        m.submodules.scores = scores = Memory(shape=engine.score_bits, depth=engine.keys, init=[])
        m.submodules.weights = weights = Memory(shape=engine.form.width, depth=engine.keys, init=[])
        self.query = [
            Signal(signed(engine.query_bits), name=f"q_{e}") for e in range(engine.features)
        ]
        self.top_probability = Signal(engine.width, name="top_probability")
        self.whole = Signal(engine.accumulator.width, name="whole")
        self.fetch(scores, score_shape)
        self.softmax(scores, weights)
        asked = top.request.payload
        n = Signal.like(self.n, name="asked_n")
        m.d.comb += n.eq(Mux(asked.n > engine.keys, engine.keys, asked.n))
        restart = [self.sent.eq(0), self.came.eq(0)]
        with m.FSM(name="front"):
            with m.State("idle"):
                m.d.comb += top.request.ready.eq(1)
                with m.If(top.request.valid):
                    m.d.sync += [self.n.eq(n), self.k.eq(asked.k), self.tau.eq(asked.tau)]
                    m.d.sync += [*restart, self.low.eq(0)]
                    m.d.sync += [
                        q.eq(lane.as_signed())
                        for q, lane in zip(self.query, lanes(asked, engine.features), strict=True)
                    ]
                    m.next = "keys"
                    with m.If(n == 0):
                        m.next = "hand_over"
            with m.State("keys"):
                m.d.comb += [
                    top.key_address.valid.eq(self.sent < self.n),
                    top.key.ready.eq(self.came < self.n),
                ]
                with m.If(top.key_address.valid & top.key_address.ready):
                    m.d.sync += self.sent.eq(self.sent + 1)
                with m.If(top.key.valid & top.key.ready):
                    m.d.sync += self.came.eq(self.came + 1)
                with m.If(self.scored & (self.place == self.n - 1)):
                    m.d.sync += restart
                    m.next = "exp"
            with m.State("exp"):
                m.d.comb += self.exponential.i.valid.eq(self.sent < self.n)
                with m.If(self.exponential.i.valid & self.exponential.i.ready):
                    m.d.sync += self.sent.eq(self.sent + 1)
                with m.If(self.exponential.o.valid):
                    m.d.sync += self.came.eq(self.came + 1)
                with m.If(self.summing.o.valid):
                    m.d.sync += [*restart, self.whole.eq(self.summing.o.payload)]
                    m.d.sync += self.top_probability.eq(0)
                    m.next = "divide"
            with m.State("divide"):
                m.d.comb += [
                    self.divide.i.valid.eq(self.sent < self.n),
                    self.found.eq(self.divide.o.valid),
                ]
                with m.If(self.divide.i.valid):
                    m.d.sync += self.sent.eq(self.sent + 1)
                with m.If(self.found):
                    m.d.sync += self.came.eq(self.came + 1)
                    with m.If(self.probability > self.top_probability):
                        m.d.sync += self.top_probability.eq(self.probability)
                    with m.If(self.came == self.n - 1):
                        m.d.sync += restart
                        m.next = "decide"
            with m.State("decide"):
                m.next = "hand_over"
                if engine.low_bits:
                    with m.If((self.top_probability < self.tau) & ~self.low):
                        m.d.sync += self.low.eq(1)
                        m.next = "keys"
            with m.State("hand_over"):
                m.d.comb += self.waits.eq(1)
                with m.If(hands_over):
                    m.next = "idle"

    def fetch(self, scores: Memory, shape: Any) -> None:
        """A key's product with the query in one register; with the score so far, into the buffer."""
        m, engine, top = self.m, self.engine, self.top
        self.scored, self.place = Signal(name="scored"), Signal.like(self.came, name="place")
        products = []
        for q, lane in zip(self.query, lanes(top.key.payload, engine.features), strict=True):
            high = lane[: engine.high_bits].as_signed()
            low = Cat(lane[: engine.low_bits], Const(0, 1)).as_signed()
            products.append(q * Mux(self.low, low, high))
        dot = Signal(shape, name="dot")
        takes = top.key.valid & top.key.ready
        m.d.sync += [self.scored.eq(takes), self.place.eq(self.came), dot.eq(sum(products))]
        write, old = scores.write_port(), scores.read_port(domain="comb")
        score = Signal(shape, name="score")
        m.d.comb += [
            top.key_address.payload.index.eq(self.sent),
            top.key_address.payload.low.eq(self.low),
            old.addr.eq(self.place),
            score.eq(Mux(self.low, old.data.as_signed() + dot, dot << engine.low_bits)),
            write.addr.eq(self.place),
            write.data.eq(score),
            write.en.eq(self.scored),
        ]
        with m.If(self.scored & ((self.place == 0) | (score > self.most))):
            m.d.sync += self.most.eq(score)

    def softmax(self, scores: Memory, weights: Memory) -> None:
        m, engine = self.m, self.engine
        exponential, summing, divide = self.exponential, self.summing, self.divide
        score, weight = scores.read_port(domain="comb"), weights.read_port(domain="comb")
        write = weights.write_port()
        m.d.comb += [
            score.addr.eq(self.sent),
            weight.addr.eq(self.sent),
            exponential.i.payload.a.eq(
                to_float(m, score.data.as_signed(), engine.scale, engine.accumulator, "score")
            ),
            exponential.i.payload.b.eq(to_float(m, self.most, engine.scale, engine.form, "most")),
            exponential.o.ready.eq(1),
            summing.i.valid.eq(exponential.o.valid),
            summing.i.payload.a.eq(exponential.o.payload),
            summing.i.payload.b.eq(engine.form.one),
            summing.i.payload.c.eq(0),
            summing.i.payload.first.eq(self.came == 0),
            summing.i.payload.last.eq(self.came == self.n - 1),
            summing.o.ready.eq(1),
            write.addr.eq(self.came),
            write.data.eq(exponential.o.payload),
            write.en.eq(exponential.o.valid),
            divide.i.payload.a.eq(
                weight.data << (engine.accumulator.mantissa - engine.form.mantissa)
            ),
            divide.i.payload.b.eq(self.whole),
            divide.o.ready.eq(1),
            self.probability.eq(to_fixed(m, divide.o.payload, engine.probability, engine.width)),
        ]


class _Back:
    """Top-k, and the sum of the kept values."""

    def __init__(self, top: PrunedAttention, m: Module) -> None:
        self.top, self.m, self.engine = top, m, top.engine
        engine = self.engine
        count = len(Value.cast(top.request.payload.n))
        self.n, self.k = Signal(count, name="back_n"), Signal(count, name="back_k")
        self.bank, self.requantised = Signal(name="back_bank"), Signal(name="requantised")
        self.is_idle, self.feeds = Signal(name="back_is_idle"), Signal(name="feeds")
        self.row = Signal(range(engine.select.rows + 1), name="row")
        self.index = Signal(engine.index_bits, name="index")
        self.read = [Signal(engine.width, name=f"read_{n}") for n in range(engine.lanes)]

    def elaborate(self, hands_over: Signal) -> None:
        m, engine, top = self.m, self.engine, self.top
        m.submodules.select = select = block(engine.select)
        way_model = FifoModel(width=engine.index_bits, depth=engine.outstanding)
        m.submodules.way = way = block(way_model)
        lane = Signal(range(engine.lanes + 1), name="lane")
        all_asked = Signal(name="all_asked")
        kept = Signal(len(self.n), name="kept")
        sums = [Signal(signed(engine.sum_bits), name=f"sum_{f}") for f in range(engine.features)]
        out = select.o.payload
        indices = Array(lanes(out, engine.lanes))
        asks, sums_up = Signal(name="asks"), Signal(name="sums_up")
        place = self.index[: (engine.lanes - 1).bit_length()]
        weight = Signal(engine.width, name="weight")
        m.d.comb += [
            select.request.payload.n.eq(self.n),
            select.request.payload.k.eq(self.k),
            *(
                a.eq(b)
                for a, b in zip(lanes(select.i.payload, engine.lanes), self.read, strict=True)
            ),
            select.result.ready.eq(1),
            self.index.eq(way.o.payload),
            weight.eq(Array(self.read)[place] if engine.lanes > 1 else self.read[0]),
            Value.cast(top.value_address.payload).eq(indices[lane]),
            way.i.payload.eq(indices[lane]),
            way.i.valid.eq(asks & top.value_address.ready),
            top.o.payload.kept.eq(kept),
            top.o.payload.requantised.eq(self.requantised),
            *(a.eq(b) for a, b in zip(lanes(top.o.payload, engine.features), sums, strict=True)),
        ]
        with m.If(sums_up):
            m.d.sync += kept.eq(kept + 1)
            values = lanes(top.value.payload, engine.features)
            m.d.sync += [
                total.eq(total + Cat(weight, Const(0, 1)).as_signed() * value.as_signed())
                for total, value in zip(sums, values, strict=True)
            ]
        with m.FSM(name="back"):
            with m.State("idle"):
                m.d.comb += self.is_idle.eq(1)
                with m.If(hands_over):
                    m.d.sync += [self.row.eq(0), lane.eq(0), kept.eq(0), all_asked.eq(0)]
                    m.d.sync += [total.eq(0) for total in sums]
                    m.next = "ask"
            with m.State("ask"):
                m.d.comb += select.request.valid.eq(1)
                with m.If(select.request.ready):
                    m.next = "feed"
                    with m.If(self.n == 0):
                        m.next = "values"
            with m.State("feed"):
                m.d.comb += [self.feeds.eq(1), select.i.valid.eq(1)]
                with m.If(select.i.ready):
                    m.d.sync += self.row.eq(self.row + 1)
                    with m.If(((self.row + 1) * engine.lanes) >= self.n):
                        m.next = "values"
            with m.State("values"):
                m.d.comb += [
                    asks.eq(select.o.valid & (lane < out.count) & way.i.ready),
                    top.value_address.valid.eq(asks),
                    top.value.ready.eq(way.o.valid),
                    way.o.ready.eq(top.value.valid),
                    sums_up.eq(top.value.valid & top.value.ready),
                ]
                with m.If(way.i.valid):
                    m.d.sync += lane.eq(lane + 1)
                with m.If(
                    select.o.valid & ((out.count == 0) | (way.i.valid & (lane + 1 == out.count)))
                ):
                    m.d.comb += select.o.ready.eq(1)
                    m.d.sync += [lane.eq(0), all_asked.eq(out.last)]
                with m.If(all_asked & ~way.o.valid):
                    m.next = "give"
            with m.State("give"):
                m.d.comb += top.o.valid.eq(1)
                with m.If(top.o.ready):
                    m.next = "idle"


def to_float(m: Module, value: Value, scale: int, form: Float, name: str) -> Value:
    """Return value x 2^-scale in a format, rounded towards zero: a normal number or 0."""
    width = len(value)
    size = named(m, f"{name}_size", Mux(value < 0, -value, value)[:width])
    zeros = leading_zeros(m, size, f"{name}_size")
    top = shift_left(m, size, zeros, f"{name}_top")
    below = top[: width - 1]
    if form.mantissa >= width - 1:
        mantissa: Value = Cat(Const(0, form.mantissa - (width - 1)), below)
    else:
        mantissa = below[width - 1 - form.mantissa :]
    exponent = Signal(form.exponent, name=f"{name}_exponent")
    m.d.comb += exponent.eq(form.bias + width - 1 - scale - zeros)
    found = Cat(mantissa, exponent, value < 0)
    return Mux(size == 0, 0, found)


def to_fixed(m: Module, value: Value, form: Float, width: int) -> Value:
    """Return a number from 0 to 1 in steps of 2^-width, rounded down, at most all ones."""
    exponent = value[form.mantissa : form.mantissa + form.exponent]
    significand = Cat(value[: form.mantissa], Const(1, 1))
    distance = Signal(form.exponent, name="fixed_distance")
    m.d.comb += distance.eq(form.bias - 1 - exponent)
    return Mux(exponent >= form.bias, (1 << width) - 1, significand >> distance)
