"""``accelsim rtl``: an engine as Verilog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelsim.cli.flags import settings
from accelsim.cli.output import writable_file, write
from accelsim.engines import engine


def rtl_command(name: str, set_: Sequence[str], out: Path | None) -> None:
    found = engine(name, settings(set_))
    if out is not None:
        writable_file(out)
    from accelsim.rtl.verilog import verilog

    text = verilog(found)
    if out is None:
        print(text, end="")
    else:
        write(out, text)
        print(out)
