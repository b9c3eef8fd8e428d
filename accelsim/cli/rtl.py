"""``accelsim rtl``: an engine as Verilog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelsim.cli.flags import settings
from accelsim.cli.output import writable_file, write
from accelsim.engines import MACHINES, Engine, engine, machine_class


def rtl_command(name: str, set_: Sequence[str], out: Path | None) -> None:
    machine = name in MACHINES
    found = machine_class(name).of(settings(set_)) if machine else engine(name, settings(set_))
    if out is not None:
        writable_file(out)
    text = _verilog(found)
    if out is None:
        print(text, end="")
    else:
        write(out, text)
        print(out)


def _verilog(found: Any) -> str:
    if isinstance(found, Engine):
        from accelsim.rtl.verilog import verilog

        text: str = verilog(found)
        return text
    from accelsim.rtl.machine_verilog import machine_text

    machine: str = machine_text(found)
    return machine
