"""Instructions for an element and a lane: any at all, and those of a whole exponential."""

from fractions import Fraction

from accelsim.engines import Offer, Stimulus
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.pe1d import LaneOp
from accelsim.engines.pe2d import Op
from accelsim.errors import SpecError
from tests.rtl.numbers import hard


def anything(engine, draw, length, gaps=(0, 0, 0, 1), usual=0.0):
    """Every port takes what it may, in any order and with gaps; operands hard more often than not.

    ``usual`` is the share of payloads whose numbers are of the size of scores, as few random bits are.
    """

    def payload(port):
        found = bits(draw, port)
        if draw.random() < usual:
            found = port.pack(**port.unpack(found) | numbers(engine, port, draw))
        return engine.payload(port.name, found)

    offers = {
        port.name: [Offer(payload(port), draw.choice(gaps)) for _ in range(length)]
        for port in engine.inputs
    }
    return Stimulus(offers=offers, cycles=length + engine.latency + 4)


def numbers(engine, port, draw):
    """Return the fields of a port that hold numbers, with scores and hard numbers in them, by name."""
    x, y = engine.operand, engine.accumulator

    def score(form):
        kind = draw.random()
        if kind < 0.3:
            return hard(form, draw)
        # Or what is subnormal as an operand, or nearly.
        place = draw.randint(-x.mantissa - 2, 1) - x.bias if kind < 0.6 else 1
        return form.of(Fraction(draw.gauss(0, 1)) * Fraction(2) ** place)

    found = {}
    for name, width in port.fields:
        if name in ("west", "north", "words") or (name, port.name[:5]) == ("value", "climb"):
            found[name] = sum(score(x) << n for n in range(0, width, x.width))
        elif name == "maximum" or (name, port.name[:7]) == ("value", "maximum"):
            found[name] = score(y)
        elif name in ("sum", "value"):
            found[name] = engine.adder.bits(engine.adder.held(score(y)))
    return found


def bits(draw, port):
    """Random bits, or each field all zeros or all ones."""
    fields = {}
    for name, width in port.fields:
        kind = draw.random()
        fields[name] = (
            draw.getrandbits(width) if kind < 0.8 else 0 if kind < 0.9 else (1 << width) - 1
        )
    return port.pack(**fields)


def instruction(engine, op, **fields):
    port = engine.port("i")
    names = dict.fromkeys([name for name, _ in port.fields], 0)
    unknown = set(fields) - set(names)
    if unknown:
        raise SpecError(f"no field {unknown}")
    return port.pack(**names | fields | {"op": op})


def steps(engine, first):
    """The instructions of interleaved exponentials, a cycle each; ``first`` has fields by exponential."""
    cycles = [None] * (STEPS * max(engine.stages, len(first)))
    for step in range(STEPS):
        for n, fields in enumerate(first):
            at = step * engine.stages + n
            assert cycles[at] is None
            cycles[at] = instruction(engine, Op.STEP_0 + step, **fields)
    return cycles


def offers(cycles):
    """Offers that put a payload into just these cycles; None is a gap."""
    found, gap = [], 0
    for payload in cycles:
        if payload is None:
            gap += 1
        else:
            found.append(Offer(payload, gap))
            gap = 0
    return found


def priced(engine, operation, kind):
    """What an operation is priced on, as synthesis drives it."""
    operands = engine.operands(operation, kind, 3, 24)
    sent = {port: [Offer(value) for value in values] for port, values in operands.items()}
    return Stimulus(offers=sent, cycles=max(map(len, operands.values())))


def working(engine, draw, length):
    """Whole tasks one after another, as a machine issues them, on numbers that are there: mostly calm ones.

    A row gets the instructions ``hop`` cycles after the one above it; or all at once, as after a reset.
    """
    wide = hasattr(engine, "scores")
    hop = getattr(engine, "hop", 1) * (draw.random() < 0.7)
    cycles, kind = [], draw.choice(["calm", "calm", "near", "hard"])
    while len(cycles) < length:
        cycles += (_wide_task if wide else _lane_task)(engine, draw)
        cycles += [None] * draw.choice([0, 0, 0, 1, engine.stages])
    offers_of = {}
    for port in engine.inputs:
        names = {name for name, _ in port.fields}
        if "op" in names:
            row = int(port.name.partition("_")[2] or 0)
            idle = {"op": Op.IDLE} if port.always_valid else None
            came = [each or idle for each in [None] * (hop * row) + cycles]
            sent = [each and _payload(engine, port, draw, each, kind) for each in came]
            offers_of[port.name] = offers(sent)
        else:
            quiet = () if port.always_valid else (None,)
            sent = [
                _payload(engine, port, draw, {}, kind) if draw.random() < 0.8 or not quiet else None
                for _ in range(len(cycles))
            ]
            offers_of[port.name] = offers(sent)
    return Stimulus(offers=offers_of, cycles=len(cycles) + engine.latency + 4)


def _payload(engine, port, draw, fields, kind):
    """``kind``: of any size, near to each other so that comparisons and ties are close, or hard."""
    calm = draw.random() < (0.3 if kind == "hard" else 0.95)
    x, y = engine.operand, engine.accumulator
    scale = draw.choice([0.06, 0.25, 1, 1, 4, 16])

    def number(form):
        if kind == "near":
            value = form.of(Fraction(draw.choice([1, 1, 1, 2])))
            return (value ^ draw.choice([0, form.sign_bit])) + draw.choice(
                [0, 0, 0, 0, 1, -1, 3, 4]
            )
        return form.of(Fraction(draw.gauss(0, scale)))

    found = port.unpack(draw.getrandbits(port.width)) | numbers(engine, port, draw)
    if calm:
        for name, width in port.fields:
            if name in ("west", "north", "words") or (name, port.name[:5]) == ("value", "climb"):
                found[name] = sum(number(x) << n for n in range(0, width, x.width))
            elif name == "maximum" or (name, port.name[:7]) == ("value", "maximum"):
                found[name] = number(y)
            elif name in ("sum", "value"):
                found[name] = engine.adder.bits(engine.adder.held(number(y)))
    told = {name: value for name, value in fields.items() if name in found}
    return engine.payload(port.name, port.pack(**found | told))


def _wide_task(engine, draw):
    """Scores, then some of what is made of them."""
    places = 1 << dict(engine.control)["score"]
    count = draw.randint(1, min(places, engine.stages))
    scores = draw.sample(range(places), count)
    on = lambda: int(draw.random() < 0.9)  # noqa: E731
    cycles = []
    for score in scores:
        products = draw.randint(1, 3)
        for e in range(products):
            flags = {"first": int(e == 0), "last": int(e == products - 1)}
            cycles.append({"op": Op.SCORE, "score": score, "on": on(), **flags})
        if draw.random() < 0.7:
            cycles.append({"op": Op.MAXIMUM, "score": score, "on": on()})
    cycles += [None] * engine.stages
    if draw.random() < 0.8:
        cycles += _interleaved(engine, [{"score": score, "on": on()} for score in scores])
    for score in scores:
        for op in draw.sample([Op.SUM, Op.PRODUCT, Op.PRODUCT, Op.MAXIMUM], 3):
            cycles.append({"op": op, "score": score, "on": on()})
    return cycles


def _lane_task(engine, draw):
    """A new maximum, its exponential, and the sums that are rescaled and go on."""
    which = {
        "tile": draw.randrange(engine.tiles),
        "tag": draw.getrandbits(engine.tag),
        "fresh": int(draw.random() < 0.3),
    }
    cycles = [{"op": LaneOp.RM, **which}]
    cycles += _interleaved(engine, [which]) + [None] * engine.stages
    elements = [{**which, "element": n} for n in range(engine.value)]
    for op in (LaneOp.SPD, LaneOp.RD, LaneOp.SPNV, LaneOp.RNV, LaneOp.AV):
        if draw.random() < 0.8:
            every = elements if op in (LaneOp.SPNV, LaneOp.RNV, LaneOp.AV) else [which]
            cycles += [{"op": op, **each} for each in every]
            cycles += [None] * draw.choice([0, engine.stages])
    return cycles


def _interleaved(engine, each):
    cycles = [None] * (STEPS * max(engine.stages, len(each)))
    for step in range(STEPS):
        for n, fields in enumerate(each):
            cycles[step * engine.stages + n] = {"op": Op.STEP_0 + step, **fields}
    return cycles + [None] * engine.stages
