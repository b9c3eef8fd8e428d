"""Quick-select: finds the k-th largest value by dividing at a pivot, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import parameter
from accelsim.engines.pivot import HASH, Rule
from accelsim.engines.select import Select, Selection

PASS_CYCLES = 3
"""What a pass takes beyond a cycle a row: reading the pivot, and two registers to run empty."""


@dataclass(frozen=True, kw_only=True)
class QuickSelect(Select):
    """Top-k engine of SpAtten: two comparator arrays, two zero eliminators, two queues.

    A pass reads a row a cycle, compares each lane with the pivot, and packs the greater into one
    queue, the less into the other; the next pass reads the queue that holds the k-th. It ends when
    the k-th equals the pivot: cycles = sum over passes (rows + 3). Source: SpAtten (HPCA 2021),
    section IV-C; the queues are rings with a short last row, so that no cycle goes to packing.
    """

    name: ClassVar[str] = "quick_select"

    pivot: Rule = parameter(HASH, "pivot rule: first, middle or hash")

    def check(self) -> None:
        try:
            Rule.parse(self.pivot)
        except ValueError as error:
            raise self.fault(f"pivot {error}") from None

    def select(self, values: Sequence[int], k: int) -> Selection:
        rule = Rule(self.pivot)
        rest, cycles = list(values), 0
        passes: list[int] = []
        while True:
            rows = self.rows_of(len(rest))
            pivot = rest[rule.row(rows, len(passes)) * self.lanes]
            passes.append(len(rest))
            cycles += rows + PASS_CYCLES
            greater = [v for v in rest if v > pivot]
            equal = rest.count(pivot)
            if k <= len(greater):
                rest = greater
            elif k <= len(greater) + equal:
                return Selection(pivot, k - len(greater), tuple(passes), cycles)
            else:
                k -= len(greater) + equal
                rest = [v for v in rest if v < pivot]
