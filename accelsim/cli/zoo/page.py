"""The text of docs/zoo.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from accelsim.cascade import Cascade
from accelsim.cli.zoo.analysis import Analysis, analysis
from accelsim.cli.zoo.figures import Figures
from accelsim.cli.zoo.model import KNOWN, Run, Zoo, stages_of
from accelsim.mapping import Workload
from accelsim.specs import names
from accelsim.units import format_count, format_duration, format_size

HEADS = (
    "runs | passes | fewest | state, words | cycles | time | arrays in use | traffic | bottleneck"
)
RULE = "---|---|---|---|--:|--:|---|--:|---"
UNIFORM = (
    r":? \(?selection uniform:? \(?stated, not computed\)"  # what every such sentence ends with
)
COLUMNS = HEADS.count("|") + 1


def page(zoo: Zoo, figures: Mapping[Run, Figures]) -> str:
    """Return the whole page for the figures of every run of the listing, all of one design and length."""
    text = _Text(zoo=zoo, figures=figures, analyses={})
    one = figures[zoo.runs[0]]
    parts = [
        _intro(zoo, one.design, format_count(one.tokens)),
        "## The listing",
        text.listing(),
        "## Names that users expect",
        text.expected(),
        "## What stands for what",
        *text.notes(),
        "## Fewer-pass forms",
        text.forms(),
        "## What a selection takes",
        _selections(figures),
        "## Workloads",
        _workloads(),
    ]
    refused = [f"- {run}: {f.refused}" for run, f in figures.items() if f.refused]
    if refused:
        parts += ["## Not simulated", "\n".join(refused)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


class _Text:
    def __init__(
        self, zoo: Zoo, figures: Mapping[Run, Figures], analyses: dict[str, Analysis]
    ) -> None:
        self.zoo, self.figures, self.analyses = zoo, figures, analyses

    def of(self, name: str) -> Analysis:
        if name not in self.analyses:
            self.analyses[name] = analysis(Cascade.load(name), self.zoo.spec.forms)
        return self.analyses[name]

    def listing(self) -> str:
        lines = [f"| # | entry | class | {HEADS} |", f"|--:|---|---|{RULE}|"]
        for row in self.zoo.spec.rows:
            kind = row.kind + (f", {row.also}" if row.also else "")
            first = [str(row.row), row.title, kind]
            if not row.runs:
                lines.append(_line([*first, f"none: {row.place}", *[""] * (COLUMNS - 1)]))
            for run in row.runs:
                lines.append(_line([*first, *self.cells(run)]))
                first = ["", "", ""]
        return "\n".join(lines)

    def expected(self) -> str:
        lines = [f"| name | {HEADS} |", f"|---|{RULE}|"]
        for entry in self.zoo.spec.expected:
            lines += [_line([entry.title, *self.cells(run)]) for run in entry.runs]
        return "\n".join(lines)

    def cells(self, run: Run) -> list[str]:
        return [_runs(run), *self._analysed(run), *_simulated(self.figures[run])]

    def _analysed(self, run: Run) -> list[str]:
        found = [self.of(name) for name in _cascades(run)]
        columns = [
            [_passes(a.passes) for a in found],
            [_passes(a.fewest) for a in found],
            [a.state for a in found],
        ]
        return ["; ".join(cells) for cells in columns]

    def notes(self) -> list[str]:
        lines = [
            f"- **{row.row}** {row.title}: {row.place}. From {KNOWN[row.known]}."
            for row in self.zoo.spec.rows
        ]
        return ["\n".join(lines)]

    def forms(self) -> str:
        lines = ["| cascade | passes | form | passes |", "|---|---|---|---|"]
        for name, form in self.zoo.spec.forms.items():
            cells = []
            for each in (name, form):
                cells += [f"`{each}`", _passes(self.of(each).passes)]
            lines.append(_line(cells))
        return "\n".join(lines)


def _intro(zoo: Zoo, design: str, length: str) -> str:
    cascades = len(names("cascade"))
    return f"""# The attention zoo

Made by `accelsim docs zoo`: {zoo.spec.summary}.
It has {cascades} cascades and {len(names("workload"))} workloads. Class A is an algorithm (a cascade),
B a shape (a workload for cascades that are there), C an accelerator, D none of these.

How to read the columns. *Passes* are those of the text as written, by rank, the sequence first; *fewest* are
those that `accelsim passes --rewrite` reaches, or a shipped form. *State* is what that form keeps between the
tokens or passes of the sequence, in words by rank size (batch, and heads that the text does not name,
multiply it): running values, what a sum over the sequence gathers, windows, and whole tensors that a later
pass reads again. In self-attention N is both the queries, which each have a state, and the keys.

The other columns are one simulation on `{design}` at {length} tokens: one layer's attention (no projections
or feed-forward unless the cascade has them) at the sizes of the workload named after `@`, batch and heads
included. *Arrays in use* are the shares of their lane-cycles that do an operation, *traffic* is what crosses
the memory's bus in both directions. A workload runs the design's own attention where it says `attention`;
a cascade runs by a mapping that is made for it, the one that the table of figures beside this page
([zoo.csv](zoo.csv)) names. What a top-k, a gather or a guard takes is assumed, not computed: a selection is
uniform, each case is [below](#what-a-selection-takes). Sizes that grow with the tokens (pixels, blocks,
clusters) are in the file of the workload."""


def _cascades(run: Run) -> list[str]:
    return list(dict.fromkeys(stage.cascade for stage in stages_of(run)))


def _runs(run: Run) -> str:
    if run.cascade:
        return f"`{run.cascade}` @ {run.workload}"
    return f"{run.workload}: {', '.join(f'`{name}`' for name in _cascades(run))}"


def _passes(found: Mapping[str, int]) -> str:
    return ", ".join(f"{rank} {n}" for rank, n in found.items())


def _simulated(figures: Figures) -> list[str]:
    if figures.refused:
        return ["", "", "", "", "not simulated"]
    return [
        f"{figures.cycles:,}",
        format_duration(float(figures.seconds)),
        ", ".join(f"{name} {share:.1%}" for name, share in sorted(figures.shares.items())),
        format_size(figures.traffic_bytes),
        figures.bottleneck,
    ]


def _selections(figures: Mapping[Run, Figures]) -> str:
    lines = [
        "Values are not computed in a simulation. Where the work depends on them, a uniform selection"
    ]
    lines += ["is assumed:", ""]
    for run, found in figures.items():
        said = [re.sub(UNIFORM, "", text) for text in found.selections]
        if said:
            lines.append(f"- `{run}`: {'; '.join(said)}")
    return "\n".join(lines)


def _workloads() -> str:
    lines = ["| workload | tokens | what it is | sizes from |", "|---|--:|---|---|"]
    for name in names("workload"):
        spec = Workload.load(name).spec
        lines.append(_line([name, format_count(spec.default_seq), spec.summary, spec.source]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
