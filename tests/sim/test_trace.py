"""The trace file: valid, whole, the same bytes each time, and true to the kernel."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from accelsim.errors import DeadlockError, SpecError
from accelsim.job import Job, Run
from accelsim.mapping import Workload
from accelsim.sim import jump, reference
from accelsim.sim.observe import record
from accelsim.sim.period import period_of
from accelsim.sim.program import Loop, Phase, Queue, Task, Wait
from accelsim.sim.shorten import shorten, untouched, with_counts
from accelsim.sim.trace import write_trace
from accelsim.sim.walk import Window, class_of, starts_of
from tests.shares import share
from tests.sim.programs import random_phase

NAMES = ["fusemax_micro24", "fusemax_serial_micro24", "flat_micro24", "unfused_micro24"]


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    stage = Workload.load("bert", 4096).stage("attention")
    return {name: Job.of(name).run(stage) for name in NAMES}


def read(path) -> dict[str, Any]:
    return json.loads(gzip.decompress(path.read_bytes()))


def slices(document: dict[str, Any], *without: str) -> dict[str, list[dict[str, Any]]]:
    """The slices of each track by name, in order."""
    events = document["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    found: dict[str, list[dict[str, Any]]] = {}
    for e in events:
        if e["ph"] == "X" and names[e["tid"]] not in without:
            found.setdefault(names[e["tid"]], []).append(e)
    return found


@pytest.mark.parametrize("name", share(NAMES, 2, "ci"))
def test_the_overview(runs, name, tmp_path):
    lowered = runs[name].lowered
    about = write_trace(lowered, tmp_path / "a.json.gz", limit=12_000)
    document = read(tmp_path / "a.json.gz")
    assert document["displayTimeUnit"] == "ns"
    assert document["metadata"] == json.loads(json.dumps(about))
    tracks = slices(document, "phases", "period")
    assert 1000 < sum(map(len, tracks.values())) <= 12_000
    for track in tracks.values():
        for a, b in pairwise(track):
            assert a["args"]["tick"] + a["args"]["ticks"] <= b["args"]["tick"]
    for phase in about["phases"]:
        assert phase["tail"]
        assert phase["same_starts"] == phase["compared_starts"] > 0
        assert phase["period_equals_real"]
    loops = [loop.name for loop in lowered.program.phases[0].loops]
    first = tracks["PE2D"][0]
    assert first["name"] == "QK"
    assert [first["args"][loop] for loop in loops] == [0] * len(loops)
    assert any("load" in words for words in first["args"]["waits"])
    marks = slices(document)["period"]
    assert all(mark["name"].startswith("repeats ") for mark in marks)
    assert len(marks) == len(lowered.program.phases)


def test_a_cycle_is_a_nanosecond_and_the_period_is_marked(runs, tmp_path):
    write_trace(runs["fusemax_micro24"].lowered, tmp_path / "a.json.gz", limit=12_000)
    (mark,) = slices(read(tmp_path / "a.json.gz"))["period"]
    assert mark["args"]["cycles"] == 138
    assert mark["dur"] == pytest.approx(0.138)
    assert mark["name"] == f"repeats {64 * 12 * 256} times"


def test_the_same_bytes(runs, tmp_path):
    lowered = runs["fusemax_micro24"].lowered
    for name in ("a", "b"):
        write_trace(lowered, tmp_path / name, (0, 3000))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_window_shows_what_the_kernel_did(runs, tmp_path):
    lowered = runs["fusemax_micro24"].lowered
    (phase,) = lowered.program.phases
    ticks = lowered.program.ticks_per_cycle
    first, last = 20_000 * ticks, 30_000 * ticks
    about = write_trace(lowered, tmp_path / "a", (20_000, 30_000))
    tracks = slices(read(tmp_path / "a"), "phases")
    starts = [s for s in record(phase, 4000) if s.end > first and s.start < last]
    assert about["phases"][0]["shown"] == len(starts)
    for number, queue in enumerate(phase.queues):
        busy = sum(s.end - s.start for s in starts if s.queue == number)
        assert sum(e["args"]["ticks"] for e in tracks.get(queue.name, [])) == busy


def test_counters_reach_the_peak_of_the_kernel(runs, tmp_path):
    lowered = runs["fusemax_micro24"].lowered
    (phase,) = lowered.program.phases
    cut = shorten(phase, 4000)
    assert cut is not None
    done = reference.run(cut).phases[0]
    write_trace(lowered, tmp_path / "a", limit=4000)
    events = [e for e in read(tmp_path / "a")["traceEvents"] if e["ph"] == "C"]
    held = [sum(e["args"].values()) for e in events if e["name"] == "GLB bytes"]
    assert max(held) == done.buffer_peak["GLB"]


def test_a_bad_window(runs, tmp_path):
    with pytest.raises(SpecError, match="0 <= A < B"):
        write_trace(runs["fusemax_micro24"].lowered, tmp_path / "a", (5, 5))
    assert not list(tmp_path.iterdir())


def test_a_window_in_a_later_phase(tmp_path):
    stage = Workload.load("bert", 4096, {"B": 1}).stage("attention")
    lowered = Job.of("unfused_micro24").run(stage).lowered
    done = jump.run(lowered.program.phases[0]).ticks
    cycle = done // lowered.program.ticks_per_cycle
    about = write_trace(lowered, tmp_path / "a", (cycle - 2000, cycle + 20_000))
    assert [p["phase"] for p in about["phases"]] == ["QK", "GM + SN + SD + A"]


def test_a_phase_is_cut_to_what_it_would_be_with_fewer_iterations(runs):
    """Fewer batches is what lowering a smaller batch gives."""
    (phase,) = runs["fusemax_micro24"].lowered.program.phases
    small = Job.of("fusemax_micro24").run(Workload.load("bert", 4096, {"B": 2}).stage("attention"))
    assert with_counts(phase, (2, 12, 1, 16, 16)) == small.lowered.program.phases[0]


def test_shortening_keeps_first_and_last_digits():
    tasks = (
        Task(name="A", queue=0, durations=(3,)),
        Task(
            name="B",
            queue=1,
            durations=(2,),
            waits=(
                Wait(producer=0, strides=(100, 0), offset=99),  # the last of the inner loop
                Wait(producer=0, strides=(100, 1), offset=-101, cause="slot"),
            ),
        ),
    )
    phase = Phase(
        name="case",
        loops=(Loop(name="i", count=50), Loop(name="j", count=100)),
        resources=("X", "Y"),
        queues=(
            Queue(name="X", resource=0, body=((0, 0),)),
            Queue(name="Y", resource=1, body=((1, 0),)),
        ),
        tasks=tasks,
    )
    cut = with_counts(phase, (4, 10))
    assert [(w.strides, w.offset) for w in cut.tasks[1].waits] == [((10, 0), 9), ((10, 1), -11)]
    assert untouched(phase, cut) == 9
    short = shorten(phase, 500)
    assert short is not None
    assert starts_of(short) <= 500
    assert with_counts(phase, (50, 100)) == phase


def test_shortening_to_nothing_is_refused():
    body = tuple((0, k) for k in range(1000))
    phase = Phase(
        name="case",
        loops=(Loop(name="i", count=5),),
        resources=("X",),
        queues=(Queue(name="X", resource=0, body=body),),
        tasks=(Task(name="A", queue=0, durations=(1,), inner=1000),),
    )
    assert shorten(phase, 900) is None


@pytest.mark.parametrize("seed", share(range(60), 4))
def test_classes_and_counts_agree_with_the_kernel(seed):
    phase = random_phase(seed)
    try:
        done = reference.run(phase).phases[0]
    except DeadlockError:
        return
    starts = record(phase)
    found = Counter(
        (s.task, class_of(phase, phase.tasks[s.task], s.iteration, s.k)) for s in starts
    )
    for number, counts in enumerate(done.instances):
        assert [found[number, c] for c in range(len(counts))] == list(counts)


def test_a_period_of_three():
    tasks = (
        Task(
            name="A", queue=0, durations=(10,), waits=(Wait(producer=1, strides=(1,), offset=-3),)
        ),
        Task(name="B", queue=1, durations=(5,), waits=(Wait(producer=0, strides=(1,), lag=33),)),
    )
    phase = Phase(
        name="case",
        loops=(Loop(name="i", count=300),),
        resources=("X", "Y"),
        queues=(
            Queue(name="X", resource=0, body=((0, 0),)),
            Queue(name="Y", resource=1, body=((1, 0),)),
        ),
        tasks=tasks,
    )
    found = period_of(Window.of(phase, 10_000))
    assert found is not None
    assert (found.instances, found.ticks) == (3, 48)


def test_a_window_out_of_reach(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("accelsim.sim.trace.REACH", 1000)
    with pytest.raises(SpecError, match="must end within the first 1000 starts"):
        write_trace(runs["fusemax_micro24"].lowered, tmp_path / "a", (10**6, 10**6 + 5))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("window", [None, (20_000, 24_000)])
def test_flows_lead_from_data_to_who_waits_for_it(runs, tmp_path, window):
    write_trace(runs["fusemax_micro24"].lowered, tmp_path / "a", window, limit=3000)
    document = read(tmp_path / "a")
    events = document["traceEvents"]
    out = {e["id"]: e for e in events if e["ph"] == "s"}
    into = {e["id"]: e for e in events if e["ph"] == "f"}
    assert len(out) == len(into) == len([e for e in events if e["ph"] in "sf"]) / 2 > 100
    assert out.keys() == into.keys()
    whole = [e for e in events if e["ph"] == "X" and "follows" in e["args"]]
    begins = {(e["tid"], e["ts"]): e for e in whole}
    spans: dict[int, list[tuple[float, float]]] = {}
    for e in whole:
        spans.setdefault(e["tid"], []).append((e["ts"], e["ts"] + e["dur"]))
    for number, event in out.items():
        target = begins[into[number]["tid"], into[number]["ts"]]
        assert any("(data)" in words for words in target["args"]["waits"])
        assert event["ts"] <= into[number]["ts"]
        assert any(a <= event["ts"] < b for a, b in spans[event["tid"]])
    # As many as the waits of the slices; in a window, those whose producer is in it.
    count = sum(sum("(data)" in words for words in e["args"].get("waits", ())) for e in whole)
    assert len(out) == count if window is None else len(out) < count


def test_counters_hold_what_is_held_throughout(tmp_path):
    """The trace's largest level of a buffer is the peak that the report has."""
    job = Job.of("fusemax")
    run = job.run(Workload.load("bert", 512, {"B": 1, "H": 2}).stage("attention"))
    write_trace(run.lowered, tmp_path / "a", limit=100_000)
    events = [e for e in read(tmp_path / "a")["traceEvents"] if e["ph"] == "C"]
    for use in run.activity.buffers:
        held = [sum(e["args"].values()) for e in events if e["name"] == f"{use.name} bytes"]
        assert max(held) == use.peak_bytes
