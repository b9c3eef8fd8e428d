"""What other tools say, under their assumptions, and what is found and simulated here: a table.

``python -m benchmarks.bench_peers``. The peers' figures were measured on the versions named; their
assumptions are the files in ``benchmarks/peers``. A mapper that counts no fill says what a batch takes in
the middle of others; a simulation also loads the first tiles and stores the last. Without fill a batch
takes what two of them take more than one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import accelsim as acs
from accelsim.result.text import table

HERE = Path(__file__).parent / "peers"
BERT = {"workload": "bert", "seq": 1024}
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A cascade on a machine for which a peer's mapper was run, and what it found."""

    name: str
    cascade: str
    machine: str
    peer: str
    cycles: int
    cpu_seconds: float


MAPPED = (
    Mapped(
        name="softmax on the vector unit", cascade="attention_1op", machine="machine",
        peer="AccelForge 1.0.467", cycles=4_718_592, cpu_seconds=34.3,
    ),
    Mapped(
        name="softmax on the array", cascade="attention_1op", machine="machine_exp_2d",
        peer="AccelForge 1.0.467", cycles=1_585_152, cpu_seconds=38.7,
    ),
    Mapped(
        name="scores to memory", cascade="scores", machine="machine",
        peer="AccelForge 1.0.467", cycles=4_218_750, cpu_seconds=5.2,
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Product:
    """A matrix product on a systolic array, and what SCALE-Sim 3.0.0 says it takes."""

    sizes: tuple[int, int, int]  # I, J, K
    side: int
    dataflow: str
    cycles: int

    def closed_form(self) -> int:
        """Return SCALE-Sim's cycles in closed form; its - 1 is its known off-by-one (SCALE-Sim#125)."""
        i, j, k = self.sizes
        if self.dataflow == "output_stationary":
            folds, length = _up(i, self.side) * _up(j, self.side), k + 2 * self.side - 2
        else:
            folds, length = _up(k, self.side) * _up(j, self.side), i + 3 * self.side - 2
        return folds * length - 1

    def simulated(self) -> Fraction:
        """Return the cycles of the same array here."""
        report = acs.simulate(
            cascade="matmul",
            arch=str(HERE / "systolic.yaml"),
            mapping=str(HERE / f"matmul.{self.dataflow}.yaml"),
            workload=str(HERE / "matmul.yaml"),
            ranks=dict(zip("IJK", self.sizes, strict=True)),
            arch_set={"PE2D.rows": self.side, "PE2D.cols": self.side},
        )
        return Fraction(report.activity.ticks, report.activity.ticks_per_cycle)


PRODUCTS = tuple(
    Product(sizes=sizes, side=side, dataflow=f"{flow}_stationary", cycles=cycles)
    for sizes, side, flow, cycles in (
        ((1024, 1024, 64), 256, "output", 9_183),
        ((1024, 1024, 64), 256, "weight", 7_159),
        ((1024, 64, 1024), 256, "output", 6_135),
        ((1024, 64, 1024), 256, "weight", 7_159),
        ((128, 128, 64), 32, "output", 2_015),
        ((8, 8, 8), 8, "output", 21),
        ((8, 8, 8), 8, "weight", 29),
    )
)


def _up(number: int, part: int) -> int:
    return -(-number // part)


def find(case: Mapped, batches: int = 1) -> tuple[Fraction, Fraction, float]:
    """Return cycles, the bound that no mapping beats, and the CPU seconds of the search."""
    begin = time.process_time()
    found = acs.find_mapping(
        cascade=str(HERE / f"{case.cascade}.yaml"),
        arch=str(HERE / f"{case.machine}.yaml"),
        ranks={"B": batches * BATCH},
        **BERT,
    )
    return found.cycles, found.bound.cycles, time.process_time() - begin


def main() -> None:
    rows = []
    for case in MAPPED:
        cycles, bound, seconds = find(case)
        without_fill = find(case, batches=2)[0] - cycles
        rows.append([
            case.name, case.peer, f"{case.cycles:,}", f"{case.cpu_seconds}", f"{float(without_fill):,.0f}",
            f"{float(cycles):,.0f}", f"{seconds:.1f}", f"{float(bound):,.0f}",
        ])  # fmt: skip
    heads = [
        "BERT at 1K",
        "peer",
        "cycles",
        "CPU s",
        "here without fill",
        "in all",
        "CPU s",
        "no mapping below",
    ]
    print(table(heads, rows), end="\n\n")
    rows = [
        [
            " x ".join(str(n) for n in product.sizes), product.dataflow, f"{product.side}",
            f"{product.cycles:,}", f"{product.closed_form():,}", f"{float(product.simulated()):,.3f}",
        ]
        for product in PRODUCTS
    ]  # fmt: skip
    heads = ["I x J x K", "dataflow", "side", "SCALE-Sim 3.0.0", "closed form", "here"]
    print(table(heads, rows))


if __name__ == "__main__":
    main()
