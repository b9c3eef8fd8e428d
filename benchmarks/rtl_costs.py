"""Our RTL's area and energy beside the published 45 nm figures: python benchmarks/rtl_costs.py

The published ones are scaled to each node in two ways. ``ideal`` (Dennard et al., JSSC 1974): area with
the square of the feature size L, energy with L x V^2; below 45 nm neither holds to better than a factor
of two or so. ``fitted`` (Stillmaker and Baas, Integration 58, 2017): area by their table, energy by their
polynomials in the supply, high-performance processes; 1.8 V is beyond the range of their 130 nm. The
published set does not state its supply, which is taken as 1 V.

The second table has the elements of FuseMax's arrays whole, with the stages and the critical path that
they have for 1 GHz before layout. Beside an element stands the sum of the published parts: units and
register file for its area, and for an operation its unit alone (register accesses apart, as published).
Ours is what the whole element takes in such a cycle, ``idle`` (the clock of all its registers, which a cycle
without work takes too) included.
"""

import re

from accelsim.energy import CostTable

PUBLISHED, NODE_NM, SUPPLY_V = "fusemax_45nm", 45, 1.0
OURS = {"rtl_asap7": (7, 0.7), "rtl_sky130": (130, 1.8), "rtl_osu018": (180, 1.8)}
PARTS = {"mac": {}, "add": {}, "max": {}, "div": {}, "exp": {"exp_slots": 6}}
WORD = {"width_bits": 16}
# Stillmaker and Baas: area over that of 45 nm, and energy as a V^2 + b V + c.
AREA = {7: 0.059, 45: 1.0, 130: 6.4, 180: 19.0}
ENERGY = {
    7: (0.1776, -0.09097, 0.02447),
    45: (1.018, -0.3107, 0.1539),
    130: (7.171, -6.709, 2.904),
    180: (0.0, 24.64, -17.98),
}
# Element: the words of its published register file, the published units in it, and by operation of ours
# how often it is done and what published operations it stands for. exp(a - b) is seven steps.
ELEMENTS = {
    "pe2d": (
        12,
        ("mac", "max"),
        {"mac": (1, "mac"), "add": (1, "add"), "max": (1, "max"), "step": (7, "exp add")},
    ),
    "pe1d": (
        32,
        ("mac", "max", "div"),
        {
            "add": (1, "add"),
            "mul": (1, "mul"),
            "max": (1, "max"),
            "step": (7, "exp add"),
            "div": (1, "div"),
        },
    ),
}
SHOWN = {"step": "exp(a-b)"}
COLUMNS = f"{'ideal':>9} {'ratio':>6} {'fitted':>9} {'ratio':>6}"


def energy_factors(node, supply):
    """Return energy over that of the published node: ideal, fitted."""

    def fitted(at, volts):
        a, b, c = ENERGY[at]
        return a * volts**2 + b * volts + c

    ideal = node / NODE_NM * (supply / SUPPLY_V) ** 2
    return ideal, fitted(node, supply) / fitted(NODE_NM, SUPPLY_V)


def area_factors(node):
    """Return area over that of the published node: ideal, fitted."""
    return (node / NODE_NM) ** 2, AREA[node]


def lines():
    """Yield the table of single operations."""
    published = CostTable.load(PUBLISHED)
    yield f"{'table':<11} {'part':<4} {'pJ':>8} {COLUMNS}   {'um^2':>9} {COLUMNS}"
    for name, (node, supply) in OURS.items():
        table = CostTable.load(name)
        for part, more in PARTS.items():
            attributes = WORD | more
            energy, theirs = (
                float(each.cost(part, "compute", attributes).pj) for each in (table, published)
            )
            area, space = (
                float(each.part_cost(part, attributes).um2) for each in (table, published)
            )
            left = _beside(energy, theirs, energy_factors(node, supply))
            right = _beside(area, space, area_factors(node))
            yield f"{name:<11} {part:<4} {energy:>8.4g} {left}   {area:>9.4g} {right}"


def element_lines():
    """Yield the table of elements, of the tables that have them."""
    published = CostTable.load(PUBLISHED)
    yield (
        f"{'table':<11} {'element':<7} {'stages':>6} {'ps':>5} {'idle pJ':>8} {'um^2':>7} {COLUMNS}   "
        f"{'operation':<9} {'pJ':>8} {COLUMNS}"
    )
    for name, (node, supply) in OURS.items():
        table = CostTable.load(name)
        provenance = table.layers[0].file.provenance.values()
        has = {row.part for row in table.layers[0].file.areas}
        for part in sorted(ELEMENTS.keys() & has, reverse=True):
            depth, units, operations = ELEMENTS[part]
            parts = [published.part_cost(unit, WORD) for unit in units]
            parts.append(published.part_cost("register", WORD | {"depth": depth}))
            space = float(sum(each.um2 for each in parts))
            found = table.part_cost(part, WORD)
            stages, period = (
                re.search(pattern, found.source)[1]
                for pattern in (r"stages (\d+)", r"critical path (\d+) ps")
            )
            made = next(text for text in provenance if text.startswith(f"{part} "))
            idle = re.search(r"idle ([\d.]+) pJ", made)[1]
            area = float(found.um2)
            head = (
                f"{name:<11} {part:<7} {stages:>6} {period:>5} {idle:>8} {area:>7.4g} "
                f"{_beside(area, space, area_factors(node))}"
            )
            for operation, (times, same) in operations.items():
                energy = times * float(table.cost(part, operation, WORD).pj)
                costs = [
                    published.cost(p, "compute", WORD | PARTS.get(p, {})).pj for p in same.split()
                ]
                beside = _beside(energy, float(sum(costs)), energy_factors(node, supply))
                yield f"{head}   {SHOWN.get(operation, operation):<9} {energy:>8.4g} {beside}"
                head = " " * len(head)


def _beside(ours, theirs, factors):
    """Put the published figure in both scalings, and ours over each."""
    scaled = [theirs * factor for factor in factors]
    return " ".join(
        f"{each:>9.4g} " + (f"{ours / each:>6.2f}" if ours and each else f"{'-':>6}")
        for each in scaled
    )


if __name__ == "__main__":
    print("\n".join([*lines(), "", *element_lines()]))
