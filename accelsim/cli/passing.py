"""``accelsim passes``: passes by rank, what stays live between them, why, and with fewer of them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from accelsim.cascade import Cascade
from accelsim.cascade.passes import Explanation
from accelsim.cascade.rewrite import Rewriting, Rewritten
from accelsim.cli import output
from accelsim.cli.flags import choice


def show_passes(
    name: str,
    rank: str | None,
    *,
    rewrite: bool,
    as_json: bool,
    out: Path | None = None,
    tile: int | None = None,
) -> None:
    cascade = Cascade.load(name)
    counted = cascade.passes()
    ranks = list(counted) if rank is None else [choice(rank, counted, "--rank")]
    found = {each: cascade.passes_explained(each) for each in ranks}
    rewriting = cascade.rewritten(rank, tile=tile) if rewrite or out or tile else None
    if as_json:
        shown: dict[str, Any] = {
            "cascade": cascade.name,
            "ranks": {each: _row(why) for each, why in found.items()},
        }
        if rewriting is not None:
            shown["rewritten"] = _rewritten(rewriting)
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print(f"{cascade.name}: {cascade.summary}" if cascade.summary else cascade.name)
        for why in found.values():
            print()
            print(why)
        if rewriting is not None:
            _print(rewriting)
    if out is not None and rewriting is not None:
        from accelsim.cascade.text import cascade_yaml

        output.write(out, cascade_yaml(rewriting.cascade))


def _row(why: Explanation) -> dict[str, Any]:
    return {
        "passes": why.passes,
        "chain": list(why.chain),
        "live": [
            {"tensor": t.tensor, "passes": str(t.passes), "footprint_words": t.footprint}
            for t in why.live
        ],
        "states": [
            {"tensor": tensor, "footprint_words": footprint} for tensor, footprint in why.states
        ],
        "deferred": why.deferred,
        "fewest": why.fewest,
    }


def _rewritten(rewriting: Rewriting) -> dict[str, Any]:
    return {
        "name": rewriting.cascade.name,
        "ranks": {
            each.rank: {
                "before": each.before,
                "after": each.after,
                "now": each.now,
                "steps": [
                    {"rule": a.rule, "einsum": a.einsum, "does": a.does, "why": a.why}
                    for a in each.applied
                ],
                "stays": each.stays,
            }
            for each in rewriting.ranks
        },
        "cascade": rewriting.cascade.text,
    }


def _print(rewriting: Rewriting) -> None:
    if not rewriting.ranks:
        print("\nrewrite: one pass over every rank already")
    for each in rewriting.ranks:
        print()
        _print_rank(rewriting, each)
    if rewriting.saves:
        print(f"\n{rewriting.cascade.name}:")
        print(textwrap.indent(rewriting.cascade.text.rstrip(), "  "))


def _print_rank(rewriting: Rewriting, each: Rewritten) -> None:
    if each.after == each.before:
        print(f"rewrite {each.rank}: no rewrite saves one of the {each.before} passes")
    else:
        print(f"rewrite {each.rank}: {each.before} -> {each.after}")
    for applied in each.applied:
        print(textwrap.fill(f"{applied.rule}: {applied.does}", 100, **_indents(2)))
        print(textwrap.fill(f"for {applied.why}", 100, **_indents(6)))
    if each.stays:
        passes = f"{each.after} passes stay, for {each.stays}"
        print(textwrap.fill(passes, 100, **_indents(2)))
    if each.after < each.before:
        print("then")
        print(rewriting.cascade.passes_explained(each.now))


def _indents(width: int) -> dict[str, Any]:
    return {"initial_indent": " " * width, "subsequent_indent": " " * (width + 2)}
