"""Random requests to every top-k engine: back to back, stalled, broken off by a reset.

The RTL is a netlist compiled to Python, so that thousands of requests take seconds; every output of
every cycle must be the model's, and what the model answers must be NumPy's stable selection.
"""

from dataclasses import replace

import pytest

from accelsim.engines.batcher import Batcher
from accelsim.engines.insertion_queue import InsertionQueue
from accelsim.engines.pivot import RULES, Rule
from accelsim.engines.quick_select import QuickSelect
from accelsim.engines.radix_select import RadixSelect
from accelsim.rtl.block import block
from tests.rtl.mutation import Campaign
from tests.rtl.selects import check, draw_stimulus

SIZE = {"lanes": 4, "width": 5, "elements": 30}
ENGINES = [
    *(QuickSelect(**SIZE, pivot=Rule(rule)) for rule in RULES),
    QuickSelect(lanes=3, width=3, elements=20),
    RadixSelect(**SIZE, digit=2),
    Batcher(**SIZE),
    Batcher(lanes=3, width=3, elements=20),
    InsertionQueue(**SIZE, depth=8),
]
TOGETHER = 10
"""Requests of one stimulus, without a reset between them."""


@pytest.fixture(scope="module", params=ENGINES, ids=repr)
def engine(request):
    return request.param


def run(engine, count):
    """Answer ``count`` requests, and half as many again of which a reset breaks off the rest."""
    whole = []
    for seed in range(-(-count // TOGETHER)):
        asked, stimulus = draw_stimulus(engine, seed, TOGETHER)
        check(engine, asked, list(engine.run(stimulus)))
        whole.append(stimulus)
        broken = draw_stimulus(engine, -1 - seed, TOGETHER // 2)[1]
        whole.append(replace(broken, cycles=broken.cycles * (seed % 7 + 1) // 8))
    campaign = Campaign(engine, block(engine), whole, breaks=False)
    assert not campaign.caught(campaign.netlist)


def test_answers_random_requests_in_the_models_cycles(engine):
    run(engine, 30)


@pytest.mark.campaign
def test_answers_thousands_of_requests_in_the_models_cycles(engine):
    run(engine, 3000)
