"""Queries on pruned attention as rows of the shipped pipeline ``spatten_rtl``, lowered as any are."""

import numpy as np

from accelsim.job.rows import RowJob
from accelsim.rows import Row, Rows
from accelsim.sim.observe import record
from accelsim.sim.rows import lower_rows

DESIGN = "spatten_rtl"


def sizes(engine, latency):
    """Return the fields of the architecture that are an engine's parameters, fetches taking ``latency``."""
    return {
        "MEM.latency": f"{latency - 1} ns",
        "QK.lanes": engine.features,
        "PV.lanes": engine.features,
        "EXP.group": engine.stages,
        "EXP.steps.mac": engine.stages,
        "DIV.steps.divide": engine.divide.latency,
        "TOPK.settings": {
            "lanes": engine.lanes, "width": engine.width, "elements": engine.keys,
        },
    }  # fmt: skip


def rows(engine, queries, answers):
    """Return queries (with n, k) as rows, what they select from being the answers' probabilities."""
    found = [
        Row(
            layer=0, head=0, features=engine.features, tokens=q.n, keys=q.n, values=len(a.kept),
            key_bits=engine.high_bits, value_bits=engine.value_bits, query_bits=engine.query_bits,
            requantized=int(a.requantised), extra_bits=engine.low_bits,
        )
        for q, a in zip(queries, answers, strict=True)
    ]  # fmt: skip
    return Rows(
        rows=tuple(found),
        name="queries",
        source="a test",
        kept_keys=tuple(np.arange(q.n) for q in queries),
        kept_values=tuple(np.array(a.kept, np.int64) for a in answers),
        weights=tuple(np.array([a.probabilities], np.float64) for a in answers),
        again=tuple(np.array([a.requantised]) for a in answers),
    )


def starts(engine, queries, answers, latency):
    """Return the kernel's start cycles by task and query."""
    job = RowJob.of(DESIGN, arch_set=sizes(engine, latency))
    phase = lower_rows(job.arch, job.pipeline, rows(engine, queries, answers)).program.phases[0]
    return {(phase.tasks[each.task].name, each.iteration): each.start for each in record(phase)}
