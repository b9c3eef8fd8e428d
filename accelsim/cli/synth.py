"""``accelsim synth``: an engine on a liberty, as a cost table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelsim.cli.flags import settings
from accelsim.cli.output import progress, writable_file, write
from accelsim.engines import engine
from accelsim.errors import SpecError


def synth_command(
    name: str,
    set_: Sequence[str],
    liberty: Sequence[Path],
    clock: str,
    dont_use: Sequence[str],
    out: Path | None,
) -> None:
    found = engine(name, settings(set_))
    period_ps = _period_ps(clock)
    if not liberty:
        raise SpecError("--liberty must be given at least once")
    if out is not None:
        writable_file(out)
    from accelsim.rtl.synth.library import Library
    from accelsim.rtl.synth.measure import measure
    from accelsim.rtl.synth.table import Entry, table
    from accelsim.rtl.synth.table import dont_use as unused

    with progress() as step:
        step("reading the library")
        library = Library(liberty)
        step(f"mapping and running {found.name}")
        measured = measure(found, library, period_ps=period_ps, dont_use=unused(library, dont_use))
    title = out.stem if out is not None else f"{found.name}_{library.name}"
    text = table(title, [Entry(measured)], library, period_ps)
    if out is None:
        print(text, end="")
        return
    write(out, text)
    mapped, timing = measured.mapped, measured.timing
    print(f"{out}: {found.name} on {library.name}, {library.voltage:g} V")
    print(
        f"  area           {mapped.area_um2:.1f} um^2, {mapped.cell_count} cells, {mapped.recipe}"
    )
    verdict = "meets" if timing.period_ps <= period_ps else "misses"
    print(
        f"  critical path  {timing.period_ps:.0f} ps, {timing.fmax_ghz:.3g} GHz: {verdict} {clock}"
    )
    for each in measured.priced:
        print(f"  {each.operation.name:<14} {each.energy_fj / 1000:.4g} pJ, {each.kind} values")
    print(f"  idle           {measured.idle_fj / 1000:.4g} pJ a cycle")
    print(f"  leakage        {measured.leakage_pw / 1e6:.4g} uW")


def _period_ps(clock: str) -> float:
    from accelsim.units import parse_frequency

    try:
        return float(10**12 / parse_frequency(clock))
    except (ValueError, ZeroDivisionError) as error:
        raise SpecError(f"--clock {error}") from None
