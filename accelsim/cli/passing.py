"""``accelsim passes``: passes by rank, what stays live between them, and why."""

from __future__ import annotations

import json
from typing import Any

from accelsim.cascade import Cascade
from accelsim.cli.flags import choice


def show_passes(name: str, rank: str | None, *, rewrite: bool, as_json: bool) -> None:
    cascade = Cascade.load(name)
    counted = cascade.passes()
    ranks = list(counted) if rank is None else [choice(rank, counted, "--rank")]
    found = {each: cascade.passes_explained(each) for each in ranks}
    if as_json:
        rows: dict[str, Any] = {
            each: {
                "passes": why.passes,
                "chain": list(why.chain),
                "live": [
                    {
                        "tensor": t.tensor,
                        "passes": str(t.passes),
                        "footprint_words": str(t.footprint),
                    }
                    for t in why.live
                ],
                "deferred": why.deferred,
            }
            for each, why in found.items()
        }
        print(json.dumps({"cascade": cascade.name, "ranks": rows}, indent=2, ensure_ascii=False))
        return
    print(f"{cascade.name}: {cascade.summary}" if cascade.summary else cascade.name)
    for why in found.values():
        print()
        print(why)
        if rewrite:
            print(_rewrite(why.passes, why.deferred))


def _rewrite(passes: int, deferred: int) -> str:
    if deferred < passes:
        return f"  rewrite: take the factors that lack the rank out of the sums: {passes} -> {deferred}"
    return "  rewrite: none that takes fewer passes"
