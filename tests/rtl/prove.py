"""Unbounded proofs by induction with Yosys's SAT solver, each in a process of its own.

A property is a component whose assertions must hold in every cycle of every input, also under a
reset at any time; its ports are free. A mutant is the block with a fragment of its source replaced:
a property that misses it proves nothing.
"""

import inspect
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from amaranth.back import rtlil

PROVEN, REFUTED, OPEN = "proven", "refuted", "neither proven nor refuted"

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
    seconds: int = 60


def twin(engine, mutant=None):
    """Return the block of an engine, with a fragment of its source replaced if asked for."""
    module = import_module(f"accelsim.rtl.{engine.name}")
    source = inspect.getsource(module)
    if mutant is not None:
        assert source.count(mutant.old) == 1, f"{mutant.old!r} must be there once"
        source = source.replace(mutant.old, mutant.new)
    names = {"__name__": module.__name__}
    exec(compile(source, f"{module.__file__} (mutant)", "exec"), names)
    return names[type(engine).__name__](engine)


def verdict(proof, mutant=None):
    """Return whether the property of a row holds, of the block or of its mutant."""
    top, ports = proof.property(twin(proof.engine, mutant))
    text = rtlil.convert(top, ports=ports, name="top")
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
