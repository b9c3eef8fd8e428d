"""Mutated files of other tools, and mutated results: a sentence or an answer, never a traceback."""

import copy
import json
import random

import pytest
import yaml

from accelsim.errors import SpecError
from accelsim.interchange import read_accelforge, read_model, read_timeloop
from accelsim.report import html_page
from accelsim.report.load import load
from accelsim.report.rerun import plain_point
from tests.conftest import CAMPAIGN
from tests.interchange.test_model import LLAMA, MIXTRAL
from tests.interchange.test_problem import ATTENTION, CONV, DEPTHWISE

ODD = [
    None,
    True,
    -1,
    0,
    2.5,
    1e400,
    "",
    "x",
    "P",
    [],
    [1],
    {},
    {"a": 1},
    10**30,
    "0 <= p < 3",
    "\u2028</script>",
]


def places(data, at=()):
    yield at
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in items:
        yield from places(value, (*at, key))


def mutated(data, rng):
    """Change, drop or double one value anywhere."""
    data = copy.deepcopy(data)
    *way, last = rng.choice([p for p in places(data) if p])
    node = data
    for key in way:
        node = node[key]
    what = rng.randrange(4)
    if what == 0:
        del node[last]
    elif what == 1 and isinstance(node, list):
        node.append(copy.deepcopy(node[last]))
    elif what == 2 and isinstance(node, dict):
        node[f"{last}x"] = node.pop(last)
    else:
        node[last] = rng.choice(ODD)
    return data


def run_of(folder, figures):
    path = folder / "r.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    page = html_page([plain_point(entry) for entry in load(path).entries])
    assert page.count("<script") == page.count("</script>") == 2


def problem(read):
    def check(folder, data):
        path = folder / "p.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        found = read(path)
        assert found.cascade()
        assert found.workload("x")

    return check


def model(folder, data):
    path = folder / "config.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert read_model(path).workload()


FIGURES = {
    "design": "d",
    "cascade": "c",
    "arch": "a",
    "workload": {"M": 4, "P": 4},
    "cycles": 10,
    "seconds": 1e-8,
    "utilization": {"PE": 0.5, "DRAM": 0.5},
    "busy_cycles": {"PE": {"A": 5}, "DRAM": {"load A": 5}},
    "stall_cycles": {"PE": {"data": 5}, "DRAM": {}},
    "idle_cycles": {"PE": 0, "DRAM": 5},
    "traffic_bytes": {"DRAM": {"read": 1, "write": 2, "by_tensor": {"A": 3}}},
    "buffers": {"GLB": {"peak_bytes": 1, "capacity_bytes": 2, "by_tensor": {"A": 1}}},
    "energy_pj": {"total": 2.0, "by_component": {"PE": 2.0}, "by_einsum": {"A": 2.0}, "leakage": None},
    "area_um2": {"total": 1.0, "by_component": {"PE": 1.0}},
    "bottleneck": {"kind": "unit", "circuit": ["PE: A"], "cycles_per_iteration": 2},
    "roofline": {"compute_cycles": 5, "memory_cycles": 5},
    "assumptions": ["none"],
    "request": {"design": "fusemax", "seq": 4},
}  # fmt: skip
STUDY = {
    "study": "s",
    "objectives": {"seconds": "min"},
    "points": [
        {
            "parameters": {"side": 4},
            "status": "done",
            "reason": None,
            "pareto": True,
            "request": None,
            "figures": {"seconds": 1.0, "buffers.GLB.peak_bytes": 4},
            "report": FIGURES,
        }
    ],
}
ROWS = {
    "baseline": "d",
    "rows": [{"design": "d", "workload": "bert", "length": 4, "cycles": 1, "seconds": 1.0}],
}


@pytest.mark.parametrize(
    ("check", "data"),
    [
        (problem(read_timeloop), yaml.safe_load(CONV)),
        (problem(read_accelforge), yaml.safe_load(ATTENTION)),
        (problem(read_accelforge), yaml.safe_load(DEPTHWISE)),
        (model, LLAMA),
        (model, MIXTRAL),
        (run_of, FIGURES),
        (run_of, STUDY),
        (run_of, ROWS),
    ],
    ids=["timeloop", "attention", "depthwise", "llama", "mixtral", "run", "study", "comparison"],
)
def test_mutated(tmp_path, check, data):
    rng = random.Random(7)
    refused = 0
    for _ in range(4000 if CAMPAIGN else 80):
        changed = mutated(data, rng)
        if rng.random() < 0.3:
            changed = mutated(changed, rng) if any(places(changed)) else changed
        try:
            check(tmp_path, changed)
        except SpecError as error:
            refused += 1
            assert all(f.file != "<input>" for f in error.faults), str(error)
    assert refused > 10
