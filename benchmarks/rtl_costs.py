"""Our RTL's area and energy beside the published 45 nm figures: python benchmarks/rtl_costs.py

The published ones are scaled to each node ideally (Dennard et al., JSSC 1974): area with the square
of the feature size L, energy with L x V^2. Below 45 nm neither holds to better than a factor of two
or so; the published set does not state its supply, which is taken as 1 V.
"""

from accelsim.energy import CostTable

PUBLISHED, NODE_NM, SUPPLY_V = "fusemax_45nm", 45, 1.0
OURS = {"rtl_asap7": (7, 0.7), "rtl_sky130": (130, 1.8), "rtl_osu018": (180, 1.8)}
PARTS = {"mac": {}, "add": {}, "max": {}, "div": {}, "exp": {"exp_slots": 6}}
WORD = {"width_bits": 16}


def figures(table, part, more):
    """Return pJ and um^2 of a part."""
    attributes = WORD | more
    energy = float(table.cost(part, "compute", attributes).pj)
    return energy, float(table.part_cost(part, attributes).um2)


def lines():
    published = CostTable.load(PUBLISHED)
    columns = f"{'scaled':>9} {'ratio':>6}"
    yield f"{'table':<11} {'part':<4} {'pJ':>9} {columns}   {'um^2':>9} {columns}"
    for name, (node, supply) in OURS.items():
        table = CostTable.load(name)
        size = node / NODE_NM
        for part, more in PARTS.items():
            energy, area = figures(table, part, more)
            theirs, space = figures(published, part, more)
            theirs, space = theirs * size * (supply / SUPPLY_V) ** 2, space * size**2
            yield (
                f"{name:<11} {part:<4} {energy:>9.4g} {theirs:>9.4g} {energy / theirs:>6.2f}   "
                f"{area:>9.4g} {space:>9.4g} {_ratio(area, space)}"
            )


def _ratio(ours, theirs):
    return f"{ours / theirs:>6.2f}" if ours and theirs else f"{'-':>6}"


if __name__ == "__main__":
    print("\n".join(lines()))
