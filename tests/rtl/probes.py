"""Instructions that put hard numbers before an element's steps, one alone as well, and show all of a result.

Whole tasks (:mod:`tests.rtl.elements`) hide much: an exponential is rounded to an operand, and few of its
operands make a step round, cancel or overflow.
"""

from accelsim.engines import Offer, Stimulus
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.pe2d import LAST_STEP, WORKS, Op
from tests.rtl.elements import offers
from tests.rtl.numbers import hard, hard_pair, hard_triple


def wide_probe(engine, draw, length):
    """For an element of the 2D array: sums, comparisons and steps on numbers that are hard for each."""
    chain = _Chain(engine, draw)
    kinds = [_compare, _add, _accumulate, _steps, _steps, _factor, _outcome, _outcome]
    while chain.at < length:
        draw.choice(kinds)(chain, engine, draw)
    return chain.stimulus()


def _compare(chain, engine, draw):
    """Two numbers that are equal, or differ in one bit; NaNs of all kinds."""
    y = engine.accumulator
    number = hard(y, draw) if draw.random() < 0.8 else _special(y, draw)
    other = number ^ draw.choice([0, 1 << draw.randrange(y.width)])
    if draw.random() < 0.2:
        other = _special(y, draw)
    score = chain.load(number)
    chain.beside(Op.MAXIMUM, 1 + engine.stages, score=score, above=other)


def _add(chain, engine, draw):
    """A product, or the exponential alone, and what nearly cancels it from above."""
    x, y = engine.operand, engine.accumulator
    a, b, c = hard_triple(x, y, draw)
    score = chain.load(draw.getrandbits(y.width - x.width) << x.width | a)
    chain.wait()
    chain.issue(draw.choice([Op.PRODUCT, Op.PRODUCT, Op.SUM]), score=score, west=b, above=c)


def _accumulate(chain, engine, draw):
    """The same with the own sum, first in a score or not."""
    a, b, c = hard_triple(engine.operand, engine.accumulator, draw)
    score = chain.load(c)
    chain.issue(Op.SCORE, score=score, first=int(draw.random() < 0.2), last=1, west=a, north=b)
    chain.show()


def _steps(chain, engine, draw):
    """Steps of an exponential, in turn or not, each shown or not; differences of all sizes, and near 0."""
    x, y = engine.operand, engine.accumulator
    north, number = hard_pair(x, draw)
    score = chain.load(x.convert(number, y) if draw.random() < 0.3 else hard(y, draw))
    step = draw.choice([0, 0, 0, draw.randrange(STEPS)])
    while step < STEPS:
        chain.issue(Op.STEP_0 + step, score=score, north=north if draw.random() < 0.7 else 0)
        if draw.random() < 0.5:
            chain.show()
        step = step + 1 if draw.random() < 0.6 else draw.randrange(1, STEPS + 2)


def _factor(chain, engine, draw):
    """A small difference as a factor: subnormal, mostly; the low bits of the score, the other, are great."""
    x, y = engine.operand, engine.accumulator
    great = draw.getrandbits(x.width) | 3 << x.width - 3
    score = chain.load((y.bias + draw.randint(-1, 1)) << y.mantissa | great & (1 << y.mantissa) - 1)
    chain.wait()
    north = y.convert(chain.loaded, x) ^ draw.choice([0, 0, 0, 1])
    chain.issue(Op.STEP_0, score=score, north=north)
    chain.issue(Op.STEP_0 + draw.choice([1, 4, 5, 5, 5, 6]), score=score)
    chain.show()


def _outcome(chain, engine, draw):
    """A last step whose power of two is any, subnormal more often than not, and whose mantissa is hard."""
    x, y = engine.operand, engine.accumulator
    chain.load(hard(y, draw) if draw.random() < 0.1 else 0)
    chain.issue(Op.STEP_0 + 1)  # which says that nothing special will come
    least = x.bias + x.mantissa + 3
    power = -draw.randint(x.bias - 3, least) if draw.random() < 0.7 else draw.randint(-least, least)
    chain.load(engine.steps.magic + power)
    chain.issue(Op.STEP_0 + 2)
    # All of what is kept is one factor, its low bits are the other: both are of the size of 1.
    kept = (y.bias + draw.randint(-2, 1)) << y.mantissa | draw.getrandbits(y.mantissa)
    low = x.one ^ draw.getrandbits(x.mantissa + 1)
    kept = kept >> x.width - 1 << x.width - 1 | low if draw.random() < 0.9 else hard(y, draw)
    score = chain.load(kept)
    chain.wait()
    chain.issue(Op.STEP_0, score=score, north=0)
    chain.issue(LAST_STEP, score=score)
    chain.wait()
    chain.issue(Op.SUM, score=score, above=y.sign_bit)


def column_probe(engine, draw, length):
    """For a column: at once what stands in front of every row, then rows that do not go together.

    Those above give numbers of any kind, which the last one hands on as they come.
    """
    score = draw.randrange(1 << dict(engine.control)["score"])
    one = {"score": score, "first": 1, "last": 1, "on": 1, "west": engine.operand.one}
    rows = []
    for r in range(engine.rows):
        wait = [None] * (engine.stages + engine.hop * r)
        shown = {"op": Op.MAXIMUM, "score": score, "on": int(r > 0)}
        row = [{"op": Op.SCORE, **one}, *wait, shown]
        common = (
            [Op.SUM, Op.SUM, Op.MAXIMUM]
            if r == engine.rows - 1
            else [Op.SCORE, Op.SCORE, Op.PRODUCT]
        )
        while len(row) < length:
            op = draw.choice(common) if draw.random() < 0.8 else draw.choice(WORKS)
            row.append({"op": op, "on": int(draw.random() < 0.3)})
        rows.append(row)
    sent = {}
    for r, row in enumerate(rows):
        port = engine.port(f"i_{r}")
        sent[port.name] = offers([each and _any(engine, port, draw, each) for each in row])
    sent["north"] = [Offer(0)] + [Offer(hard(engine.operand, draw)) for _ in range(length)]
    return Stimulus(offers=sent, cycles=length + engine.latency + 4)


def _any(engine, port, draw, fields):
    """An instruction with any other fields, and a hard word."""
    any_ = port.unpack(draw.getrandbits(port.width))
    return port.pack(**any_ | {"west": hard(engine.operand, draw)} | fields)


def _special(form, draw):
    """An infinity, or a NaN with one bit."""
    return (
        draw.choice([0, form.sign_bit])
        | form.infinity
        | draw.choice([0, 1 << draw.randrange(form.mantissa)])
    )


class _Chain:
    """Instructions ``stages`` cycles apart, so that each finds the result of the one before; others beside.

    Between two of them a result can be made a score, by adding nothing to it, and shown by a maximum.
    """

    def __init__(self, engine, draw):
        self.engine, self.draw, self.at = engine, draw, 0
        self._scores = 1 << dict(engine.control)["score"]
        self._given, self._above = {}, {}
        self.loaded = None

    def issue(self, op, above=None, **fields):
        """Issue one with what comes from above when it is in the last stage; other fields are any."""
        self.beside(op, self.engine.stages, above=above, **fields)
        self.at += self.engine.stages

    def beside(self, op, after, above=None, **fields):
        """Issue one so many cycles after the last of the chain."""
        engine, draw = self.engine, self.draw
        at = self.at - engine.stages + after
        self._given[at] = _any(engine, engine.port("i"), draw, {"op": op, "on": 1, **fields})
        if above is not None:
            self._above[at + engine.stages - 1] = above

    def wait(self):
        self.at += self.engine.stages

    def load(self, number):
        """Make a number the sum, as of a row without a key, and so a score; return which."""
        while self.at + 1 in self._given:
            self.wait()
        self.issue(Op.SUM, on=0, above=number)
        self.loaded = number
        return self._keep()

    def show(self):
        """Show the last result whole, if the cycle for that is free."""
        if self.at - self.engine.stages + 1 in self._given:
            return
        score = self._keep()
        y = self.engine.accumulator
        number = y.negate(y.infinity) if self.draw.random() < 0.8 else hard(y, self.draw)
        self.beside(Op.MAXIMUM, 1 + self.engine.stages, score=score, above=number)

    def _keep(self):
        score = self.draw.randrange(self._scores)
        self.beside(Op.SCORE, 1, score=score, first=0, last=1, west=0, north=0)
        return score

    def stimulus(self):
        engine = self.engine
        last = self.at + engine.latency + 4
        instructions = offers([self._given.get(cycle) for cycle in range(last)])
        above = [Offer(self._from_above(self._above.get(cycle))) for cycle in range(last)]
        return Stimulus(offers={"i": instructions, "above": above}, cycles=last)

    def _from_above(self, number):
        engine, draw = self.engine, self.draw
        x, y, adder = engine.operand, engine.accumulator, engine.adder
        sum_ = adder.held(hard(y, draw) if number is None else number)
        kind = draw.random()
        if kind < 0.3:  # with a half, or a sticky bit
            sum_ = sum_._replace(significand=sum_.significand ^ draw.getrandbits(2))
        elif (
            kind < 0.6 and number is None
        ):  # one of a product: it may be too great, and not say so yet
            a, b, c = hard_triple(x, y, draw)
            sum_ = adder.add(a, b, adder.held(c))
        maximum = hard(y, draw) if number is None else number
        return engine.port("above").pack(sum=adder.bits(sum_), maximum=maximum)
