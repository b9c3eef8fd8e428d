"""From a cascade and an architecture alone: mappings near what no mapping can beat, and what they rest on."""

from pathlib import Path

import pytest
import yaml

import accelsim as acs
from accelsim.errors import InfeasibleError, SpecError
from accelsim.explore.mapper.bound import lower_bound
from accelsim.explore.mapper.rewriting import find_rewritten
from accelsim.explore.mapper.structure import structures, tile_sizes
from accelsim.job import Job
from accelsim.mapping import Mapping
from accelsim.mapping.auto import Case, Style
from accelsim.sim import jump, reference
from accelsim.sim.explain import circuit_of
from accelsim.sim.lower import lower
from accelsim.specs import read_text
from benchmarks import bench_peers

PEERS = Path(bench_peers.__file__).parent / "peers"
HAND = 1_934_912  # cycles of the shipped mapping: BERT, 1,024 tokens
SMALL = {"PE2D.rows": 16, "PE2D.cols": 16, "PE1D.lanes": 16, "GLB.size": "256 KiB"}
HEAD = {"B": 1, "H": 4, "E": 16, "F": 16}


def busiest(found):
    activity = found.best.activity
    arrays = [sum(u.busy_ticks.values()) for u in activity.units if u.kind == "array"]
    return max(arrays) / activity.ticks


def test_bert_at_1k_beats_the_mapping_by_hand():
    found = acs.find_mapping(cascade="attention_1pass", arch="fusemax", workload="bert", seq=1024)
    assert found.bound.cycles == 768 * 16 * (64 + 1 + 7 + 1 + 64)  # the array, tile after tile
    assert found.bound.cycles <= found.cycles < HAND
    assert found.gap < 0.002
    # It is an ordinary mapping: read again as a file and run, it gives the same cycles.
    text = found.best.mapping.document.source
    again = acs.simulate(
        cascade="attention_1pass",
        arch="fusemax",
        mapping=Mapping.from_document(read_text(text, "found.yaml")),
        workload="bert",
        seq=1024,
    )
    assert again.stages[0].activity.ticks == found.best.activity.ticks
    assert len(yaml.safe_load(text)["blocks"]) == 1


CASES = [
    ("attention_1pass", "bert", 65536, {}, {}),
    ("attention_1pass", "bert", 65536, {"E": 80, "F": 80}, {}),
    ("attention_1pass", "bert", 65536, {}, {"PE2D.rows": 96, "PE2D.cols": 128, "PE1D.lanes": 128}),
    ("attention_1pass_causal", "bert", 65536, {}, {}),
    ("attention_1pass_causal", "llama3-8b", 65536, {}, {}),
]


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[1]}-{len(c[3])}{len(c[4])}")
def test_99_percent_of_a_resource_at_64k(case):
    cascade, workload, seq, ranks, arch_set = case
    found = acs.find_mapping(
        cascade=cascade, arch="fusemax", workload=workload, seq=seq, ranks=ranks, arch_set=arch_set
    )
    assert busiest(found) >= 0.99


@pytest.mark.campaign
def test_three_passes_are_rewritten_to_99_percent_of_their_operations_at_64k():
    job = Job.of(cascade="attention_causal", arch="fusemax")
    stage = next(s for s in job.stages(job.load("bert", 65536), "attention"))
    cascade, found = find_rewritten(job.problem(stage))
    assert cascade.passes()["m1"] == 1
    assert found.gap < 0.01
    assert busiest(found) >= 0.99


def test_other_objectives_choose_among_the_same_runs():
    def find(goal):
        return acs.find_mapping(
            cascade=str(PEERS / "attention_1op.yaml"), arch=str(PEERS / "machine.yaml"),
            workload="bert", seq=64, ranks=HEAD, arch_set=SMALL, objective=goal, effort="quick",
        )  # fmt: skip

    front = find("pareto").front
    cycles, energy = zip(*(one.figures for one in front), strict=True)
    assert list(cycles) == sorted(cycles)
    assert list(energy) == sorted(energy, reverse=True)
    assert find("energy").best.figures[0] == energy[-1]
    assert find("edp").best.figures[0] == min(c * e for c, e in zip(cycles, energy, strict=True))


def test_what_is_asked_for_must_exist():
    with pytest.raises(SpecError, match="objective must be one of cycles"):
        acs.find_mapping(cascade="attention_1pass", arch="fusemax", seq=256, objective="cycle")
    with pytest.raises(SpecError, match="effort must be one of"):
        acs.find_mapping(cascade="attention_1pass", arch="fusemax", seq=256, effort="much")


@pytest.mark.parametrize("name", ["attention_1pass", "attention_1pass_causal"])
def test_no_run_is_below_the_bound(name):
    job = Job.of(cascade=name, arch="fusemax", mapping="auto", arch_set=SMALL)
    stage = next(iter(job.stages(job.load("bert", 128, HEAD), "attention")))
    problem = job.problem(stage)
    cases = [Case.of(problem, Style(name="", params=p)) for p in tile_sizes(problem)]
    bound = lower_bound(cases).cycles
    assert bound > 0
    for draft in list(structures(problem))[:4]:
        try:
            lowered = lower(draft.mapping().plan(problem))
            outcome = jump.run(lowered.program)
        except InfeasibleError:
            continue
        assert outcome.ticks >= bound * lowered.program.ticks_per_cycle


def _changed(mapping, change):
    data = yaml.safe_load(mapping.document.source)
    change(data["blocks"][0])
    return Mapping.from_document(read_text(yaml.safe_dump(data), "changed.yaml"))


def _earlier(block):
    """One stage less between the two arrays."""
    for bind in block["bind"]:
        if bind.get("stage"):
            bind["stage"] -= 1


def _fewer(block):
    """One slot less for what goes from array to array."""
    block["depth"]["SLNV"] -= 1


@pytest.fixture(scope="module")
def found():
    return acs.find_mapping(
        cascade="attention_1pass", arch="fusemax", workload="bert", seq=16384,
        ranks={"B": 1, "H": 1}, effort="quick",
    )  # fmt: skip


@pytest.mark.parametrize("change", [_earlier, _fewer])
def test_less_depth_costs_what_explain_says(change, found):
    job = Job.of(cascade="attention_1pass", arch="fusemax", mapping="auto")
    stage = next(iter(job.stages(job.load("bert", 16384, {"B": 1, "H": 1}), "attention")))
    problem = job.problem(stage)
    before = circuit_of(found.best.lowered)
    assert before.kind == "unit"
    mapping = found.best.mapping
    for _ in range(4):  # the schedule may have slack: until it has none left
        mapping = _changed(mapping, change)
        lowered = lower(mapping.plan(problem))
        after = circuit_of(lowered)
        tiles = lowered.program.phases[0].iterations
        cycles = jump.run(lowered.program).ticks / lowered.program.ticks_per_cycle
        assert cycles == pytest.approx(float(after.cycles_per_iteration) * tiles, rel=0.01)
        if after.kind != "unit":
            break
    assert after.kind in ("slots", "latency")
    assert after.cycles_per_iteration > before.cycles_per_iteration


def test_the_best_is_what_the_reference_kernel_says():
    found = acs.find_mapping(
        cascade=str(PEERS / "attention_1op.yaml"), arch=str(PEERS / "machine.yaml"),
        workload="bert", seq=64, ranks=HEAD, arch_set=SMALL, effort="quick",
    )  # fmt: skip
    assert reference.run(found.best.lowered.program).ticks == found.best.activity.ticks
