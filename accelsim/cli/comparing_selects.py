"""``accelsim compare`` of top-k engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.cli import flags
from accelsim.cli.output import writable, write, write_pictures
from accelsim.engines import NAMES, model_class
from accelsim.engines.select import Select
from accelsim.errors import SpecError

if TYPE_CHECKING:
    from accelsim.energy import CostTable

COSTS = "topk_asap7"
"""The table that is meant if none is named."""


@dataclass(frozen=True, kw_only=True)
class SelectFlags:
    """What only a comparison of top-k engines takes; None where the flag was not given."""

    n: str | None = None
    k: str | None = None
    scores: str | None = None
    requests: int | None = None
    seed: int | None = None
    costs: str | None = None
    set_: Sequence[str] = ()

    @property
    def given(self) -> list[str]:
        """The flags that are there, by name."""
        found = ("n", "k", "scores", "requests", "seed", "costs")
        names = [f"--{name}" for name in found if getattr(self, name) is not None]
        return names + (["--set"] if self.set_ else [])

    @staticmethod
    def refuse(given: Sequence[str], compared: str) -> None:
        if given:
            raise SpecError(f"{given[0]} must be left out where {compared} are compared")


def are_engines(names: Sequence[str]) -> bool:
    """Say whether names are of engines; SpecError if only some of them are, or not of top-k ones."""
    known = [name for name in names if name in NAMES]
    if not known:
        return False
    selects = [name for name in NAMES if issubclass(model_class(name), Select)]
    for name in names:
        if name not in selects:
            raise SpecError(
                f"what is compared with {known[0]} must be one of {', '.join(selects)}, not {name!r}"
            )
    return True


def compare_selects_command(
    names: Sequence[str], given: SelectFlags, *, as_json: bool, out: Path
) -> None:
    from accelsim.result.selects import compare_selects

    settings = flags.settings(given.set_)
    engines: list[Select] = []
    for name in dict.fromkeys(names):
        found = model_class(name).of(settings)
        assert isinstance(found, Select)
        engines.append(found)
    lists = _numbers(given.n or "1K", "--n"), _numbers(given.k or "128", "--k")
    sizes = [(n, k) for n in lists[0] for k in lists[1] if k <= n]
    if not sizes:
        raise SpecError(f"--k must be at most --n, not {min(lists[1])}")
    scores = [text.strip() for text in (given.scores or "normal").split(",")]
    requests = 256 if given.requests is None else given.requests
    if requests < 1:
        raise SpecError(f"--requests must be at least 1, not {requests}")
    costs, lacking = _costs(engines, given.costs)
    writable(out)
    comparison = compare_selects(
        engines, sizes, scores, costs, requests=requests, seed=given.seed or 0
    )
    comparison = replace(comparison, assumptions=(*comparison.assumptions, *lacking))
    write(out / "selects.txt", f"{comparison}\n")
    write(out / "selects.csv", comparison.to_csv())
    write(out / "selects.json", comparison.to_json())
    from accelsim import plot

    pictures = {"selects_cycles": plot.select_cycles(comparison)}
    if costs is not None:
        pictures["selects_area"] = plot.select_area(comparison)
    write_pictures(out, pictures)
    print(comparison.to_json() if as_json else comparison, end="" if as_json else "\n")
    if not as_json:
        print(f"\ntables and plots: {out}")


def _costs(engines: Sequence[Select], name: str | None) -> tuple[CostTable | None, list[str]]:
    """Return the table that is named, else the shipped one if it has every engine, or why there is none."""
    from accelsim.energy import CostTable
    from accelsim.result.selects import Price

    if name is not None:
        return CostTable.load(name), []
    costs = CostTable.load(COSTS)
    try:
        for engine in engines:
            Price.of(engine, costs)
    except SpecError as error:
        return None, [f"{error}; another table: --costs"]
    return costs, []


def _numbers(text: str, flag: str) -> list[int]:
    return [flags.length(part.strip(), flag) for part in text.split(",")]
