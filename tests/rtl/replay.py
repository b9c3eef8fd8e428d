"""Replays recorded pins of blocks in other simulators of their Verilog: equal outputs, one digest.

One testbench holds several blocks, so that a slow build is paid once. A vector is a line of hex a
cycle with a block's input pins; the outputs of every cycle are printed as hex. The payload of an
output counts only while its valid is high.
"""

import hashlib
import os
import re
import shutil
import subprocess

import pytest

from accelsim.rtl.pins import input_pins, output_pins, signals
from tests.rtl.small import text

# What Amaranth's text cannot avoid. Cases may be incomplete: an assignment stands before every one,
# so that no latch can come of it (LATCH stays an error).
WAIVED = ["UNUSEDSIGNAL", "DECLFILENAME", "WIDTH", "CASEINCOMPLETE"]
WAIVED_FROM_5_30 = ["PROCASSINIT"]  # older ones do not know it


def record(engine, stimulus, model=None):
    """Return (input pins, output pins) by cycle, as the model has them."""
    levels = list(engine.levels(stimulus, model))
    return [input_pins(engine, each) for each in levels], [
        output_pins(engine, each) for each in levels
    ]


def digest(rows):
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def rows(number, outputs):
    """Return a block's output pins as the testbench prints them."""
    return [f"{number} " + " ".join(f"{value:x}" for value in each) for each in outputs]


def write(folder, runs):
    """Write Verilog, vectors and testbench of (engine, stimulus) pairs; return the files to compile."""
    files, pieces = [], []
    for n, (engine, stimulus) in enumerate(runs):
        name = f"dut{n}"
        written = text(engine)
        file = folder / f"{name}.v"
        # The same engine may be there twice with other parameters: all modules get its number.
        modules = [
            line.split()[1].split("(")[0] for line in written.splitlines() if line[:7] == "module "
        ]
        for module in modules:
            written = _renamed(written, module, f"{name}_{module}")
        file.write_text(written)
        files.append(file)
        into, _ = record(engine, stimulus)
        vectors = [_hex(engine, levels) for levels in into]
        (folder / f"{name}.hex").write_text("\n".join(vectors) + "\n")
        pieces.append(_piece(n, engine, f"{name}_{engine.name}", len(into), folder / f"{name}.hex"))
    longest = max(stimulus.cycles for _, stimulus in runs)
    bench = folder / "bench.v"
    bench.write_text(_BENCH.format(pieces="\n".join(pieces), cycles=longest))
    return [*files, bench]


def _renamed(text, old, new):
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?=\s*\(|\s+\w+\s*\()", new, text)


def _hex(engine, levels):
    value, shift = 0, 0
    widths = [bits for _, bits, inward in signals(engine) if inward]
    for level, bits in zip(levels, widths, strict=True):
        value |= level << shift
        shift += bits
    return f"{value:x}"


_BENCH = """`timescale 1ns/1ps
module bench;
  reg clk = 0;
  reg rst = 1;
  integer cycle = 0;
  always #5 clk = ~clk;
{pieces}
  initial begin
    // Two cycles of reset; inputs change, and outputs are read, away from the rising edge.
    @(negedge clk); @(negedge clk); @(negedge clk);
    rst = 0;
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) @(negedge clk);
    $finish;
  end
endmodule
"""


def _piece(n, engine, module, cycles, file):
    pins, shift, lines, shown = [], 0, [], []
    for name, bits, inward in signals(engine):
        own = f"d{n}_{name}"
        pins.append(f".{name}({own})")
        if inward:
            lines.append(f"  wire [{bits - 1}:0] {own} = pins{n}[{shift + bits - 1}:{shift}];")
            shift += bits
        else:
            lines.append(f"  wire [{bits - 1}:0] {own};")
            shown.append(_shown(n, engine, name, own, bits))
    form = " ".join("%0h" for _ in shown)
    return "\n".join(
        [
            f"  reg [{max(shift, 1) - 1}:0] vectors{n} [0:{cycles - 1}];",
            f"  wire [{max(shift, 1) - 1}:0] pins{n} = rst || cycle >= {cycles} ? 0 : vectors{n}[cycle];",
            *lines,
            f"  {module} dut{n}(.clk(clk), .rst(rst), {', '.join(pins)});",
            f'  initial $readmemh("{file}", vectors{n});',
            f"  always @(posedge clk) if (!rst && cycle < {cycles})",
            f'    $display("{n} {form}", {", ".join(shown)});',
        ]
    )


def _shown(n, engine, name, own, bits):
    port_name, signal = name.split("__")
    port = engine.port(port_name)
    if signal == "payload" and not port.always_valid:
        return f"d{n}_{port_name}__valid ? {own} : {bits}'d0"
    if signal == "ready" and not port.always_valid:
        return f"{own} & d{n}_{port_name}__valid"
    return own


def tool(name):
    """Return a program's path; without it the test is skipped, visibly."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def icarus(folder, files):
    """Return what the testbench prints in Icarus Verilog."""
    out = folder / "icarus.vvp"
    _run([tool("iverilog"), "-g2005", "-o", out, "-s", "bench", *files])
    return _run([tool("vvp"), "-n", out])


def verilator(folder, files):
    """Return what it prints in Verilator with -O3 (with -O0, version 5.006 gives wrong outputs)."""
    for needed in ("make", "g++"):
        tool(needed)
    flags = ["--binary", "-O3", "-CFLAGS", "-O0", "--top-module", "bench"]
    flags += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--Mdir", folder / "obj"]
    _run([tool("verilator"), *flags, *files])
    return _run([folder / "obj" / "Vbench"])


def lint(file):
    """Return the complaints of Verilator -Wall about one engine's file, less the waived."""
    program = tool("verilator")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = done.stdout.split()[1]
    newer = version.startswith("v") or tuple(map(int, version.split("."))) >= (5, 30)
    waived = WAIVED + (WAIVED_FROM_5_30 if newer else [])
    command = [program, "--lint-only", "-Wall", *(f"-Wno-{each}" for each in waived), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode or done.stderr else ""


def _run(command):
    environment = os.environ | {"MAKEFLAGS": ""}
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return [line for line in done.stdout.splitlines() if line[:1].isdigit()]
