"""Shows that a seeded bug changes nothing that can be reached: from reset on, by reachability.

Two netlists side by side with the same inputs; ABC merges the registers that are equal in both and
looks for an invariant under which every output that counts is. Where it finds none in time, or a
difference, the bug may matter.
"""

import tempfile
from pathlib import Path

from tests.rtl.aig import Graph
from tests.rtl.netlist import STATE, in_order
from tests.rtl.prove import PROVEN, decided


def same_reachable(netlist, other, outputs, seconds=20):
    """Say whether no input from reset on tells two netlists apart: PROVEN, REFUTED or OPEN."""
    graph = Graph()
    ports = netlist["ports"]
    reset = graph.input()
    bits = dict.fromkeys(ports.get("rst", {"bits": ()})["bits"], reset)
    for name, port in ports.items():
        if port["direction"] == "input" and name != "rst":
            for bit in port["bits"]:
                # In a cycle of reset nothing comes in a stream.
                given = graph.input()
                bits[bit] = graph.and_(given, reset ^ 1) if "__" in name else given
    gold = _built(graph, netlist, bits)
    apart = _reached(netlist, other)
    shared = {bit: literal for bit, literal in gold.items() if bit not in apart}
    gate = _built(graph, other, shared)
    differs = []
    for name in outputs:
        one, two = ([_bit(side, bit) for bit in ports[name]["bits"]] for side in (gold, gate))
        stream, _, signal = name.rpartition("__")
        valid = ports.get(f"{stream}__valid")
        if signal != "valid" and valid is not None:
            # Of payloads only those count that are valid.
            one, two = (
                [graph.and_(_bit(side, valid["bits"][0]), bit) for bit in word]
                for side, word in ((gold, one), (gate, two))
            )
        differs += [graph.xor(p, q) for p, q in zip(one, two, strict=True)]
    difference = graph.any(differs)
    if not difference:
        return PROVEN
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "top.aig").write_bytes(graph.aiger(difference))
        return decided("same_reachable", folder, seconds)


def _bit(literals, bit):
    """What nothing drives is 0, as where netlists are run."""
    return int(bit == "1") if isinstance(bit, str) else literals.get(bit, 0)


def _built(graph, netlist, known):
    """Return the literal of every bit; what is known need not be built again."""
    literals, cells = dict(known), netlist["cells"]
    state = [cell["connections"] for cell in cells.values() if cell["type"] == STATE]
    mine = [(pins, n) for pins in state for n, bit in enumerate(pins["Q"]) if bit not in known]
    for pins, n in mine:
        bit = pins["Q"][n]
        literals[bit] = graph.latch(netlist["init"].get(bit, 0))
    for name in in_order(cells):
        cell = cells[name]
        pins = cell["connections"]
        if all(bit in known for bit in pins["Y"]):
            continue
        given = {
            port: [_bit(literals, bit) for bit in bits]
            for port, bits in pins.items()
            if port != "Y"
        }
        found = graph.cell(cell["type"], given | {"width": len(pins["Y"])}, cell["parameters"])
        literals.update(zip(pins["Y"], found, strict=True))
    for pins, n in mine:
        graph.takes(literals[pins["Q"][n]], _bit(literals, pins["D"][n]))
    return literals


def _reached(netlist, other):
    """Return the bits that may differ in another netlist: of other cells, and what depends on them."""
    cells = other["cells"]
    readers = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if port not in "YQ":
                for bit in bits:
                    readers.setdefault(bit, set()).add(name)
    differ = {bit for bit, init in other["init"].items() if netlist["init"].get(bit, 0) != init}
    open_ = [name for name, cell in cells.items() if netlist["cells"].get(name) is not cell]
    open_ += [name for bit in differ for name in readers.get(bit, ())]
    found, met = differ, set()
    while open_:
        name = open_.pop()
        if name in met:
            continue
        met.add(name)
        pins = cells[name]["connections"]
        for bit in pins["Q" if cells[name]["type"] == STATE else "Y"]:
            found.add(bit)
            open_ += readers.get(bit, ())
    return found
