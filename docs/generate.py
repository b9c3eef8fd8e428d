"""Writes the figures of README.md, docs/reproduced.md and docs/images: python docs/generate.py."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from accelsim.cli.main import run
from accelsim.units import format_count, format_duration, format_size

ROOT = Path(__file__).resolve().parents[1]
HEAD = """# FuseMax reproduced

Made by `accelsim reproduce fusemax --physical` (exit code 0: every figure is within its tolerance).
Published figures stand in `arch_specs/published/fusemax.csv`, names, tolerances and explanations in
`arch_specs/published/fusemax.yaml`, the steps of the last tables in
`arch_specs/studies/fusemax_physical.yaml`.

"""


def main() -> int:
    """Run the two commands and put their figures in place."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("compare", "-o", name)
        _run("reproduce", "fusemax", "--physical", "-o", name)
        for picture in ("speedup", "activity", "latency_energy", "energy"):
            shutil.copy(folder / f"{picture}.png", ROOT / "docs" / "images")
        tables = (folder / "fusemax.md").read_text(encoding="utf-8")
        (ROOT / "docs" / "reproduced.md").write_text(HEAD + tables, encoding="utf-8")
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        rows = json.loads((folder / "comparison.json").read_text())["rows"]
        text = placed(text, "compare", compared(rows))
        found = json.loads((folder / "fusemax.json").read_text())
        readme.write_text(placed(text, "reproduce", reproduced(found)), encoding="utf-8")
    return 0


def placed(text: str, name: str, table: str) -> str:
    """Return a text with a table between ``<!-- NAME -->`` and ``<!-- end -->``."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL)


def compared(rows: list[dict]) -> str:
    lengths = [1024, 65536, 1 << 20]
    lines = [
        "| design | length | time | speed-up | energy | util 2D | util 1D | DRAM | bottleneck |"
    ]
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|---|")
    for row in rows:
        if row["length"] in lengths:
            cells = [
                row["design"],
                format_count(row["length"]),
                format_duration(row["seconds"]),
                f"{row['speedup']:.2f}",
                f"{row['energy_ratio']:.3f}",
                f"{row['utilization_PE2D']:.1%}",
                f"{row['utilization_PE1D']:.1%}",
                format_size(row["traffic_DRAM_bytes"]),
                row["bottleneck"],
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def reproduced(found: dict) -> str:
    """Return the means over all models and lengths, and the worst error of each column."""
    points = [row for row in found["rows"] if row["name"].partition(" ")[0].endswith("_micro24")]
    means = [row for row in found["rows"] if row not in points and " at " not in row["name"]]
    lines = ["| figure | published | simulated | error |", "|---|--:|--:|--:|"]
    for row in means:
        name, value = row["name"], f"{row['simulated']:.4g}"
        lines.append(f"| {name} | {row['published']:.4g} | {value} | {row['error']:+.2%} |")
    lines += ["", "| column, over the published points | points | largest error | mean error |"]
    lines.append("|---|--:|--:|--:|")
    for column in dict.fromkeys(row["column"] for row in points):
        errors = [abs(row["error"]) for row in points if row["column"] == column]
        mean = sum(errors) / len(errors)
        lines.append(f"| {column} | {len(errors)} | {max(errors):.3%} | {mean:.3%} |")
    inside = sum(row["verdict"] == "within" for row in found["rows"])
    lines += ["", f"{inside} of {len(found['rows'])} figures are within their tolerance."]
    return "\n".join(lines)


def _run(*arguments: str) -> None:
    with redirect_stdout(StringIO()):
        code = run(arguments)
    if code:
        sys.exit(f"accelsim {' '.join(arguments)} left with {code}")


if __name__ == "__main__":
    sys.exit(main())
