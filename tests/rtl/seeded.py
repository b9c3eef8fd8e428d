"""Stimuli from a seed, for tests that need the same ones again."""

import random

from accelsim.engines import Offer, Stimulus


def stimulus(engine, seed, offers=60, values=None):
    """Return values with gaps and stalls; random bits, or ``values(random, port, n)``."""
    draw = random.Random(seed)
    busy, eager = draw.choice([(0.2, 0.9), (0.6, 0.5), (0.0, 1.0), (0.3, 0.3)])

    def value(port, n):
        if values is not None:
            return values(draw, port, n)
        return engine.payload(port.name, draw.getrandbits(port.width))

    def gap():
        return draw.choice([1, 2, 5]) if draw.random() < busy else 0

    sent = {
        port.name: [Offer(value(port, n), gap()) for n in range(offers)] for port in engine.inputs
    }
    cycles = (4 + engine.interval) * offers + engine.latency
    ready = {port.name: [draw.random() < eager for _ in range(cycles)] for port in engine.outputs}
    return Stimulus(offers=sent, ready=ready, cycles=cycles)
