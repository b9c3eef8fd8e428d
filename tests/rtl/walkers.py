"""What a walker must show, for any numbers of a run: digits in order, slot and needs by the formula."""

import random
from dataclasses import dataclass
from itertools import product

INPUTS = ("rst", "go", "step", "lasts", "registers")
OUTPUTS = ("slot", "following", "digits", "needs", "active", "first", "last", "done")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a run of one walker: counts by loop; (start, factors by loop) of slot and needs."""

    counts: tuple
    walks: tuple  # whether it walks a loop, by loop
    slot: tuple
    needs: tuple
    on: tuple
    planes: tuple  # the constants of each wait's conditions


def drawn(walker, draw):
    """Return any numbers at all."""
    shape, bits, levels = walker.shape, walker.count_bits, walker.levels

    def number():
        kind = draw.random()
        few = draw.choice([0, 1, 2, 3, -1, -2])
        return (few if kind < 0.4 else draw.getrandbits(bits)) % (1 << bits)

    def affine():
        return number(), tuple(number() for _ in range(levels))

    counts = [draw.randint(1, draw.choice([2, 3, 8])) for _ in range(levels)]
    if draw.random() < 0.5:
        counts = [min(count, 3) for count in counts]
        counts[draw.randrange(levels)] = draw.randint(1, 1 << walker.digit_bits)
    return Numbers(
        counts=tuple(counts),
        walks=tuple(n in walker.walked and draw.random() < 0.9 for n in range(levels)),
        slot=affine(),
        needs=tuple(affine() for _ in shape.waits),
        on=tuple(int(draw.random() < 0.8) for _ in shape.waits),
        planes=tuple(tuple(number() for _ in wait.planes) for wait in shape.waits),
    )


def registers(walker, numbers):
    """Return the words that the walker is given, in the order of ``Skeleton.registers``."""
    walked = walker.walked
    loops = [n for n in walked if numbers.walks[n]]

    def steps(affine):
        start, factors = affine
        found = [start]
        for level in walked:
            back = sum(factors[n] * (numbers.counts[n] - 1) for n in loops if n > level)
            found.append(factors[level] - back)
        return found

    words = [sum(1 << n for n in loops), *steps(numbers.slot)]
    for on, need, planes in zip(numbers.on, numbers.needs, numbers.planes, strict=True):
        words += [on, *steps(need), *planes]
    return words


class Model:
    """The walk of a run: ``row`` is what is shown at its ``place``, while ``go`` is up or not."""

    def __init__(self, walker, numbers):
        self.walker, self.numbers = walker, numbers
        loops = [
            range(count if walks else 1)
            for count, walks in zip(numbers.counts, numbers.walks, strict=True)
        ]
        self.points = list(product(*loops))
        self.place = 0

    @property
    def done(self):
        return self.place == len(self.points)

    def step(self):
        self.place += not self.done

    def row(self, begins=None):
        """``begins`` is the run whose ``go`` is up in this cycle."""
        walker, numbers = self.walker, self.numbers
        levels, bits = walker.levels, walker.count_bits
        at, then = (
            self.points[min(place, len(self.points) - 1)] for place in (self.place, self.place + 1)
        )
        shown = [numbers.counts[n] - 1 if n in walker.shape.last else at[n] for n in range(levels)]
        following = begins.slot[0] if begins else self._value(numbers.slot, then)
        counts = (begins or numbers).counts
        if begins:  # the last digits are registers of the new run
            shown = [counts[n] - 1 if n in walker.shape.last else at[n] for n in range(levels)]
        needs = [self._value(need, at) for need in numbers.needs]
        source = begins or numbers
        active = [
            on
            and all(
                self._holds(plane, constant, shown)
                for plane, constant in zip(wait.planes, planes, strict=True)
            )
            for on, wait, planes in zip(source.on, walker.shape.waits, source.planes, strict=True)
        ]
        return [
            self._value(numbers.slot, at),
            following,
            packed(shown, walker.digit_bits),
            packed(needs, bits),
            packed(active, 1),
            packed([digit == 0 for digit in shown], 1),
            packed([digit == count - 1 for digit, count in zip(shown, counts, strict=True)], 1),
            int(self.done),
        ]

    def _value(self, affine, at):
        start, factors = affine
        total = start + sum(f * digit for f, digit in zip(factors, at, strict=True))
        return total % (1 << self.walker.count_bits)

    def _holds(self, plane, constant, shown):
        half = 1 << self.walker.count_bits - 1
        return plane.sign * shown[plane.level] + (constant ^ half) - half >= 0


def packed(values, bits):
    return sum(int(value) << bits * n for n, value in enumerate(values))


def lockstep(walker, seed, cycles):
    """Return (input rows, rows that must be shown) of runs with any numbers, one after another.

    A run may begin before the one before it has ended. Before the first nothing but ``done`` counts.
    """
    draw = random.Random(seed)
    given, shown, model, busy = [], [], None, 1.0
    words = [0, 0]
    for cycle in range(cycles):
        begins = None
        if cycle == 1 or (cycle > 1 and draw.random() < (0.3 if model.done else 0.02)):
            begins, busy = drawn(walker, draw), draw.choice([0.3, 0.7, 1.0])
            words = [
                packed([count - 1 for count in begins.counts], walker.count_bits),
                packed(
                    [w % (1 << walker.count_bits) for w in registers(walker, begins)],
                    walker.count_bits,
                ),
            ]
        steps = model is not None and not model.done and draw.random() < busy
        given.append([int(cycle == 0), int(begins is not None), int(steps), *words])
        shown.append(None if model is None else model.row(begins))
        if begins:
            model = Model(walker, begins)
        elif steps:
            model.step()
    return given, shown
