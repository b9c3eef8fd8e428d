"""Made-up activities, small and exact, for tests of what is made of them."""

from fractions import Fraction

from accelsim.energy import CostTable, area, energy
from accelsim.result import Circuit, Comparison, Entry, Report, Stage
from accelsim.sim.activity import Action, Activity, BufferUse, Transfer, UnitActivity

ATTRIBUTES = {
    "DRAM": {},
    "GLB": {"size_bytes": 2**24, "row_bytes": 512},
    "PE2D": {
        "rows": 256,
        "cols": 256,
        "elements": 65536,
        "depth": 12,
        "width_bits": 16,
        "mac_slots": 1,
        "exp_slots": 6,
    },
    "PE1D": {
        "lanes": 256,
        "elements": 256,
        "depth": 32,
        "width_bits": 16,
        "mac_slots": 1,
        "div_slots": 1,
    },
}


def an_activity(
    design="one", ticks=1000, per_cycle=4, busy=600, length=1024, cascade="attention", **changes
):
    qk = busy // 2
    units = (
        UnitActivity(
            name="PE2D",
            kind="array",
            lanes=65536,
            busy_ticks={"QK": qk, "SLN": busy - qk},
            stall_ticks={"data": 100, "slot": 20},
            idle_ticks=ticks - busy - 120,
            lane_ticks={"QK": qk * 65536, "SLN": (busy - qk) * 32768},
        ),
        UnitActivity(
            name="PE1D",
            kind="array",
            lanes=256,
            busy_ticks={"RM": 40, "RNV": 400},
            stall_ticks={},
            idle_ticks=ticks - 440,
            lane_ticks={"RM": 40 * 256, "RNV": 400 * 256},
        ),
        UnitActivity(
            name="DRAM",
            kind="dram",
            lanes=1,
            busy_ticks={"Q read": 300},
            stall_ticks={"slot": 7},
            idle_ticks=ticks - 307,
        ),
    )
    scale = length // 1024
    values = {
        "design": design,
        "cascade": cascade,
        "arch": design,
        "mapping": cascade,
        "ranks": {"M": length, "P": length, "E": 64},
        "word_bytes": 2,
        "clock_hz": Fraction(940_000_000),
        "ticks": ticks,
        "ticks_per_cycle": per_cycle,
        "units": units,
        "transfers": (
            Transfer(memory="DRAM", direction="read", tensor="Q", bytes=Fraction(4096 * scale)),
            Transfer(memory="DRAM", direction="write", tensor="AV", bytes=Fraction(8193, 2)),
        ),
        "actions": (
            act("DRAM", "dram", "read", "QK", "Q", 4096 * scale),
            act("GLB", "buffer", "read", "QK", "Q", Fraction(17, 3) * scale),
            act("PE2D", "mac", "compute", "QK", "QK", busy * 1000),
            act("PE2D", "exp", "compute", "SLN", "SLN", busy * 100),
            act("PE2D", "register", "read", "QK", "Q", busy * 2000),
            act("PE1D", "div", "compute", "AV", "AV", 100),
        ),
        "buffers": (
            BufferUse(
                name="GLB",
                capacity_bytes=2**24,
                charged_bytes=2**20,
                peak_bytes=2**19,
                by_tensor={"Q": 2**18, "K": 2**18},
                integral=12345,
            ),
        ),
        "ops": {"mac": busy * 1000, "exp": busy * 100},
        "compute_cycles": Fraction(busy, per_cycle),
        "memory_cycles": Fraction(300, per_cycle),
        "bottleneck": "compute",
        "assumptions": ("ports are unlimited",),
    }
    return Activity(**{**values, **changes})


def act(component, part, action, einsum, tensor, count):
    return Action(
        component=component,
        part=part,
        action=action,
        einsum=einsum,
        tensor=tensor,
        count=Fraction(count),
    )


def a_stage(name="attention", table="fusemax_45nm", **changes):
    activity = an_activity(**changes)
    return Stage(
        name=name,
        activity=activity,
        energy=energy(activity, CostTable.load(table), ATTRIBUTES),
        circuit=Circuit(
            kind="compute", steps=("QK", "SLN", "QK"), cycles_per_iteration=Fraction(138)
        ),
    )


def a_report(**changes):
    return Report(
        stages=(a_stage(**changes),), area=area(ATTRIBUTES, CostTable.load("fusemax_45nm"))
    )


def a_comparison():
    """Three designs at six lengths of two workloads; the first is the baseline."""
    entries = []
    for i, design in enumerate(["plain", "fused", "interleaved"]):
        for j in range(6):
            for workload in ("bert", "xlm"):
                ticks = 4000 * 16**j // (1 + 2 * i + j * i // 3) * (2 if workload == "xlm" else 1)
                report = a_report(
                    design=design, ticks=ticks, busy=ticks * (2 + i) // 6, length=1024 * 4**j
                )
                entries.append(
                    Entry(design=design, workload=workload, length=1024 * 4**j, report=report)
                )
    return Comparison(entries=tuple(entries), baseline="plain")
