"""Closed counts of unions, quotients, rests and selections: a count of points, and at once at any size."""

from __future__ import annotations

import time
from collections import Counter
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.cascade.count import DRAWN, counted
from accelsim.cascade.count_points import count_by_points
from accelsim.cascade.lattice import count_points
from accelsim.cascade.linear import Linear
from accelsim.cascade.polygon import floors, polygon
from accelsim.job import Job
from tests.conftest import CAMPAIGN

# Cascades whose points are no conjunction of half planes, or are selected; what the data must be like for
# what is assumed of them to be so, and sizes that belong together.
NAMES = {
    "contmix": lambda s: {
        **s,
        "HI": s["S"] + s["HI"] % 3,
        "WI": s["S"] + 1,
        "SS": s["S"] ** 2,
        "F": 1,
        "E": 1,
    },
    "focus_tokens": dict,
    "halo2d": lambda s: {**s, "HI": s["HI"] % 3 + 1, "b": s["b"] % 3 + 1, "h": s["h"] % 3, "F": 1},
    "hop_profile": dict,
    "hop_profile_1pass": dict,
    "landmark": dict,
    "landmark_topk": dict,
    "lightning2": dict,
    "longformer": dict,
    "moh": lambda s: {**s, "D": 1, "H": s["H"] + s["HS"], "Z": 2},
    "nsa": lambda s: {**s, "R": 3},
    "paged_decode": lambda s: {**s, "B": min(s["B"], s["T"])},
    "routing": lambda s: {**s, "C": 1},
    "routing_causal": lambda s: {**s, "C": 1},
    "sparse_gin": lambda s: {**s, "thr": 0},
    "sparse_gin_2pass": lambda s: {**s, "thr": 0},
    "spatten_prune": dict,
    "streaming_sink": dict,
    "topk_attention": dict,
    "topk_block_decode": dict,
    "topk_block_decode_online": dict,
}
WHOLE = {  # parameters that are sizes
    "k", "w", "W", "L", "n", "S", "glob", "Ww", "b", "h", "kt", "kh", "kv", "length", "block", "sinks",
}  # fmt: skip


def plain(parts: Any) -> dict[str, dict[str, int]]:
    return {e: {k: n for k, n in sorted(part.items()) if n} for e, part in parts.items()}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60 if CAMPAIGN else 4)
@given(data=st.data())
def test_closed_counts_are_counts_of_points(name: str, data: st.DataObject) -> None:
    cascade = Cascade.load(name)
    free = [*cascade.shape_names, *(p for p in cascade.params if p in WHOLE)]
    sizes = NAMES[name]({n: data.draw(st.integers(1, 6), n) for n in free})
    found = counted(cascade, sizes)
    assert DRAWN not in found.assumed
    assert found.by_equation == plain(count_by_points(cascade, cascade.sizes(**sizes)))


@pytest.mark.parametrize("name", [n for n in specs.names("cascade") if n != "matmul"])
def test_every_cascade_is_counted_at_once_at_a_million_tokens(name: str) -> None:
    cascade = Cascade.load(name)
    job = Job.of(cascade=cascade, arch="fusemax", mapping="auto")
    ranks = job.load(None, 1 << 20).stage_of(cascade).ranks
    start = time.process_time()
    found = counted(cascade, dict(ranks))
    assert time.process_time() - start < 5  # most take milliseconds
    assert DRAWN not in found.assumed
    assert sum(found.operations.values()) > 0


def test_lists_that_meet_are_counted_as_expected() -> None:
    """Tokens that at least one of C clusters takes: the mean over drawn inputs is what is stated."""
    cascade = Cascade.load("routing")
    sizes = {"N": 40, "E": 6, "F": 1, "C": 6, "w": 9}
    found = counted(cascade, sizes)
    assert any("different ones are expected" in text for text in found.assumed)
    random = np.random.default_rng(5)
    shapes = cascade.sizes(**sizes).shapes
    drawn = []
    for _ in range(25):
        arrays = {t.name: random.standard_normal(shapes[t.name]) for t in cascade.inputs}
        found_rows = cascade.evaluate(arrays, w=sizes["w"])["O"].any(axis=1)
        drawn.append(int(found_rows.sum()) * sizes["F"])
    assert found.by_equation["O"]["div"] == pytest.approx(np.mean(drawn), rel=0.06)


def test_what_data_decide_is_said() -> None:
    texts = counted(Cascade.load("spatten_progquant"), {"P": 4, "M": 6, "E": 2, "F": 2}).assumed
    assert "PX[p] < thr in S2 holds everywhere: the most that data can cause" in texts
    assert counted(Cascade.load("attention_causal"), {"P": 4, "M": 6, "E": 2, "F": 2}).assumed == ()
    # Places in a list ascend: which of two comes first is no matter of data.
    texts = counted(
        Cascade.load("routing_causal"), {"N": 9, "E": 2, "F": 2, "C": 1, "w": 4}
    ).assumed
    assert not any("I[c,j] <= I[c,i]" in text for text in texts)


def test_polygons_and_floors() -> None:
    rng = Random(1)
    for _ in range(800):
        width, height = rng.randint(1, 12), rng.randint(1, 12)
        planes = [
            (rng.randint(-7, 7), rng.randint(-7, 7), rng.randint(-40, 40))
            for _ in range(rng.randint(0, 4))
        ]
        wanted = sum(
            all(a * x + b * y + c >= 0 for a, b, c in planes)
            for x, y in product(range(width), range(height))
        )
        assert polygon(planes, width, height) == wanted
        count, by, step, start = (
            rng.randint(0, 9),
            rng.randint(1, 9),
            *(rng.randint(-20, 20),) * 2,
        )
        assert floors(count, by, step, start) == sum((step * i + start) // by for i in range(count))


def test_points_of_boxes_under_conditions() -> None:
    rng = Random(3)
    for _ in range(500):
        names = "abcd"[: rng.randint(1, 4)]
        extents = {c: rng.randint(1, 5) for c in names}
        planes: list[Linear] = []
        for _ in range(rng.randint(0, 5)):
            coefs = {
                c: rng.choice([-4, -2, -1, -1, 1, 1, 2, 3]) for c in names if rng.random() < 0.6
            }
            planes.append(Linear(coefs=coefs, const=rng.randint(-6, 6)))
            if rng.random() < 0.2:  # an equation
                planes.append(planes[-1].times(-1))
        wanted = sum(
            all(p.at(dict(zip(names, at, strict=True))) >= 0 for p in planes)
            for at in product(*(range(extents[c]) for c in names))
        )
        assert count_points(planes, list(names), extents) == wanted


def test_conditions_of_every_kind() -> None:
    """Each condition against its meaning, point by point."""
    texts = [
        "n < 3 or m < 2 or abs(n - m) <= 1",
        "not (n < 3 and m < 2)",
        "n % 3 == m // 2",
        "max(n, m) - min(n, 2*m) >= 2",
        "n // 4 != m % 2",
        "max(abs(n//3 - m//3), abs(n%3 - m%3)) == 2",
        "(n // 2) // 2 == m // 4 or n % 4 < m % 2",
        "n == m or n == m + 1 or not n % 2 == 0",
    ]
    for text in texts:
        cascade = Cascade.parse(f"in A[N,M]\nout Y[N]\nY[n] = A[n,m] * 2 where {text} :: +(m)\n")
        for n, m in ((7, 6), (1, 5), (12, 9)):
            wanted = Counter[str]()
            for part in count_by_points(cascade, cascade.sizes(N=n, M=m)).values():
                wanted.update(part)
            found = counted(cascade, {"N": n, "M": m})
            assert found.exact_for_all_data, text
            assert found.operations == {k: v for k, v in sorted(wanted.items()) if v}, text
