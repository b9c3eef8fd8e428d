"""Axes, conditions and what follows from them; which points are taken, and their keys."""

import random
from itertools import product

import pytest

from accelsim.explore import Exploration
from accelsim.explore.axis import Axis
from accelsim.explore.study import AxisSpec
from accelsim.specs import find
from tests.explore.made_up import results_of


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ({"from": 16, "to": 512, "times": 2}, [16, 32, 64, 128, 256, 512]),
        ({"from": "1K", "to": "1M", "times": 4}, [1 << n for n in range(10, 21, 2)]),
        ({"from": 1, "to": 4}, [1, 2, 3, 4]),
        ({"from": 0, "to": 1, "step": 0.25}, [0, 0.25, 0.5, 0.75, 1]),
        ({"from": 10, "to": 15, "step": 2}, [10, 12, 14]),
        ({"from": "1 MiB", "to": "8 MiB", "times": 2}, [f"{n} MiB" for n in (1, 2, 4, 8)]),
        ({"from": "512 KiB", "to": "1.5 MiB", "step": "512 KiB"}, ["512 KiB", "1024 KiB", "1536 KiB"]),
        ({"from": "100 GB/s", "to": "0.4 TB/s", "times": 2}, [f"{n} GB/s" for n in (100, 200, 400)]),
        ({"from": 1, "to": 10, "times": 1.5}, [1, 1.5, 2.25, 3.375, 5.0625, 7.59375]),
        ({"values": ["64K", 5, "auto"]}, [65536, 5, "auto"]),
        ({"choices": {"deep": "fusemax/attention_1pass", "any": "auto"}},
         ["fusemax/attention_1pass", "auto"]),
    ],
)  # fmt: skip
def test_values_of_an_axis(spec, values):
    axis = Axis.of("x", AxisSpec.model_validate(spec))
    assert [level.value for level in axis.levels] == values


STUDY = {
    "vary": {
        "mapping": {"choices": {"deep": "fusemax/attention_1pass", "any": "auto"}},
        "rows": [64, 128, 256],
        "cols": [64, 128, 256],
        "mapping.depth.Q": {"values": [1, 2, 3], "when": "mapping == deep"},
        "seq": ["1K", "4K"],
    },
    "set": {
        "arch.PE2D.rows": "rows",
        "arch.PE2D.cols": "cols",
        "arch.GLB.size": "{rows * cols // 64} KiB",
        "arch.DRAM.bandwidth": "400 GiB/s",
        "lanes": "max(rows, cols)",
        "arch.PE1D.lanes": "lanes",
    },
    "where": ["rows >= cols", "seq > 1024 or mapping == any", "arch.GLB.size < 1 MiB"],
}


def test_points_of_a_grid_are_those_that_the_conditions_leave():
    exploration = Exploration.of({"name": "x", "design": "fusemax", **STUDY})
    found = [tuple(p.values.values()) for p in exploration.space.points()]
    expected = [
        (mapping, rows, cols, depth, seq)
        for mapping, rows, cols in product(["deep", "any"], [64, 128, 256], [64, 128, 256])
        for depth in ([1, 2, 3] if mapping == "deep" else [None])
        for seq in (1024, 4096)
        if rows >= cols and (seq > 1024 or mapping == "any") and rows * cols // 64 < 1024
    ]
    assert found == expected
    assert len(found) < exploration.space.combinations
    first = next(exploration.space.points()).settings
    assert first == {
        "design": "fusemax",
        "scope": "attention",
        "selection": "uniform",
        "mapping": "fusemax/attention_1pass",
        "mapping.depth.Q": 1,
        "seq": 4096,
        "arch.PE2D.rows": 64,
        "arch.PE2D.cols": 64,
        "arch.GLB.size": "64 KiB",
        "arch.DRAM.bandwidth": "400 GiB/s",
        "arch.PE1D.lanes": 64,
    }


def test_each_field_reaches_the_machine_that_is_run(tmp_path):
    from accelsim.explore.build import Build

    exploration = Exploration.of({"name": "x", "design": "fusemax", **STUDY})
    build = Build.of(next(exploration.space.points()).settings)
    assert build.job.arch.spec.components["PE1D"].lanes == 64
    assert build.job.arch.spec.components["GLB"].size == 65536
    assert build.workload.seq == 4096
    assert [m.spec.depth["Q"] for m in build.mappings()] == [1]
    settings = {"cascade": "attention_1pass", "arch": "fusemax", "cascade.M0": 32, "workload.E": 16}
    stage = Build.of(settings).workload.stage("attention")
    assert (stage.ranks["M0"], stage.ranks["E"]) == (32, 16)


def test_same_seed_same_points():
    def points(seed, sampler="random"):
        data = {"vary": {"rows": {"from": 1, "to": 999}, "seq": {"from": 1, "to": 999}},
                "set": {"arch.PE2D.rows": "rows"}, "where": ["rows > seq"],
                "sampler": sampler, "points": 20, "seed": seed}  # fmt: skip
        found, _ = results_of(data, lambda s: {"cycles": s["seq"] * s["arch.PE2D.rows"]})
        return [tuple(row.values.values()) for row in found.rows]

    assert points(1) == points(1)
    assert points(1) != points(2)
    assert len(set(points(1))) == 20
    assert all(rows > seq for rows, seq in points(1))


SEARCHED = {
    "vary": {
        "rows": {"from": 1, "to": 40},
        "cols": {"from": 1, "to": 40},
        "mapping": {"choices": {"deep": "fusemax/attention_1pass", "any": "auto"}},
    },
    "set": {"arch.PE2D.rows": "rows", "arch.PE2D.cols": "cols"},
    "constraints": ["area_mm2 <= 900"],
    "objectives": {"cycles": "min", "area_mm2": "min"},
    "points": 400,
    "batch": 20,
}


def searched(settings):
    rows, cols = settings["arch.PE2D.rows"], settings["arch.PE2D.cols"]
    if rows == cols == 7:
        return None
    slow = 2 if settings["mapping"] == "auto" else 1
    return {
        "cycles": slow * 100_000 // (rows * min(cols, 20)),
        "area_um2": {"total": rows * cols * 1e6},
    }


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_a_search_does_not_depend_on_the_order_of_answers(sampler):
    pytest.importorskip("optuna")
    data = {**SEARCHED, "sampler": sampler, "points": 60}
    shuffled = random.Random(0)
    first, asked = results_of(data, searched)
    other, asked_too = results_of(data, searched, order=lambda k: shuffled.sample(k, len(k)))
    assert first.to_json() == other.to_json()
    assert sorted(asked) == sorted(asked_too)
    assert len(set(asked)) == len(asked) == len(first.rows) == 60


def test_a_search_comes_near_the_front_of_the_grid():
    pytest.importorskip("optuna")
    whole = {k: v for k, v in SEARCHED.items() if k not in {"points", "batch"}}
    reference = {"reference": {"cycles": 100_001, "area_mm2": 900}}
    grid, _ = results_of({**whole, **reference}, searched)
    found, asked = results_of({**SEARCHED, **reference, "sampler": "nsga2"}, searched)
    drawn, _ = results_of({**SEARCHED, **reference, "sampler": "random"}, searched)
    assert len(grid.rows) == 3200
    assert len(asked) == 400
    assert 0.97 * grid.hypervolume < found.hypervolume < 1.0001 * grid.hypervolume
    assert len(found.pareto) > len(drawn.pareto)


def test_a_key_is_of_contents_not_of_names(tmp_path):
    keys = Exploration.of({"name": "x", "design": "fusemax", "vary": {"seq": [1]}}).space.keys
    plain = keys.key({"design": "fusemax", "seq": 1024})
    assert keys.key({"design": "fusemax"}) == plain  # bert's own length
    assert keys.key({"design": "fusemax", "seq": 1024, "arch.PE2D.rows": 256}) == plain
    assert keys.key({"design": "fusemax", "seq": 1024, "arch.GLB.size": "16384 KiB"}) == plain
    assert keys.key({"design": "fusemax", "seq": 1024, "workload.E": 64}) == plain
    others = [
        {"design": "fusemax", "seq": 1025},
        {"design": "fusemax", "arch.PE2D.rows": 255},
        {"design": "fusemax", "workload.E": 32},
        {"design": "fusemax", "mapping": "fusemax/attention_1pass"},
        {"design": "fusemax", "mapping": "auto"},
        {"design": "fusemax", "mapping.depth.Q": 3},
        {"design": "fusemax", "workload": "gpt2"},
        {"design": "fusemax", "scope": "layer"},
        {"design": "fusemax", "selection": "all"},
        {"design": "fusemax_micro24"},
    ]
    assert len({plain, *(keys.key(s) for s in others)}) == 1 + len(others)

    mine = tmp_path / "mine" / "design.yaml"
    mine.parent.mkdir()
    text = find.path("design", "fusemax").read_text()
    mine.write_text(text.replace("name: fusemax\n", "name: mine\n"))
    assert keys.key({"design": str(mine), "seq": 1024}) == plain
    mine.write_text(text.replace("P > 1024", "P > 2048"))
    fresh = Exploration.of({"name": "x", "design": "fusemax", "vary": {"seq": [1]}}).space.keys
    assert fresh.key({"design": str(mine), "seq": 1024}) != plain
