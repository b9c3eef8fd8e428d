"""Faulty architectures and overrides: the whole message, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from accelsim.arch import Architecture
from accelsim.errors import SpecError
from tests.mapping.texts import Change, machine

FAULTS: dict[str, tuple[Change, str]] = {
    "no memory": (
        ("  DRAM: {kind: dram, bandwidth: 64 GB/s}\n", ""),
        "arch.yaml:6:3: components must hold exactly one of kind dram, channels or roofline, not 0\n"
        "arch.yaml:10:5: link must join two components as 'A - B', not 'DRAM - GLB'; known: GLB,"
        " PE1D, PE2D",
    ),
    "two memories": (
        ("  GLB: {", "  HBM: {kind: dram, bandwidth: 4 GiB/s}\n  GLB: {"),
        "arch.yaml:6:3: components must hold exactly one of kind dram, channels or roofline, not 2",
    ),
    "unknown kind": (
        ("kind: dram", "kind: dran"),
        "arch.yaml:6:16: components.DRAM.kind must be 'dram' or 'buffer' or 'array' or 'channels'"
        " or 'fetcher' or 'pipeline' or 'roofline' or 'select', not 'dran';"
        " did you mean 'dram'?",
    ),
    "link to nothing": (
        ("DRAM - GLB", "DRAM - GLC"),
        "arch.yaml:11:5: link must join two components as 'A - B', not 'DRAM - GLC'; did you mean"
        " 'GLB'?",
    ),
    "unknown dimension": (
        ("down: rows", "down: row"),
        "arch.yaml:13:5: down must be cycles or a dimension, not 'row'; did you mean 'rows'?",
    ),
    "negative cycles": (
        ("down: rows", "down: -3"),
        "arch.yaml:13:5: down must be at least 0 cycles, not -3",
    ),
    "clock": (
        ("1 GHz", "1 MB"),
        "arch.yaml:3:8: clock must be a frequency such as '940 MHz', not '1 MB'; known: Hz, kHz,"
        " MHz, GHz",
    ),
    "bandwidth": (
        ("64 GB/s", "64 GB"),
        "arch.yaml:6:33: components.DRAM.bandwidth must be a bandwidth such as '400 GiB/s', not"
        " '64 GB'; did you mean 'GB/s'?",
    ),
    "no rows": (
        ("rows: 16", "rows: 0"),
        "arch.yaml:8:29: components.PE2D.rows must be above 0, not 0",
    ),
    "efficiency": (
        ("64 GB/s}", "64 GB/s, efficiency: 1.5}"),
        "arch.yaml:6:54: components.DRAM.efficiency must be at most 1.0, not 1.5",
    ),
    "an operation in no time": (
        ("exp: 6", "exp: 0"),
        "arch.yaml:8:93: components.PE2D.ops.exp must be above 0, not 0",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faulty_architecture(name: str) -> None:
    change, message = FAULTS[name]
    with pytest.raises(SpecError) as error:
        machine(change)
    assert str(error.value) == message
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"PE2E.rows": 3}, "--arch-set PE2E.rows: must begin with a component, not 'PE2E'; did you"
                           " mean 'PE2D'?"),
        ({"clok": 3}, "--arch-set clok: must be a field of the architecture, not 'clok'; did you"
                      " mean 'clock'?"),
        ({"PE2D.row": 3}, "unknown key"),
        ({"PE2D.rows": -3}, "components.PE2D.rows must be above 0, not -3"),
        ({"GLB.size": "many"}, "components.GLB.size must be a size such as"),
    ],
)  # fmt: skip
def test_faulty_override(override: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        Architecture.load("fusemax", override)
    assert message in str(error.value)


def test_overrides_reach_every_field() -> None:
    arch = Architecture.load(
        "fusemax", {"PE2D.rows": 96, "PE1D.ops.exp": 3, "clock": "1 GHz", "GLB.ports": None}
    )
    assert arch.arrays["PE2D"].dimensions == {"rows": 96, "cols": 256}
    assert arch.arrays["PE1D"].ops["exp"] == 3
    assert arch.arrays["PE2D"].ops["exp"] == 6
    assert arch.spec.clock == 10**9
    assert arch.buffers["GLB"].ports is None
    link = arch.link("PE1D", "PE2D")
    assert link is not None
    assert (link.down, link.up) == (96, 96)  # rows of the link follow the array
