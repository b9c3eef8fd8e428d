"""Instructions that put hard numbers before a lane's sums, rescalings, steps and quotients, and show all.

As :mod:`tests.rtl.probes` for an element. A lane shows a state only as a quotient, in the digits of an
operand: of a number those come first, then what is left of it without them.
"""

from fractions import Fraction

from accelsim.engines import Stimulus
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.pe1d import LAST_STEP, LaneOp
from tests.rtl.elements import offers
from tests.rtl.numbers import hard, hard_pair


def lane_probe(engine, draw, length):
    lane = _Lane(engine, draw)
    kinds = [_divide, _divide, _add, _rescale, _steps, _steps, _outcome]
    while len(lane.cycles) < length:
        draw.choice(kinds)(lane, engine, draw)
    return lane.stimulus()


def _divide(lane, engine, draw):
    """Two hard numbers, or those whose quotient is an operand or between two, but for a last place."""
    x, y = engine.operand, engine.accumulator
    a, b = hard_pair(y, draw)
    if draw.random() < 0.2:
        b = draw.getrandbits(y.mantissa)  # subnormal
    if draw.random() < 0.6 and _finite(y, b):
        wide = type(x)(x.exponent, x.mantissa + 1)
        quotient = hard(wide, draw) if draw.random() < 0.6 else draw.getrandbits(x.mantissa + 2)
        if _finite(wide, quotient):
            a = y.of(wide.value(quotient) * y.value(b)) ^ draw.choice([0, 0, 1])
    lane.load("RNV", a)
    lane.load("RD", b)
    lane.issue(LaneOp.AV)


def _add(lane, engine, draw):
    """A sum that cancels or does not, of either state."""
    a, b = hard_pair(engine.accumulator, draw)
    name = draw.choice(["RNV", "RNV", "RD"])
    lane.load(name, a)
    lane.add(name, b)
    lane.show(name)


def _rescale(lane, engine, draw):
    name = draw.choice(["RNV", "RNV", "RD"])
    y = engine.accumulator
    number = (
        hard(y, draw) if draw.random() < 0.6 else draw.getrandbits(y.width - 2)
    )  # or a small one
    lane.load(name, number)
    lane.issue(LaneOp[f"SP{name[1:]}"])
    lane.show(name)


def _steps(lane, engine, draw):
    """An exponential of two maxima near each other, or of any; its steps in turn or not."""
    x, y = engine.operand, engine.accumulator
    numbers = hard_pair(x, draw)
    if draw.random() < 0.5:
        numbers = [x.of(Fraction(draw.gauss(0, 4))) for _ in numbers]
    for n, number in enumerate(numbers):
        lane.tick(maximum={"value": x.convert(number, y), "tag": lane.tag})
        lane.issue(LaneOp.RM, fresh=int(n == 0))
    step = 0
    while step < STEPS:
        lane.issue(LaneOp.STEP_0 + step)
        step = step + 1 if draw.random() < 0.8 else draw.randrange(1, STEPS + 1)
    lane.wait()
    lane.factor()


def _outcome(lane, engine, draw):
    """A last step whose power of two is any, subnormal more often than not, and whose mantissa is hard."""
    x, y = engine.operand, engine.accumulator
    lane.load("RD", hard(y, draw) if draw.random() < 0.1 else 0)
    lane.issue(LaneOp.STEP_0 + 1)  # which says that nothing special will come
    least = x.bias + x.mantissa + 3
    power = -draw.randint(x.bias - 3, least) if draw.random() < 0.7 else draw.randint(-least, least)
    lane.load("RD", engine.steps.magic + power)
    lane.issue(LaneOp.STEP_0 + 2)
    # A sum is one factor, the low bits of what it was added to are the other: of the size of 1; or the sum
    # is subnormal, and the other great.
    small = draw.random() < 0.4
    kept = y.bias + draw.randint(-2, 1) - (x.bias if small else 0) << y.mantissa
    low = x.one ^ draw.getrandbits(x.mantissa + 1) | (3 << x.width - 3 if small else 0)
    lane.load("RD", kept | low & (1 << y.mantissa) - 1)
    size = draw.choice([-x.bias - 3, -x.bias]) if small else 0
    added = y.of(Fraction(draw.gauss(0, 1)) * Fraction(2) ** size)
    lane.add("RD", added if draw.random() < 0.9 else hard(y, draw))
    lane.issue(LAST_STEP if draw.random() < 0.8 else LaneOp.STEP_0 + draw.randrange(STEPS))
    lane.issue(LAST_STEP) if draw.random() < 0.2 else lane.wait()
    lane.factor()


class _Lane:
    """A lane that is driven cycle by cycle, with its model beside it: what its state is, it can be asked."""

    def __init__(self, engine, draw):
        self.engine, self.draw = engine, draw
        self.cycles = []
        self._model = engine.model()
        self._which()

    def _which(self):
        draw, engine = self.draw, self.engine
        self.tile, self.element = draw.randrange(engine.tiles), draw.randrange(engine.value)
        self.tag = draw.getrandbits(engine.tag)

    def tick(self, **given):
        """Pass a cycle; what is given is fields by port."""
        payloads = {port.name: None for port in self.engine.inputs}
        for name, fields in given.items():
            port = self.engine.port(name)
            any_ = port.unpack(self.engine.payload(name, self.draw.getrandbits(port.width)))
            payloads[name] = port.pack(**any_ | fields)
        self.cycles.append(payloads)
        self._model.step(payloads, {})

    def wait(self, cycles=None):
        for _ in range(self.engine.stages if cycles is None else cycles):
            self.tick()

    def issue(self, op, **fields):
        """Issue an instruction; the next one finds its result."""
        which = {"tile": self.tile, "element": self.element, "tag": self.tag, "fresh": 0}
        self.tick(i={"op": op, **which, **fields})
        self.wait(self.engine.stages - 1)

    def load(self, name, number):
        if self.draw.random() < 0.3:
            self._which()
        self._take(name, number, 1)

    def add(self, name, number):
        self._take(name, number, 0)

    def _take(self, name, number, fresh):
        """Let a number come down the column, and the state take it."""
        engine, draw = self.engine, self.draw
        sum_ = engine.adder.held(number)
        if draw.random() < 0.2:
            sum_ = sum_._replace(significand=sum_.significand ^ draw.getrandbits(2))
        product = int(name == "RNV")
        told = {"value": engine.adder.bits(sum_), "product": product, "tag": self.tag}
        # The elements of a product come one by one.
        for n in range(self.element + 1 if product else 1):
            self.tick(sum={**told, "first": int(n == 0)})
        self.issue(LaneOp[name], fresh=fresh)

    def state(self, name):
        found = self._model.standing[name]
        place = self.tile * self.engine.value + self.element
        return found[place if name == "RNV" else self.tile]

    def factor(self):
        """Show the factor of a rescaling."""
        y = self.engine.accumulator
        self.load(
            "RNV", y.one if self.draw.random() < 0.8 else self.draw.choice([0, hard(y, self.draw)])
        )
        self.issue(LaneOp.SPNV)
        self.show("RNV")

    def show(self, name):
        """Show a state as a quotient, and what is left of it without its first digits."""
        x, y = self.engine.operand, self.engine.accumulator
        other = "RD" if name == "RNV" else "RNV"
        for rest in (False, True):
            number = self.state(name)
            if rest:
                if not _finite(y, number):
                    return
                self.add(name, y.negate(x.convert(y.convert(number, x), y)))
                number = self.state(name)
            if not _finite(y, number):
                number = y.one
            self._take(other, number & y.infinity or 1 << y.mantissa, 1)
            self.issue(LaneOp.AV)

    def stimulus(self):
        last = len(self.cycles) + self.engine.latency + 4
        sent = {
            port.name: offers([cycle[port.name] for cycle in self.cycles])
            for port in self.engine.inputs
        }
        return Stimulus(offers=sent, cycles=last)


def _finite(form, number):
    return not (form.is_nan(number) or form.is_infinite(number))
