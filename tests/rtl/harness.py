"""Helpers of the engine tests: one stimulus for the model and its twin, whole traces compared."""

from hypothesis import strategies as st

from accelsim.engines import Offer, Stimulus
from accelsim.rtl.block import block
from accelsim.rtl.simulate import simulate


def lockstep(engine, stimulus):
    """Run the model and the block; every transfer must be equal in cycle, port and value."""
    expected = list(engine.run(stimulus))
    found = simulate(block(engine), engine.ports, stimulus)
    difference = first_difference(expected, found)
    assert difference is None, f"{engine}: {difference}"
    return expected


def first_difference(expected, found):
    """Say where two traces part, None if nowhere."""
    for n, (a, b) in enumerate(zip(expected, found, strict=False)):
        if a != b:
            return f"transfer {n}: model {a}, block {b}"
    if len(expected) != len(found):
        longer, name = (expected, "model") if len(expected) > len(found) else (found, "block")
        n = min(len(expected), len(found))
        return f"transfer {n}: only the {name} has {longer[n]}"
    return None


def steady(engine, offers, cycles=None):
    """Offer plain values back to back by port, with every output ready."""
    busy = max(map(len, offers.values())) * engine.interval + engine.latency + 4
    return Stimulus(
        offers={port: [Offer(value) for value in values] for port, values in offers.items()},
        cycles=cycles or busy,
    )


@st.composite
def stimuli(draw, engine, values=None, length=12, gap=4, stall=24, slack=None):
    """Draw a stimulus with gaps and back-pressure.

    ``values`` is a strategy, or a dict of strategies by port; else random bits. Every offer has
    the time to come out again, if the engine is as fast as it says.
    """
    offers, ready = {}, {}
    for port in engine.inputs:
        own = values.get(port.name) if isinstance(values, dict) else values
        own = st.integers(0, 2**port.width - 1) if own is None else own
        pairs = st.tuples(own, st.sampled_from([0, 0, 0, 1, gap]))
        gaps_too = [Offer(*pair) for pair in draw(st.lists(pairs, max_size=length))]
        offers[port.name] = gaps_too
    for port in engine.outputs:
        if not port.always_ready:
            ready[port.name] = draw(st.lists(st.booleans(), max_size=stall))
    waits = sum(offer.gap + engine.interval for each in offers.values() for offer in each)
    cycles = waits + stall + engine.latency + (4 if slack is None else slack)
    return Stimulus(offers=offers, ready=ready, cycles=cycles)
