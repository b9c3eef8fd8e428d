"""Unbounded proofs by induction with Yosys's SAT solver, each in a process of its own.

A property is a component whose assertions must hold in every cycle of every input, also under a
reset at any time; its ports are free. A mutant is the block with a fragment of its source replaced:
a property that misses it proves nothing.
"""

import inspect
import subprocess
import sys
import tempfile
import types
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pyosys
from amaranth.back import rtlil

PROVEN, REFUTED, OPEN = "proven", "refuted", "neither proven nor refuted"

ABC = Path(pyosys.__file__).with_name("yosys-abc")

# Yosys ends the process on an error, so that a result is only what follows the word below.
_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in sys.argv[1:]:
    ys.run_pass(command, design)
print("accelsim: the script ended")
"""
_ENDED = "accelsim: the script ended"
_VERDICTS = {
    "Induction step proven: SUCCESS!": PROVEN,
    "SAT temporal induction proof finished - model found for base case: FAIL!": REFUTED,
    "Reached maximum number of time steps -> proof failed.": OPEN,
    "-> proved base case for": OPEN,
}


@dataclass(frozen=True)
class Mutant:
    """The source of a block with ``old``, which it has once, replaced by ``new``."""

    old: str
    new: str
    module: str = ""
    """The module of accelsim.rtl that has it; by default the block's own."""


@dataclass(frozen=True)
class Proof:
    """One row: ``property`` makes, of a block, (component with assertions, its free inputs)."""

    name: str
    engine: object
    property: object
    mutants: tuple[Mutant, ...]
    steps: int = 4
    """Longest induction tried."""
    depth: int = 12
    """Cycles in which a mutant must be refuted."""
    reachable: bool = False
    """By property-directed reachability, from the reset state: it finds what an induction lacks."""
    seconds: int = 60


def twin(engine, mutant=None):
    """Return the block of an engine, with a fragment of a source replaced if asked for."""
    package = import_module("accelsim.rtl")
    own = f"accelsim.rtl.{engine.name}"
    if mutant is None:
        return _made(engine, import_module(own))
    name = f"accelsim.rtl.{mutant.module or engine.name}"
    original = import_module(name)
    source = inspect.getsource(original)
    assert source.count(mutant.old) == 1, f"{mutant.old!r} must be there once"
    changed = types.ModuleType(name)
    # Whoever imports the changed module is loaded afresh, and none of them stays.
    with patch.dict(sys.modules), patch.dict(vars(package)):
        for each in [each for each in sys.modules if each.startswith("accelsim.rtl.")]:
            del sys.modules[each]
        sys.modules[name] = changed
        code = compile(
            source.replace(mutant.old, mutant.new), f"{original.__file__} (mutant)", "exec"
        )
        exec(code, vars(changed))
        return _made(engine, import_module(own))


def _made(engine, module):
    """A part of a machine is no twin of an engine: it says itself how it is made."""
    if hasattr(engine, "make"):
        return engine.make(module)
    return getattr(module, type(engine).__name__)(engine)


def verdict(proof, mutant=None):
    """Return whether the property of a row holds, of the block or of its mutant."""
    top, ports = proof.property(twin(proof.engine, mutant))
    text = rtlil.convert(top, ports=ports, name="top")
    if proof.reachable:
        return _reachable(proof, text)
    sat = f"sat -prove-asserts -set-assumes -timeout {proof.seconds}"
    if mutant is None:
        sat += f" -tempinduct -maxsteps {proof.steps}"
    else:  # a counter-example from the initial state: that an induction fails refutes nothing
        sat += f" -tempinduct-baseonly -maxsteps {proof.depth}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "top.il"
        file.write_text(text)
        commands = [
            f"read_rtlil {file}",
            "prep -top top",
            "flatten",
            "memory_map",
            "opt -full",
            "async2sync",
            "chformal -lower",
            "dffunmap",
            f"{sat} top",
        ]
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, *commands], capture_output=True, text=True, check=False
        )
    found = [result for words, result in _VERDICTS.items() if words in done.stdout]
    if done.returncode or _ENDED not in done.stdout or len(found) != 1:
        raise RuntimeError(f"{proof.name}: no verdict\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return found[0]


def _reachable(proof, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "top.il"
        file.write_text(text)
        commands = [f"read_rtlil {file}", "prep -top top", "flatten", "memory_map", "opt -full"]
        return solved(proof.name, [*commands, "async2sync"], folder, proof.seconds)


def solved(name, commands, folder, seconds):
    """Let ABC decide the assertions of what the commands make: PDR, which checks its invariant."""
    aiger = Path(folder) / "top.aig"
    # What has no initial value gets an input for it.
    commands = [*commands, "chformal -lower", "techmap", "opt -full -nodffe -nosdff", "dffunmap"]
    commands += ["aigmap", "opt_clean -purge", f"write_aiger -zinit {aiger}"]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *commands], capture_output=True, text=True, check=False
    )
    if _ENDED not in done.stdout:
        raise RuntimeError(f"{name}: no netlist\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return decided(name, folder, seconds)


def decided(name, folder, seconds):
    """Let ABC decide whether the output of the folder's ``top.aig`` is ever 1, as PROVEN if it is not."""
    script = f"read_aiger {Path(folder) / 'top.aig'}; fold; strash; scorr; dc2; pdr -T {seconds}"
    done = subprocess.run(
        [ABC, "-c", script], capture_output=True, text=True, check=False, cwd=folder
    )
    if "Property proved." in done.stdout or "All outputs solved" in done.stdout:
        return PROVEN
    if "was asserted in frame" in done.stdout:
        return REFUTED
    if "Reached timeout" in done.stdout:
        return OPEN
    raise RuntimeError(f"{name}: no verdict\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
