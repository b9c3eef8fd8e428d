"""Shows that a seeded bug changes nothing that can be reached: from reset on, by reachability.

Two netlists side by side with the same inputs; ABC merges the registers that are equal in both and
looks for an invariant under which every output that counts is. Where it finds none in time, or a
difference, the bug may matter.
"""

import json
import tempfile
from pathlib import Path

from tests.rtl.netlist import STATE
from tests.rtl.prove import solved


def same_reachable(netlist, other, outputs, seconds=20):
    """Say whether no input from reset on tells two netlists apart: PROVEN, REFUTED or OPEN."""
    design = {
        "modules": {
            "gold": _module(netlist, outputs),
            "gate": _module(other, outputs),
        }
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "two.json"
        file.write_text(json.dumps(design))
        commands = [f"read_json {file}", "miter -equiv -make_assert -flatten gold gate top"]
        commands += ["hierarchy -top top", "flatten", "opt_clean"]
        return solved("same_reachable", commands, folder, seconds)


def _module(netlist, outputs):
    """Return a netlist as Yosys's JSON has it; payloads are 0 where their valid is low."""
    names = {}

    def bit(each):
        return each if isinstance(each, str) else names.setdefault(each, len(names) + 2)

    cells = {}
    for name, cell in netlist["cells"].items():
        connections = {port: [bit(b) for b in bits] for port, bits in cell["connections"].items()}
        cells[name.replace(" ", "_")] = {
            "hide_name": 0,
            "type": cell["type"],
            "parameters": {key: f"{value:032b}" for key, value in cell["parameters"].items()}
            | _widths(cell),
            "attributes": {},
            "port_directions": {
                port: "output" if port in "YQ" else "input" for port in cell["connections"]
            },
            "connections": connections,
        }
    ports = {
        name: {"direction": port["direction"], "bits": [bit(b) for b in port["bits"]]}
        for name, port in netlist["ports"].items()
    }
    for name in outputs:
        stream, _, signal = name.rpartition("__")
        valid = netlist["ports"].get(f"{stream}__valid")
        if signal == "valid" or valid is None:
            continue
        masked = [len(names) + 2 + n for n in range(len(ports[name]["bits"]))]
        names.update({("masked", name, n): each for n, each in enumerate(masked)})
        cells[f"mask_{name}"] = {
            "hide_name": 0,
            "type": "$mux",
            "parameters": {"WIDTH": f"{len(masked):032b}"},
            "attributes": {},
            "port_directions": {"A": "input", "B": "input", "S": "input", "Y": "output"},
            "connections": {
                "A": ["0"] * len(masked),
                "B": ports[name]["bits"],
                "S": [bit(valid["bits"][0])],
                "Y": masked,
            },
        }
        ports[name] = {"direction": "output", "bits": masked}
    starts = {
        f"start_{names[each]}": {
            "hide_name": 0,
            "bits": [names[each]],
            "attributes": {"init": str(value)},
        }
        for each, value in netlist["init"].items()
        if each in names
    }
    return {"attributes": {}, "ports": ports, "cells": cells, "netnames": starts}


def _widths(cell):
    """Return the parameters of width that Yosys wants of a cell, which a bug may have changed."""
    connections = cell["connections"]
    size = {port: f"{len(bits):032b}" for port, bits in connections.items()}
    if cell["type"] == STATE:
        return {"WIDTH": size["Q"]}
    if cell["type"] == "$mux":
        return {"WIDTH": size["Y"]}
    found = {f"{port}_WIDTH": size[port] for port in "ABY" if port in size}
    signs = {f"{port}_SIGNED": f"{0:032b}" for port in "AB" if port in size}
    return signs | {k: f"{v:032b}" for k, v in cell["parameters"].items() if k in signs} | found
