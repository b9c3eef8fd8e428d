"""Quick-select: finds the k-th largest value by dividing at a pivot, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from accelsim.engines.engine import parameter
from accelsim.engines.pivot import HASH, Rule
from accelsim.engines.select import Found, Select, Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    def search_batch(self, values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]) -> Found:
        """Divide all requests at once, each at its own pivot, until none is left."""
        import numpy as np

        count = len(sizes)
        found = Found(
            threshold=np.zeros(count, values.dtype),
            ties=np.zeros(count, np.int64),
            passes=np.zeros(count, np.int64),
            elements=np.zeros(count, np.int64),
            cycles=np.zeros(count, np.int64),
            waits=np.zeros(count, np.int64),
        )
        rule = Rule(self.pivot)
        open_, rest, sizes, target = np.arange(count), values, sizes.copy(), k.copy()
        step = 0
        while len(open_):
            rows = -(-sizes // self.lanes)
            starts = np.cumsum(sizes) - sizes
            pivot = rest[starts + rule.row(rows, step) * self.lanes]
            spread = np.repeat(pivot, sizes)
            greater, less = rest > spread, rest < spread
            above = np.add.reduceat(greater, starts, dtype=np.int64)
            below = np.add.reduceat(less, starts, dtype=np.int64)
            found.passes[open_] += 1
            found.elements[open_] += sizes
            found.cycles[open_] += rows + PASS_CYCLES
            up, down = target <= above, target > sizes - below
            ends = ~(up | down)
            found.threshold[open_[ends]] = pivot[ends]
            found.ties[open_[ends]] = (target - above)[ends]
            stays = np.where(np.repeat(up, sizes), greater, less & np.repeat(down, sizes))
            rest = rest[stays]
            target = np.where(up, target, target - (sizes - below))[~ends]
            sizes, open_ = np.where(up, above, below)[~ends], open_[~ends]
            step += 1
        return found
