"""The figures of the report of a run, without the report where runs of the same structure were recorded."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from accelsim.energy.account import Prices, area, energy
from accelsim.energy.components import Part
from accelsim.energy.tables import Cost, CostTable, PartCost
from accelsim.mapping import Workload
from accelsim.result.report import Report, Stage
from accelsim.sim.lower import Lowered
from accelsim.sim.measure import measure
from accelsim.sim.prepared import Ask, Prepared
from accelsim.sim.program import Outcome

RANKS, ASSUMPTIONS, PARTS = "ranks", "assumptions", "parts"  # questions, besides costs
Priced = tuple[tuple[Part, PartCost], ...]
_NONE: Mapping[str, int] = {}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What figures ask for besides a run: the sizes of a workload, and what the machine costs.

    What is assumed of a price changes from size to size. A mark stands for it, so that such designs have
    one structure; ``said`` has by mark what it is.
    """

    table: CostTable
    components: Mapping[str, Mapping[str, int]]
    workload: Workload
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, question: Hashable) -> Any:
        if question == RANKS:
            return dict(self.workload.ranks)
        if question == ASSUMPTIONS:
            return self.table.assumptions
        if question == PARTS:
            priced = self.table.parts(self.components)
            self.said[PARTS] = tuple(text for _, cost in priced for text in cost.assumptions)
            return self.table.kept.once(PARTS, partial(_bare_parts, priced), priced)
        assert isinstance(question, tuple)
        part, _, component = question
        attributes = self.components.get(component, _NONE)
        key = (Answers, question, self.table.said_of(part, attributes))
        bare, mark, said = self.table.kept.once(key, lambda: self._priced(question, attributes))
        self.said[mark] = said
        return bare

    def _priced(
        self, question: tuple[str, str, str], attributes: Mapping[str, int]
    ) -> tuple[Cost, str, tuple[str, ...]]:
        """Return a price without where it comes from, the mark for what is assumed of it, and that."""
        part, action, component = question
        cost = self.table.cost(part, action, attributes, component)
        mark = f"{component} {part} {action}"
        return replace(cost, source="", assumptions=(mark,)), mark, cost.assumptions

    def filled(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Return figures with what is assumed of prices in place of the marks."""
        texts = (t for mark in figures["assumptions"] for t in self.said.get(mark, (mark,)))
        figures["assumptions"] = list(dict.fromkeys(texts))
        return figures


def _bare_parts(priced: Priced) -> Priced:
    return tuple(
        (replace(part, attributes={}), replace(cost, source="", assumptions=(PARTS,)))
        for part, cost in priced
    )


@dataclass(frozen=True)
class _Asked:
    """The prices of a machine as answers to questions."""

    ask: Ask

    @property
    def assumptions(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self.ask(ASSUMPTIONS)
        return found

    def cost(  # the attributes are known to who answers
        self,
        part: str,
        action: str,
        attributes: Mapping[str, int],  # noqa: ARG002
        component: str = "",
    ) -> Cost:
        found: Cost = self.ask((part, action, component))
        return found

    def parts(self, components: Mapping[str, Mapping[str, int]]) -> Priced:  # noqa: ARG002
        found: Priced = self.ask(PARTS)
        return found


def figured(
    prepared: Prepared,
    outcome: Outcome,
    answers: Answers,
    *,
    design: str,
    mapping: str,
    stage: str,
) -> dict[str, Any]:
    """Return the figures of the report of a single run, as its ``to_dict`` has them."""

    def tell(lowered: Lowered, done: Outcome, ask: Ask) -> dict[str, Any]:
        prices: Prices = _Asked(ask)
        activity = measure(lowered, done, design, mapping)
        charged = energy(activity, prices, answers.components)
        return Report(
            stages=(Stage(name=stage, activity=activity, energy=charged),),
            area=area(answers.components, prices),
            workload=ask(RANKS),
        ).to_dict()

    key = (figured, design, stage, bool(answers.components))
    return answers.filled(prepared.told(key, outcome, tell, answers))
