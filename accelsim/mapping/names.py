"""Checks that every name in a mapping means something: a misspelt one must not be passed over."""

from __future__ import annotations

from collections.abc import Iterable

from accelsim.cascade import Cascade
from accelsim.errors import nearest
from accelsim.mapping.binding import FaultAt, Loc
from accelsim.mapping.model import Block, MappingSpec
from accelsim.mapping.plan import STREAM


def check_names(spec: MappingSpec, cascade: Cascade, fault: FaultAt) -> None:
    """Report sizes, tensors, loops and Einsums that nothing else in the mapping or cascade has."""
    partitions = [spec.partition, *(block.partition for block in spec.blocks)]
    parts = {part for table in partitions for names in table.values() for part in names}
    tensors = {t.name for t in cascade.inputs} | {e.tensor for e in cascade.equations}
    coords = {c for e in cascade.equations for c in e.coords}
    ranks = {coord.upper() for coord in coords}
    loops = {*spec.outer, *(loop for block in spec.blocks for loop in block.loops), STREAM}

    def known(loc: Loc, what: str, names: Iterable[str], valid: set[str]) -> None:
        for name in names:
            if name not in valid:
                fault(loc, f"{what}, not {name!r}{nearest(name, valid)}")

    places: list[tuple[Loc, MappingSpec | Block]] = [((), spec)]
    places += [(("blocks", number), block) for number, block in enumerate(spec.blocks)]
    for top, place in places:
        for table in ("depth", "charge"):
            for name in getattr(place, table):
                known((*top, table, name), f"{table} must name a tensor", [name], tensors)
        shared: list[str] = []
        for number, names in enumerate(place.share):
            known((*top, "share", number), "share must name tensors", names, tensors)
            for name in names:
                if name in shared:
                    fault(
                        (*top, "share", number),
                        f"share must name a tensor once, not {name!r} twice",
                    )
                shared.append(name)
        known((*top, "spill"), "spill must name tensors", place.spill, tensors)
        for rank in place.partition:
            what = "partition must name a rank of the cascade"
            known((*top, "partition", rank), what, [rank], ranks)
        for name in place.sizes:
            valid = parts | set(cascade.params)
            known((*top, "sizes", name), "size must be of a part or a parameter", [name], valid)
    for buffer, entries in spec.hold.items():
        for tensor, loop in entries.items():
            where = ("hold", buffer, tensor)
            known(where, "hold must name a tensor of the cascade", [tensor], tensors)
            known(where, f"hold of {tensor} must name a loop of a block or 'stream'", [loop], loops)
    for number, block in enumerate(spec.blocks):
        for place_in_list, bind in enumerate(block.bind):
            if bind.only_with:
                there = ("blocks", number, "bind", place_in_list, "only_with")
                known(there, "only_with must name a tensor", [bind.only_with], tensors)
