"""What a simulated stage did: the exact counts that reports, energy and plots are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, kw_only=True)
class UnitActivity:
    """Time of one unit (an array, a memory's bus, a buffer's ports), in ticks of the whole run.

    ``lane_ticks`` counts the lanes that do an operation: one lane for one tick is 1.
    """

    name: str
    kind: str  # "array" | "dram" | "ports"
    lanes: int
    busy_ticks: dict[str, int]  # by Einsum (arrays) or by stream (buses)
    stall_ticks: dict[str, int]  # by cause: data, slot, order, port
    idle_ticks: int
    lane_ticks: dict[str, int] = field(default_factory=dict)  # by Einsum; arrays only


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Bytes that crossed the memory's boundary; exact, spilled shares are fractions."""

    memory: str
    direction: str  # "read" | "write"
    tensor: str
    bytes: Fraction


@dataclass(frozen=True, kw_only=True)
class Action:
    """How often a component did something on behalf of an Einsum.

    ``component`` is the architecture's name (GLB, PE2D), ``part`` the cost table's class (dram, buffer,
    register, mac, max, add, exp, div), ``action`` read, write or compute. A count is per ``part``'s own
    granule: a byte of DRAM, a row of a buffer, a word of a register file, an operation.
    """

    component: str
    part: str
    action: str
    einsum: str
    tensor: str
    count: Fraction


@dataclass(frozen=True, kw_only=True)
class BufferUse:
    """Occupancy of one buffer: peaks in bytes; the integral in byte-ticks."""

    name: str
    capacity_bytes: int
    charged_bytes: int  # what the mapping pays for, by its depths and charges
    peak_bytes: int
    by_tensor: dict[str, int]  # peak of each tensor
    integral: int


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One stage on one design."""

    design: str
    cascade: str
    arch: str
    mapping: str
    ranks: dict[str, int]
    word_bytes: int
    clock_hz: Fraction
    ticks: int
    ticks_per_cycle: int
    units: tuple[UnitActivity, ...]
    transfers: tuple[Transfer, ...]
    actions: tuple[Action, ...]
    buffers: tuple[BufferUse, ...]
    ops: dict[str, int]
    compute_cycles: Fraction  # roofline: the busiest array's occupied time
    memory_cycles: Fraction  # roofline: traffic / bandwidth
    bottleneck: str
    assumptions: tuple[str, ...] = ()
