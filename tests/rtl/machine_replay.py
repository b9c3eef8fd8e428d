"""Runs a machine's Verilog against a memory in Icarus or Verilator: the same record as the bench's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from accelsim.rtl.bench import Bench, Record, Work
from accelsim.rtl.build import Build
from accelsim.rtl.fusemax import FuseMax
from accelsim.rtl.machine_verilog import machine_verilog
from accelsim.rtl.operations import GROUPED
from accelsim.rtl.skeleton import COUNT_BITS, DIGIT_BITS
from tests.rtl.replay import tool

TRACE = (
    997  # cycles after which the trace of the ports starts again, as those of ``machines.trace`` do
)

_BENCH = """`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 1;
  always #5 clk = ~clk;
  reg [8*256-1:0] folder;
  integer heads, queries, keys, query_tiles, patience;
  reg [{count}-1:0] registers [0:{registers}-1];
  reg [{x}-1:0] q [0:{size}-1], k [0:{size}-1], v [0:{size}-1];
  reg trace [0:{trace}-1];
  reg go = 0, write = 0, ready = 0, filled = 0;
  reg [{address}-1:0] address = 0;
  reg [{count}-1:0] value = 0;
  reg [{tag}-1:0] fill = 0;
  reg [{words}-1:0] fill_words = 0;
  wire finished, working, load_valid, store_valid;
  wire [{tasks}-1:0] start;
  wire [{stalls}-1:0] stalled;
  wire [{request}-1:0] load;
  wire [{result}-1:0] store;
  fusemax dut(.clk(clk), .rst(rst), .go(go), .write(write), .address(address), .value(value),
    .load__payload(load), .load__valid(load_valid), .load__ready(ready), .filled(filled),
    .fill(fill), .fill_words(fill_words), .store__payload(store), .store__valid(store_valid),
    .store__ready(ready), .start(start), .stalled(stalled), .working(working),
    .finished(finished));
  // A request is answered {latency} cycles later.
  reg [{tag}+{words}:0] way [0:{latency}-1];
  integer cycle = 0, quiet = 0, worked = 0, n = 0, step = 0, row, base, w;
  integer counts [0:{stalls}-1];
  reg [{words}-1:0] answer;
  reg running = 0;
  wire [1:0] tensor = load[{at_tensor} +: 2];
  wire [31:0] lane = load[{at_lane} +: {lane}];
  wire [31:0] group = load[{at_group} +: {group}];
  wire [31:0] h = load[{at_h} +: {digit}], p2 = load[{at_p2} +: {digit}];
  wire [31:0] m1 = load[{at_m1} +: {digit}], p1 = load[{at_p1} +: {digit}];
  wire [31:0] pg = {pg};
  initial begin
    if (!$value$plusargs("folder=%s", folder)) $finish;
    if (!$value$plusargs("queries=%d", queries)) $finish;
    if (!$value$plusargs("keys=%d", keys)) $finish;
    if (!$value$plusargs("tiles=%d", query_tiles)) $finish;
    if (!$value$plusargs("patience=%d", patience)) $finish;
    $readmemh({{folder, "/registers.hex"}}, registers);
    $readmemh({{folder, "/q.hex"}}, q);
    $readmemh({{folder, "/k.hex"}}, k);
    $readmemh({{folder, "/v.hex"}}, v);
    $readmemh({{folder, "/trace.hex"}}, trace);
    for (n = 0; n < {latency}; n = n + 1) way[n] = 0;
    for (n = 0; n < {stalls}; n = n + 1) counts[n] = 0;
  end
  always @(posedge clk) begin
    step <= step + 1;
    if (step == 2) rst <= 0;
    if (step >= 3 && step < 3 + {registers}) begin
      write <= 1;
      address <= step - 3;
      value <= registers[step - 3];
    end else write <= 0;
    go <= step == 3 + {registers};
    if (go) begin
      running <= 1;
      ready <= trace[0];
    end
    if (running) begin
      if (finished || quiet > patience) begin
        for (n = 0; n < {stalls}; n = n + 1) $display("T %0d %0d", n, counts[n]);
        $display("E %0d %0d %0d", cycle, worked, quiet > patience);
        $finish;
      end
      if (start != 0) $display("S %0d %0h", cycle, start);
      for (n = 0; n < {stalls}; n = n + 1) if (stalled[n]) counts[n] = counts[n] + 1;
      if (working) worked <= worked + 1;
      if (store_valid && ready) $display("V %0h", store);
      quiet <= start != 0 ? 0 : quiet + 1;
      cycle <= cycle + 1;
      ready <= trace[(cycle + 1) % {trace}];
      answer = 0;
      if (tensor == 0) begin
        row = h * queries + (p2 * query_tiles + p1 * {together} + pg) * {cols} + lane;
        base = row * {head} + group * {beat};
      end else begin
        row = h * keys + m1 * {rows} + lane;
        base = row * (tensor == 1 ? {head} : {size_v}) + group * {beat};
      end
      if (load_valid && ready)
        for (w = 0; w < {beat}; w = w + 1)
          answer[w * {x} +: {x}] = tensor == 0 ? q[base + w] : tensor == 1 ? k[base + w] : v[base + w];
      for (n = {latency} - 1; n > 0; n = n - 1) way[n] = way[n - 1];
      way[0] = {{load_valid && ready, load[{tag}-1:0], answer}};
      {{filled, fill, fill_words}} <= way[{latency} - 1];
    end
  end
endmodule
"""


def _bench(machine: FuseMax) -> str:
    engine, shape = machine.engine, machine.skeleton
    tag = machine.fill.as_value().shape().width
    fields = machine.request["tag"].shape
    levels = {loop: tag + DIGIT_BITS * n for n, loop in enumerate(shape.loops)}
    lanes = max(engine.rows, engine.cols)
    most = machine.build.largest
    largest = most.heads * max(
        (most.queries + engine.cols) * engine.head,
        (most.keys + engine.rows) * max(engine.head, engine.value),
    )
    assert lanes <= 1 << fields["lane"].shape
    return _BENCH.format(
        count=COUNT_BITS,
        registers=len(machine.registers),
        x=engine.operand.width,
        size=largest,
        trace=TRACE,
        address=len(machine.address),
        tag=tag,
        words=len(machine.fill_words),
        tasks=len(machine.start),
        stalls=len(machine.stalled),
        request=machine.request.size,
        result=machine.result.size,
        latency=engine.latency,
        at_tensor=fields["tensor"].offset,
        at_lane=fields["lane"].offset,
        lane=fields["lane"].shape,
        at_group=fields["group"].offset,
        group=fields["group"].shape,
        digit=DIGIT_BITS,
        together=engine.together,
        pg=f"load[{levels[GROUPED]} +: {DIGIT_BITS}]" if GROUPED in levels else 0,
        **{f"at_{loop}": place for loop, place in levels.items()},
        cols=engine.cols,
        rows=engine.rows,
        head=engine.head,
        size_v=engine.value,
        beat=engine.words,
    )


class Replay:
    """A machine's Verilog, compiled once in a folder by ``icarus`` or :class:`Quickly`."""

    def __init__(
        self, build: Build, folder: Path, compiler: Callable[[Path, list[Path]], list[Any]]
    ) -> None:
        self.folder = folder
        self.machine = FuseMax(build, apart=True)
        (folder / "fusemax.v").write_text(machine_verilog(self.machine))
        (folder / "bench.v").write_text(_bench(self.machine))
        self.command = compiler(folder, [folder / "fusemax.v", folder / "bench.v"])

    def run(self, work: Work, patience: int = 3000) -> Record:
        """Return what a run did; the trace of the ports repeats after ``TRACE`` cycles."""
        bench = Bench(self.machine)
        registers = bench.registers(work.sizes)
        mask = (1 << COUNT_BITS) - 1
        self._write("registers", [registers[name] & mask for name in self.machine.registers])
        for name in "qkv":
            rows = (row for matrix in getattr(work, name) for row in matrix)
            self._write(name, [bits for row in rows for bits in row])
        self._write("trace", [int(work.ready(cycle)) for cycle in range(TRACE)])
        sizes = work.sizes
        text = _run(
            [
                *self.command,
                f"+folder={self.folder}",
                f"+queries={sizes.queries}",
                f"+keys={sizes.keys}",
                f"+tiles={sizes.query_tiles}",
                f"+patience={patience}",
            ]
        )
        return self._record(bench, work, text)

    def _write(self, name: str, values: list[int]) -> None:
        (self.folder / f"{name}.hex").write_text("\n".join(f"{value:x}" for value in values) + "\n")

    def _record(self, bench: Bench, work: Work, text: str) -> Record:
        record = bench.empty(work)
        causes = self.machine.sequencer.causes
        for line in text.splitlines():
            kind, *words = line.split()
            if kind == "S":
                mask = int(words[1], 16)
                tasks = [n for n in range(mask.bit_length()) if mask >> n & 1]
                record.starts += [(int(words[0]), n) for n in tasks]
            elif kind == "T" and int(words[1]):
                queue, cause = divmod(int(words[0]), len(causes))
                record.stalls[queue, causes[cause]] = int(words[1])
            elif kind == "V":
                bench.keep(record, work.sizes.query_tiles, int(words[0], 16))
            elif kind == "E":
                record.cycles, record.working = int(words[0]), int(words[1])
                record.hung = words[2] == "1"
        return record


def icarus(folder: Path, files: list[Path]) -> list[Any]:
    out = folder / "bench.vvp"
    _run([tool("iverilog"), "-g2005", "-o", out, "-s", "bench", *files])
    return [tool("vvp"), "-n", out]


class Quickly:
    """Verilator: its own code is compiled once for many machines, a machine's without optimizing."""

    def __init__(self, shared: Path) -> None:
        self.shared = shared

    def __call__(self, folder: Path, files: list[Path]) -> list[Any]:
        for compiled in self.shared.glob("*.o"):
            (folder / "obj").mkdir(exist_ok=True)
            shutil.copy(compiled, folder / "obj")
        command = _verilated(folder, files)
        for compiled in (folder / "obj").glob("verilated*.o"):
            shutil.copy(compiled, self.shared)
        return command


def _verilated(folder: Path, files: list[Path]) -> list[Any]:
    """Translate with -O3 (with -O0, version 5.006 gives wrong outputs), compile what comes of it with -O0."""
    flags = ["--cc", "--exe", "--main", "--timing", "-O3", "--top-module", "bench"]
    flags += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--Mdir", folder / "obj"]
    _run([tool("verilator"), *flags, *files])
    make = ["make", "-C", folder / "obj", "-f", "Vbench.mk", "VM_PARALLEL_BUILDS=0"]
    _run([*make, *(f"OPT_{part}=-O0" for part in ("FAST", "SLOW", "GLOBAL"))])
    return [folder / "obj" / "Vbench"]


def _run(command: list[Any]) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return done.stdout
