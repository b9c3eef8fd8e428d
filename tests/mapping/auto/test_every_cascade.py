"""Every cascade runs on every kind of machine at the size of its workload, with no mapping written."""

import pytest

from accelsim.job import Job
from accelsim.mapping import Mapping
from accelsim.specs import names, read_text
from tests.conftest import CAMPAIGN

QUICK = ["attention_1pass", "attention_3pass", "danet_cam", "deltanet", "nsa", "routing", "titans"]

SOME = QUICK if CAMPAIGN else QUICK[::3]


def job(cascade, arch):
    return Job.of(cascade=cascade, arch=arch, mapping="auto")


@pytest.mark.parametrize(
    ("cascade", "arch"), [(c, "fusemax") for c in QUICK] + [(c, "flat") for c in SOME]
)
def test_runs_at_the_size_of_its_workload(cascade, arch):
    mine = job(cascade, arch)
    report = mine.report(mine.load(None))
    assert report.cycles > 0
    assert report.activity.compute_cycles <= report.cycles
    assert report.activity.memory_cycles <= report.cycles + 1


@pytest.mark.parametrize("cascade", SOME)
def test_a_written_mapping_gives_the_same_cycles(cascade, tmp_path):
    """What is written is what was run: text to mapping to the same program."""
    mine = job(cascade, "fusemax")
    stage = mine.stages(mine.load(None), "attention")[0]
    run = mine.run(stage)
    again = Mapping.from_document(read_text(run.mapping.document.source, "m.yaml"))
    given = Job.of(cascade=cascade, arch="fusemax", mapping=again)
    assert given.run(stage).activity.ticks == run.activity.ticks


def test_a_hand_mapping_is_reached():
    """The published binding of FuseMax is worked out from the cascade and the machine alone."""
    mine = job("attention_1pass", "fusemax")
    hand = Job.of("fusemax")
    load = mine.load("bert", 65536)
    assert mine.report(load).cycles <= 1.01 * hand.report(load).cycles


def test_names_are_known():
    assert set(QUICK) <= set(names("cascade"))
