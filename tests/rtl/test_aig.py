"""The and-inverter graph of a cell holds what the compiled netlist computes of it, and ABC reads it."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rtl.aig import BITWISE, COMPARISONS, FLAGS, Graph
from tests.rtl.netlist import STATE, Compiled
from tests.rtl.prove import PROVEN, REFUTED
from tests.rtl.sequential import same_reachable

SHIFTS = ("$shl", "$sshl", "$shr", "$shift", "$shiftx", "$sshr")
KINDS = [
    *BITWISE,
    *COMPARISONS,
    *FLAGS,
    *SHIFTS,
    "$not",
    "$pos",
    "$neg",
    "$mux",
    "$add",
    "$sub",
    "$mul",
]
ONE_OPERAND = ("$not", "$pos", "$neg", "$logic_not")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_cell_is_what_the_compiled_netlist_makes_of_it(kind, data):
    size = st.integers(1, 6)
    wide = data.draw(size)
    widths = {"A": data.draw(size), "B": data.draw(size), "Y": data.draw(size)}
    if kind == "$mux":
        widths |= {"A": wide, "B": wide, "Y": wide, "S": 1}
    if kind in ONE_OPERAND or kind.startswith("$reduce"):
        del widths["B"]
    signed = data.draw(st.booleans()) and kind not in (*SHIFTS, "$mux")
    values = {p: data.draw(st.integers(0, 2**n - 1)) for p, n in widths.items() if p != "Y"}
    bits = {port: [f"{port}{n}" for n in range(count)] for port, count in widths.items()}
    names = {bit: number for number, bit in enumerate(chain(*bits.values()), 2)}
    pins = {port: [names[bit] for bit in word] for port, word in bits.items()}
    parameters = {"A_SIGNED": int(signed), "B_SIGNED": int(signed)}
    cell = {"type": kind, "parameters": parameters, "connections": pins}
    ports = {
        p: {"direction": "output" if p == "Y" else "input", "bits": w} for p, w in pins.items()
    }
    netlist = {"ports": ports, "cells": {"it": cell}, "nets": {}, "init": {}}
    inputs = list(values)
    wanted = Compiled(netlist, inputs, ["Y"]).run([[values[p] for p in inputs]])[0][0]
    given_bits = {p: [v >> n & 1 for n in range(widths[p])] for p, v in values.items()}
    found = Graph().cell(kind, given_bits | {"width": widths["Y"]}, parameters)
    assert sum(bit << n for n, bit in enumerate(found)) == wanted


def toggling(start, stuck):
    """A flip-flop that inverts itself, beside an input; or one that is stuck from its first change on."""
    cells = {
        "not": {"type": "$not", "parameters": {}, "connections": {"A": [3], "Y": [4]}},
        "q": {
            "type": STATE,
            "parameters": {},
            "connections": {"CLK": [2], "D": ["1" if stuck else 4], "Q": [3]},
        },
    }
    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "o": {"direction": "output", "bits": [3]},
    }
    return {"ports": ports, "cells": cells, "nets": {}, "init": {3: start}}


@pytest.mark.parametrize("start", [0, 1])
def test_states_are_compared_from_where_they_begin(start):
    """Stuck at 1 differs in the cycle after the first in which it is 0."""
    one, other = toggling(start, False), toggling(1 - start, False)
    assert same_reachable(one, one, ["o"]) == PROVEN
    assert same_reachable(one, toggling(start, False), ["o"]) == PROVEN
    assert same_reachable(one, other, ["o"]) == REFUTED
    assert same_reachable(one, toggling(start, True), ["o"]) == REFUTED
