"""Rows on a pipeline: hand figures, both kernels, bounds, and what data change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.arch import Pipeline
from accelsim.errors import InfeasibleError
from accelsim.job.rows import RowJob
from accelsim.rows import Row, Rows
from accelsim.rows.trace_csv import read_trace
from accelsim.sim import jump, reference
from accelsim.sim.observe import record
from accelsim.sim.rows import lower_rows
from accelsim.sim.rows.explain import critical
from accelsim.sim.rows.measure import bounds_of, row_bounds, trace_figures
from tests.rows.texts import encoder, pruned

QUIET = {"HBM.efficiency": 1.0, "HBM.activate_time": "0 ns", "HBM.bank_time": "0 ns"}
ONE = Row(layer=0, head=0, features=64, tokens=128, keys=128, values=128, key_bits=8, value_bits=8)


def rows(*each: Row) -> Rows:
    return Rows(rows=each, name="made", source="made")


def starts(job: RowJob, what: Rows) -> dict[str, list[tuple[int, int]]]:
    phase = lower_rows(job.arch, job.pipeline, what).program.phases[0]
    found: dict[str, list[tuple[int, int]]] = {}
    for start in record(phase):
        found.setdefault(phase.tasks[start.task].name, []).append((start.start, start.end))
    return found


def test_one_row_by_hand() -> None:
    """128 keys of 8 bits on the full machine: every start from the lengths and latencies of its parts.

    Q of 12 bits is 3 bursts: there after 28 cycles of latency and 1; K takes 256 bursts over 16 channels
    from cycle 1 on. 16 cycles at 8 keys each: QK + 8, exp + 51, a whole row before the division; + 39.
    """
    job = RowJob.of("spatten", arch_set=QUIET)
    found = starts(job, rows(ONE))
    assert found["load_q"] == [(0, 1)]
    assert found["load_k"] == [(1, 17)]
    first = 1 + 28 + 16 - 16  # the last key is there after 16 cycles, when 16 cycles of QK end
    qk = max(first, 1 + 28 + 1)
    assert found["qk"] == [(qk, qk + 16)]
    assert found["exp"] == [(qk + 8, qk + 24)]
    divide = qk + 24 + 51
    assert found["weigh"] == [(divide, divide + 16)]
    load_v = divide + 16 + 39
    assert "select_values" not in found  # all values are kept
    assert found["load_v"] == [(load_v, load_v + 16)]
    pv = load_v + 28 + 1
    assert found["pv"] == [(pv, pv + 16)]
    assert found["store_o"] == [(pv + 16 + 3, pv + 16 + 4)]


def test_requantized_row_is_done_twice() -> None:
    job = RowJob.of("spatten", arch_set=QUIET)
    again = replace(ONE, requantized=1, extra_bits=4)
    found = starts(job, rows(again))
    assert len(found["qk"]) == len(found["qk_again"]) == len(found["weigh_again"]) == 1
    assert found["load_lsb"][0][0] == found["weigh"][0][1] + 39
    assert found["load_v"][0][0] == found["weigh_again"][0][1] + 39


def test_elements_that_go_round() -> None:
    """Seven rounds of three stages: 21 cycles for three elements; one more begins a round of its own."""
    fields = {"lanes": 2, "width": 8, "steps": {}, "rounds": 7, "group": 3}
    part = Pipeline(kind="pipeline", **fields)  # type: ignore[arg-type]
    assert [part.cycles(n) for n in (0, 1, 2, 3, 6, 7, 12)] == [0, 19, 19, 20, 21, 40, 42]
    plain = Pipeline(kind="pipeline", lanes=2, width=8, steps={})
    assert [plain.cycles(n) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_layers_follow_one_another() -> None:
    job = RowJob.of("spatten")
    two = rows(ONE, replace(ONE, head=1), replace(ONE, layer=1))
    found = starts(job, two)
    assert found["load_q"][2][0] >= found["store_o"][1][1]
    assert (
        found["load_k"][2][0] < found["store_o"][1][1]
    )  # keys of the next layer may be read before
    selects = rows(
        ONE,
        replace(ONE, head=1, selects=64, accumulates=True),
        replace(ONE, layer=1, keys=64, values=64),
    )
    found = starts(job, selects)
    assert found["load_k"][2][0] >= found["prune_tokens"][0][1]


def test_six_bits_of_two_heads_are_read_as_one() -> None:
    six = replace(ONE, key_bits=6, value_bits=6)
    job = RowJob.of("spatten", arch_set=QUIET)
    found = starts(job, rows(six, replace(six, head=1), replace(six, head=2)))
    assert [end - begin for begin, end in found["load_k"]] == [24, 16]  # 3 bursts a pair; 2 for one
    assert len(found["qk"]) == 3
    drafted = lower_rows(job.arch, job.pipeline, rows(six, replace(six, head=1)))
    moved = trace_figures(drafted, jump.run(drafted.program))["memory"]["HBM"]["moved_bytes"]
    assert moved == 2 * 96 * 128 + 4 * 96  # K and V of the pair; Q and O of each in 12 bits


def test_encoder_reads_keys_once(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(encoder(queries=6))
    job = RowJob.of("spatten")
    found = starts(job, read_trace(tmp_path / "t.csv"))
    assert len(found["load_k"]) == len(found["load_v"]) == 4
    assert len(found["qk"]) == len(found["store_o"]) == 24


def test_both_kernels_agree(tmp_path: Path) -> None:
    for text in (pruned(), pruned(heads=3, bits=6), encoder()):
        (tmp_path / "t.csv").write_text(text)
        for design in ("spatten", "spatten_1_8"):
            job = RowJob.of(design)
            program = lower_rows(job.arch, job.pipeline, read_trace(tmp_path / "t.csv")).program
            assert jump.run(program) == reference.run(program)


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    found = []
    for layer in range(draw(st.integers(1, 3))):
        keys = draw(st.integers(1, 200))
        queries = draw(st.sampled_from([1, 1, 1, 4]))
        bits = draw(st.sampled_from([0, 4, 6, 8, 12]))
        heads = draw(st.integers(1, 4))
        for head in range(heads):
            last = head == heads - 1
            extra = draw(st.sampled_from([0, 4]))
            found.append(
                Row(
                    layer=layer,
                    head=head,
                    features=64,
                    tokens=200,
                    queries=queries,
                    keys=keys,
                    values=draw(st.integers(1, keys)) if bits != 6 else keys,
                    key_bits=bits,
                    value_bits=bits,
                    extra_bits=extra,
                    requantized=draw(st.integers(0, queries)) if extra and bits else 0,
                    accumulates=draw(st.booleans()),
                    selects=draw(st.integers(0, keys)) if last else 0,
                )
            )
    return rows(*found)


@settings(max_examples=20, deadline=None)
@given(what=some_rows(), design=st.sampled_from(["spatten", "spatten_1_8"]))
def test_no_run_is_under_its_bounds(what: Rows, design: str) -> None:
    job = RowJob.of(design)
    drafted = lower_rows(job.arch, job.pipeline, what)
    outcome = jump.run(drafted.program)
    bounds = bounds_of(drafted)
    assert outcome.ticks >= max(bounds.by_unit.values())
    assert outcome == reference.run(drafted.program)
    assert len(row_bounds(drafted)) == len(drafted.steps) == sum(r.queries for r in what)
    done = outcome.phases[0]
    for buffer, peak in done.buffer_peak.items():
        assert peak <= job.arch.buffers[buffer].size
    path = critical(drafted)
    assert path.whole
    assert path.ticks == outcome.ticks  # the path leads from the beginning to the end without a gap


def test_too_long_for_a_buffer() -> None:
    job = RowJob.of("spatten")
    with pytest.raises(
        InfeasibleError, match="K of a row must fit the 196608 bytes of KBUF, not take"
    ):
        job.run(rows(replace(ONE, tokens=4096, keys=4096, values=4096)))
    small = RowJob.of("spatten", arch_set={"TOPK.settings.elements": 100})
    with pytest.raises(InfeasibleError, match="must select among at most 100"):
        small.run(rows(replace(ONE, values=10)))


def test_the_rate_of_the_channels_changes_the_answer() -> None:
    """As reference figures say: at the full rate 125 x 8 keys bind by their products, at half by memory."""
    many = rows(*(replace(ONE, head=n, keys=1000, values=1000, tokens=1000) for n in range(20)))
    full = RowJob.of("spatten_1_8").report(many).to_dict()
    half = RowJob.of("spatten_1_8", arch_set={"HBM.burst_time": "4 ns"}).report(many).to_dict()
    assert full["trace"]["bounds"]["HBM"] * 4 == pytest.approx(
        half["trace"]["bounds"]["HBM"], abs=4
    )
    assert full["trace"]["binding"] == "FETCH"
    assert half["cycles"] > 3 * full["cycles"]
