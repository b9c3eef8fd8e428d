"""Bugs that can be made in a netlist, and which of its bits an output depends on."""

import copy
from dataclasses import dataclass

from tests.rtl.netlist import STATE

# An operator and what a slip of the pen makes of it.
SLIPS = {
    "$add": ["$sub", "$or"],
    "$sub": ["$add", "$xor"],
    "$mul": ["$add"],
    "$and": ["$or", "$xnor"],
    "$or": ["$and", "$xor"],
    "$xor": ["$or", "$xnor"],
    "$eq": ["$ne", "$le"],
    "$ne": ["$eq", "$gt"],
    "$lt": ["$le", "$gt"],
    "$le": ["$lt"],
    "$gt": ["$ge", "$lt"],
    "$ge": ["$gt"],
    "$not": ["$pos"],
    "$shl": ["$shr"],
    "$shr": ["$shl"],
    "$sshr": ["$shr"],
    "$reduce_or": ["$reduce_and"],
    "$reduce_bool": ["$reduce_and"],
    "$reduce_and": ["$reduce_or"],
    "$reduce_xor": ["$reduce_or"],
    "$logic_not": ["$reduce_bool"],
    "$logic_and": ["$logic_or"],
    "$logic_or": ["$logic_and"],
}
COMPARISONS = {"$eq", "$ne", "$lt", "$le", "$gt", "$ge", "$logic_not", "$reduce_bool"}


@dataclass(frozen=True)
class Bug:
    """One change of one cell: its operator, one bit of an operand, a constant, a register's start."""

    cell: str
    kind: str  # operator, stuck0, stuck1, inverted, constant, swapped or start
    detail: tuple

    def __str__(self):
        return f"{self.kind} {' '.join(map(str, self.detail))} at {self.cell}"


def bugs(netlist):
    """Return every bug that can be made, in the order of the netlist."""
    found = []
    reset = netlist["ports"].get("rst", {"bits": [None]})["bits"][0]
    muxes = [cell["connections"] for cell in netlist["cells"].values() if cell["type"] == "$mux"]
    kept = {bit for pins in muxes if reset in pins["S"] for bit in pins["Y"]}
    for name, cell in netlist["cells"].items():
        found += [Bug(name, "operator", (new,)) for new in SLIPS.get(cell["type"], ())]
        if cell["type"] == "$mux":
            found.append(Bug(name, "swapped", ()))
        # What a register that has no reset starts with is nobody's promise.
        if cell["type"] == STATE and set(cell["connections"]["D"]) <= kept:
            found += [Bug(name, "start", (n,)) for n in range(len(cell["connections"]["Q"]))]
        for port, bits in cell["connections"].items():
            if port in "YQ" or port == "CLK":
                continue
            if all(isinstance(bit, str) for bit in bits):
                if len(bits) > 1:
                    found += [Bug(name, "constant", (port, step)) for step in (1, -1)]
                continue
            for n, bit in enumerate(bits):
                if not isinstance(bit, str):
                    found += [
                        Bug(name, kind, (port, n)) for kind in ("stuck0", "stuck1", "inverted")
                    ]
    return found


def described(netlist, bug):
    """Say where a bug is: the cell, the first and last bit of what it reads and drives."""
    names = {}
    for name, word in netlist["nets"].items():
        for n, bit in enumerate(word):
            names.setdefault(bit, f"{name}.{n}")
    cell = netlist["cells"][bug.cell]
    ends = {
        port: " ".join(
            str(bit if isinstance(bit, str) else names.get(bit, bit)) for bit in (bits[0], bits[-1])
        )
        for port, bits in cell["connections"].items()
        if bits and port != "CLK"
    }
    return f"{bug} {cell['type']} {ends}"


# Cells whose bits do not meet: bit n of an operand changes only bit n of the result.
BITWISE = {"$and", "$or", "$xor", "$xnor", "$not", "$pos", "$mux", STATE}


def seen_bits(netlist, outputs):
    """Return the bits on which some bit of an output depends, in this cycle or a later one."""
    driver = {}
    for cell in netlist["cells"].values():
        for n, bit in enumerate(cell["connections"]["Q" if cell["type"] == STATE else "Y"]):
            driver[bit] = (cell, n)
    seen, open_ = set(), [bit for name in outputs for bit in netlist["ports"][name]["bits"]]
    while open_:
        bit = open_.pop()
        if isinstance(bit, str) or bit in seen:
            continue
        seen.add(bit)
        if bit in driver:
            cell, n = driver[bit]
            for port, bits in cell["connections"].items():
                if port in "ABD":
                    open_ += bits[n : n + 1] if cell["type"] in BITWISE else bits
                elif port == "S":
                    open_ += bits
    return seen


def is_seen(netlist, bug, seen):
    """Return whether an output depends on a bit that a bug changes."""
    cell = netlist["cells"][bug.cell]
    out = cell["connections"]["Q" if cell["type"] == STATE else "Y"]
    if (
        cell["type"] in BITWISE
        and len(bug.detail) == 2
        and bug.detail[0] != "S"
        and bug.kind != "constant"
    ):
        out = out[bug.detail[1] : bug.detail[1] + 1]
    if bug.kind == "start":
        out = out[bug.detail[0] : bug.detail[0] + 1]
    return any(bit in seen for bit in out)


def with_bug(netlist, bug):
    """Return the netlist with one bug in it."""
    cell = copy.deepcopy(netlist["cells"][bug.cell])
    init = netlist["init"]
    extra = {}
    connections = cell["connections"]
    if bug.kind == "operator":
        cell["type"] = bug.detail[0]
    elif bug.kind == "swapped":
        connections["A"], connections["B"] = connections["B"], connections["A"]
    elif bug.kind == "start":
        bit = connections["Q"][bug.detail[0]]
        init = init | {bit: 1 - init.get(bit, 0)}
    elif bug.kind == "constant":
        port, step = bug.detail
        old = int("".join(reversed(connections[port])).replace("x", "0"), 2)
        new = (old + step) % (1 << len(connections[port]))
        connections[port] = [str(new >> n & 1) for n in range(len(connections[port]))]
    elif bug.kind in {"stuck0", "stuck1"}:
        port, n = bug.detail
        connections[port][n] = bug.kind[-1]
    else:
        port, n = bug.detail
        inverse = ("inverted", bug.cell)
        extra["the bug"] = {
            "type": "$not",
            "parameters": {},
            "connections": {"A": [connections[port][n]], "Y": [inverse]},
        }
        connections[port][n] = inverse
    return netlist | {"cells": netlist["cells"] | {bug.cell: cell} | extra, "init": init}
