"""Synthesis: every figure has a second way to it, by hand on a tiny library or by another tool."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from accelsim.cli.main import run
from accelsim.energy import CostTable
from accelsim.engines import engine
from accelsim.engines.attention_values import Attention, bfloat16
from accelsim.engines.fifo import Fifo
from accelsim.errors import AccelsimError, SpecError
from accelsim.rtl.synth import gates, measure, power, timing
from accelsim.rtl.synth.function import expression, names
from accelsim.rtl.synth.library import Library, Table
from accelsim.rtl.synth.mapped import Instance, Mapped, Recipe
from tests.rtl.tiny import LIBRARY

OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
VOLT = 1.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    file = tmp_path_factory.mktemp("tiny") / "tiny.lib"
    file.write_text(LIBRARY)
    return file


@pytest.fixture(scope="module")
def library(tiny):
    return Library([tiny])


def osu018():
    if not OSU018.exists():
        pytest.skip("qflow-tech-osu018 is not installed")
    return OSU018


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("!A", [1, 0, 1, 0]),
        ("A'", [1, 0, 1, 0]),
        ("A B", [0, 0, 0, 1]),
        ("A*B", [0, 0, 0, 1]),
        ("(A&B)", [0, 0, 0, 1]),
        ("A+B", [0, 1, 1, 1]),
        ("A | B", [0, 1, 1, 1]),
        ("A^B", [0, 1, 1, 0]),
        ("(A B)' + !A", [1, 1, 1, 0]),
        ("!A * B + A * !B", [0, 1, 1, 0]),
        ("!(A+B)", [1, 0, 0, 0]),
        ("1", [1, 1, 1, 1]),
    ],
)
def test_functions_of_liberty(text, truth):
    words = {"A": "a", "B": "b"}
    found = eval(expression(text, words), {"a": 0b1010, "b": 0b1100, "full": 0b1111})
    assert [found >> n & 1 for n in range(4)] == truth


@pytest.mark.parametrize("text", ["A +", "(A", "A)", "A B C", "A # B"])
def test_what_is_no_function(text):
    with pytest.raises(ValueError, match="a function must"):
        expression(text, {"A": "a", "B": "b"})


def test_names_of_a_function():
    assert names("(A B)' + !A * C1") == ["A", "B", "C1"]


def test_tables_are_linear_within_and_beyond():
    table = Table((0.0, 10.0), (0.0, 1.0), ((1.0, 2.0), (11.0, 12.0)))
    assert [table.at(*at) for at in [(0, 0), (5, 0.5), (10, 1), (20, 2)]] == [1, 6.5, 12, 23]


def test_reads_cells_in_our_units(library):
    flop, inverter = library.cell("DFF"), library.cell("INV")
    assert inverter.area_um2 == 1
    assert inverter.pins["A"].capacitance_ff == pytest.approx(1.0)
    assert inverter.pins["Y"].arcs[0].delay["rise"].at(10, 10) == pytest.approx(200)
    assert inverter.pins["Y"].power[0].energy["fall"].at(10) == pytest.approx(3.0)
    assert dict(inverter.leakage_pw) == pytest.approx({"A": 1000, "!A": 500})
    assert dict(flop.leakage_pw) == pytest.approx({"": 5000})
    assert flop.pins["D"].setup[0].before["rise"].at(10, 10) == pytest.approx(100)
    assert library.buffer.name == "BUF"


def test_both_rails_of_a_library_are_one_energy(tmp_path):
    """Each rail's charge over a cycle is the whole; the sum would count it twice."""
    one = 'internal_power () { related_pin : "A"; rise_power (p)'
    assert one in LIBRARY
    block = LIBRARY[LIBRARY.index(one) : LIBRARY.index("}", LIBRARY.index("fall_power")) + 3]
    ground = block.replace("0.001", "0.003").replace('"A";', '"A"; related_pg_pin : VSS;')
    (tmp_path / "rails.lib").write_text(LIBRARY.replace(block, block + ground, 1))
    found = Library([tmp_path / "rails.lib"]).cell("INV").pins["Y"].power
    assert len(found) == 1
    assert found[0].energy["rise"].at(10) == pytest.approx(2.0)
    assert found[0].energy["fall"].at(10) == pytest.approx(3.0)


def chain(library):
    """Clock to D flop to inverter to inverter to the same flop's D: it keeps what it has."""
    flop, inverter = library.cell("DFF"), library.cell("INV")
    return Mapped(
        instances=(
            Instance("f", flop, {"CLK": 2, "D": 5, "Q": 3}),
            Instance("a", inverter, {"A": 3, "Y": 4}),
            Instance("b", inverter, {"A": 4, "Y": 5}),
        ),
        ports={"clk": (2,), "q": (3,)},
        inputs=("clk",),
        initial={},
        recipe=Recipe(booth=False, fast=False),
    )


def test_timing_by_hand(library):
    """Each plane: delay 0.1 ns per 10 fF and 0.05 ns per 0.1 ns of slew; slew 20 ps + 8 ps a fF."""
    found = timing.timing(chain(library), library)
    slews = [20 + 8 * load for load in (1 + 4, 1, 1)]  # the output drives four buffers' inputs
    launch = 300 + 10 * 5 + 0.5 * (10 - 10)
    first = 100 + 10 * 1 + 0.5 * (slews[0] - 10)
    second = 100 + 10 * 1 + 0.5 * (slews[1] - 10)
    assert found.period_ps == pytest.approx(launch + first + second + 100)
    assert found.path == ("DFF", "INV", "INV")
    assert found.slews[3] == pytest.approx(slews[0])


def toggling(library):
    """A flop that takes its own inverse, so that it toggles every cycle."""
    flop, inverter = library.cell("DFF"), library.cell("INV")
    return dataclasses.replace(
        chain(library),
        instances=(
            Instance("f", flop, {"CLK": 2, "D": 4, "Q": 3}),
            Instance("a", inverter, {"A": 3, "Y": 4}),
        ),
    )


def test_energy_by_hand(library):
    mapped = toggling(library)
    timed = timing.timing(mapped, library)
    history = gates.simulate_gates(mapped, [{}] * 11, runs=8)
    assert [history.nets[3][n] for n in range(3)] == [0, 255, 0]
    found = power.energy(mapped, library, timed, history, range(11))
    cycles = 8 * 10
    assert found.cycles == cycles
    assert found.switching_fj == pytest.approx(cycles * (1 + 1) * VOLT**2 / 2)  # two nets of 1 fF
    # Half of the edges rise: the flop 6 fJ either way, the inverter 1 or 3.
    assert found.internal_fj == pytest.approx(cycles * (6 + (1 + 3) / 2))
    assert found.clock_fj == pytest.approx(cycles * (5 + 3 + 2 * VOLT**2))
    assert found.leakage_pw == pytest.approx(5000 + (1000 + 500) / 2)


def test_the_clock_is_as_fast_with_many_registers(library):
    """There is no clock tree: its pins must not slow it down, nor make the registers dearer."""
    one = toggling(library)
    flop, inverter = library.cell("DFF"), library.cell("INV")
    many = dataclasses.replace(
        one,
        instances=tuple(
            each
            for n in range(50)
            for each in (
                Instance(f"f{n}", flop, {"CLK": 2, "D": 1000 + n, "Q": 100 + n}),
                Instance(f"a{n}", inverter, {"A": 100 + n, "Y": 1000 + n}),
            )
        ),
        ports={"clk": (2,), "q": (100,)},
    )
    found = []
    for mapped in (one, many):
        timed = timing.timing(mapped, library)
        history = gates.simulate_gates(mapped, [{}] * 5, runs=8)
        found.append(power.energy(mapped, library, timed, history, range(5)))
    assert found[1].internal_fj == pytest.approx(50 * found[0].internal_fj)
    assert found[1].clock_fj == pytest.approx(50 * found[0].clock_fj)


def test_what_stands_still_costs_its_clock(library):
    mapped = chain(library)
    history = gates.simulate_gates(mapped, [{}] * 5, runs=8)
    found = power.energy(mapped, library, timing.timing(mapped, library), history, range(5))
    assert (found.switching_fj, found.internal_fj) == (0, 0)
    assert found.clock_fj > 0


def test_an_engine_end_to_end(library):
    fifo = Fifo(width=4, depth=2)
    found = measure.measure(fifo, library, period_ps=5000, runs=8, operations=24)
    assert found.checked > 500
    mapped = found.mapped
    assert mapped.flop_count == 2 * 4 + 2 + 1 + 1
    assert mapped.area_um2 == sum(library.cell(n).area_um2 * k for n, k in mapped.kinds.items())
    # Without work only clock pins cost: 5 + 3 fJ inside, 2 fF of pin.
    assert found.idle_fj == pytest.approx(mapped.flop_count * (5 + 3 + 2 * VOLT**2))
    by_kind = {priced.kind: priced for priced in found.priced}
    assert set(by_kind) == {"attention", "random"}
    for priced in found.priced:
        assert priced.operations == priced.cycles
        assert found.idle_fj < priced.energy_fj < 4 * found.idle_fj


def test_a_netlist_that_parts_from_the_model_is_refused(library, monkeypatch):
    class Wrong(Fifo):
        def model(self):
            inner = super().model()

            class Model:
                def step(self, offered, ready):
                    takes, gives = inner.step(offered, ready)
                    return takes, {port: value ^ 1 for port, value in gives.items()}

            return Model()

    Wrong.__name__ = "Fifo"
    with pytest.raises(AccelsimError, match=r"fifo: the netlist must give 0x.* at o__payload"):
        measure.measure(Wrong(width=2, depth=2), library, period_ps=5000, runs=8, operations=8)


def test_the_command_writes_a_cost_table(tiny, tmp_path, capsys):
    out = tmp_path / "fifo_tiny.yaml"
    arguments = ["synth", "fifo", "--set", "depth=2", "--set", "width=2", "--liberty", str(tiny)]
    assert run([*arguments, "--clock", "100 MHz", "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "critical path" in printed
    assert "meets 100 MHz" in printed
    table = CostTable.load(out)
    assert table.cost("fifo", "pass", {}).pj > 0
    assert "random bits" in table.cost("fifo", "pass", {}).source
    assert table.part_cost("fifo", {}).leakage_mw > 0
    assert any("no wires" in text for text in table.assumptions)
    provenance = table.layers[0].file.provenance
    assert provenance["tool"].startswith("pyosys ")
    assert "sha256" in provenance["liberty_0"]
    assert "depth 2" in provenance["engine_0"]
    again = tmp_path / "again" / "fifo_tiny.yaml"
    again.parent.mkdir()
    assert run([*arguments, "--clock", "100 MHz", "-o", str(again)]) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fif"], "unknown engine 'fif'; did you mean 'fifo'?"),
        (["fifo"], "--liberty must be given at least once"),
        (["fifo", "--liberty", "no.lib"], "no.lib cannot be read: no such file or directory"),
        (["fifo", "--liberty", "{text}"], "must be a liberty file with cells"),
        (["fifo", "--liberty", "{tiny}", "--clock", "fast"], "--clock must be"),
        (["fifo", "--liberty", "{tiny}", "--set", "depth=0"], "depth must be at least 1, not 0"),
    ],
)
def test_refusals(arguments, sentence, tiny, tmp_path, capsys):
    text = tmp_path / "t.lib"
    text.write_text("hello")
    arguments = [each.format(text=text, tiny=tiny) for each in arguments]
    assert run(["synth", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_library_without_flops_cannot_map(tmp_path):
    start = LIBRARY.index("cell (DFF)")
    file = tmp_path / "gates.lib"
    file.write_text(LIBRARY[:start] + "}\n")
    with pytest.raises(AccelsimError, match=r"no cell of the library|could not map"):
        measure.measure(Fifo(depth=2), Library([file]), period_ps=1000, runs=8, operations=8)


def test_liberty_files_of_two_voltages_do_not_go_together(tiny, tmp_path):
    other = tmp_path / "other.lib"
    other.write_text(LIBRARY.replace("nom_voltage : 1.0", "nom_voltage : 2.0"))
    with pytest.raises(SpecError, match="must state one nom_voltage"):
        Library([tiny, other])


def test_attention_values_are_an_attention():
    head = Attention(3)
    assert len(head.scores) == head.tokens
    first = head.scores[5][7]
    exact = sum(a * b for a, b in zip(head.q[5], head.k[7], strict=True)) / head.channels**0.5
    assert first == pytest.approx(exact)
    assert all(value <= 0 for row in head.exponents for value in row)
    assert any(value == 0 for row in head.exponents for value in row)
    assert Attention(3).scores == head.scores
    assert Attention(4).scores != head.scores


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 3.14159, 1e-30, 1e30, 1.00390625, 1.01171875])
def test_bfloat16_rounds_to_nearest_even(value):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    assert bfloat16(value) == int.from_bytes(ml_dtypes.bfloat16(value).tobytes(), "little")


def verilog(mapped, top):
    """Write a mapped netlist as Verilog, for a tool of others."""

    def name(net):
        return f"n{net}" if isinstance(net, int) else f"1'b{net}"

    lines = [f"module {top}({', '.join(mapped.ports)});"]
    used = {n for each in mapped.instances for n in each.nets.values() if isinstance(n, int)}
    used |= {n for nets in mapped.ports.values() for n in nets if isinstance(n, int)}
    lines += [f"wire {name(net)};" for net in sorted(used)]
    for port, nets in mapped.ports.items():
        inward = port in mapped.inputs
        lines.append(f"{'input' if inward else 'output'} [{len(nets) - 1}:0] {port};")
        for n, net in enumerate(nets):
            pair = (name(net), f"{port}[{n}]")
            lines.append("assign {} = {};".format(*(pair if inward else pair[::-1])))
    for n, each in enumerate(mapped.instances):
        pins = ", ".join(f".{pin}({name(net)})" for pin, net in each.nets.items())
        lines.append(f"{each.cell.name} u{n}({pins});")
    return "\n".join([*lines, "endmodule", ""])


def test_timing_equals_that_of_opensta(tmp_path):
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA is not installed")
    library = Library([osu018()])
    found = measure.measure(
        engine("buffer", {"depth": "4"}), library, period_ps=5000, runs=8, operations=16
    )
    (tmp_path / "n.v").write_text(verilog(found.mapped, "top"))
    buffer = library.buffer
    slew = min(buffer.outputs[0].arcs[0].delay["rise"].slews) / 1000
    load = 4 * buffer.inputs[0].capacitance_ff / 1000
    script = f"""read_liberty {OSU018}
read_verilog n.v
link_design top
create_clock -name c -period 100 [get_ports clk]
set_clock_transition {slew} c
set_input_delay 0 -clock c [get_ports {{rst r0__payload r0__valid w0__payload w0__valid d0__ready}}]
set_output_delay 0 -clock c [all_outputs]
set_load {load} [all_outputs]
set_driving_cell -lib_cell {buffer.name} -input_transition_rise {slew} \\
  -input_transition_fall {slew} [all_inputs]
report_checks -path_delay max -digits 6
exit
"""
    (tmp_path / "s.tcl").write_text(script)
    done = subprocess.run(
        ["sta", "-no_splash", "-exit", "s.tcl"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    slack = next(line.split()[0] for line in done.stdout.splitlines() if " slack" in line)
    assert found.timing.period_ps == pytest.approx(1000 * (100 - float(slack)), rel=0.005)
