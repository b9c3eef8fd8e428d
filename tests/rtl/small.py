"""Every registered engine at a size that is quick to write and to build, what drives it, its Verilog."""

import functools
import random

from accelsim.engines import NAMES, Offer, Stimulus, engine, model_class
from accelsim.engines.select import Select
from accelsim.rtl.verilog import verilog
from tests.conftest import CAMPAIGN
from tests.rtl.selects import draw_stimulus

# Of the top-k engines: random bits would ask for too much.
SELECT = {"lanes": "4", "elements": "40"}
NARROW = {"operand": "e4m4", "accumulator": "e5m10"}
SMALL = {"pruned_attention": {"keys": "4", "lanes": "2", "features": "2"}}
SMALL |= dict.fromkeys(("array1d", "array2d", "column"), NARROW)


def settings(name):
    return SELECT if issubclass(model_class(name), Select) else SMALL.get(name, {})


def small(name):
    return engine(name, settings(name))


text = functools.cache(verilog)


def share(count, seed):
    """Return the names of all engines in the campaign, of so many of them in an ordinary run."""
    return NAMES if CAMPAIGN else sorted(random.Random(seed).sample(NAMES, count))


def driven(found, seed, offers=60, requests=12):
    """Random bits with gaps and stalls, from a seed; requests of a top-k engine."""
    if isinstance(found, Select):
        return draw_stimulus(found, seed, requests)[1]
    draw = random.Random(seed)
    sent = {
        port.name: [
            Offer(
                found.payload(port.name, draw.getrandbits(port.width)),
                draw.choice([0, 0, 0, 1, 3]),
            )
            for _ in range(offers)
        ]
        for port in found.inputs
    }
    ready = {port.name: [draw.random() < 0.7 for _ in range(3 * offers)] for port in found.outputs}
    return Stimulus(offers=sent, ready=ready, cycles=4 * offers)
