"""What is proven of elements, lanes and arrays: what is told comes in time, with its tag."""

from accelsim.engines import pe1d, pe2d
from accelsim.engines.pe1d import LaneOp
from accelsim.engines.pe2d import Op
from accelsim.rtl.element import is_any
from tests.rtl.properties import Property, results_after

# Of the ports of both families: the operations that are told there; None is any.
WIDE = {"o": None, "sum": pe2d.COLUMN, "maximum": (Op.MAXIMUM,)}
WIDE |= dict.fromkeys(("adding", "top", "foot", "corner", "bottom"), pe2d.WORKS)
LANE = {"o": None, "climb": (LaneOp.RM,), "quotient": (LaneOp.AV,)}
LANE |= dict.fromkeys(("early", "adding"), pe1d.WORKS)


def told_in_time(block):
    """Each result is there its lag after an instruction that has one, and at no other time; so is its tag."""
    found = Property(block)
    engine = block.engine
    wide = hasattr(engine, "scores")
    outputs = {port.name for port in engine.outputs}
    for (operand, result), lag in engine.lags.items():
        family = result.partition("_")[0]
        if operand[0] != "i" or result not in outputs or family not in (WIDE if wide else LANE):
            continue  # not from an instruction
        if engine.name == "column" and family in ("sum", "maximum") and operand != last(engine):
            continue  # the rows above have given theirs before
        into, out = getattr(block, operand), getattr(block, result)
        codes = (WIDE if wide else LANE)[family]
        begins = into.valid if codes is None else into.valid & is_any(into.payload.op, codes)
        name = f"{operand}_{result}"
        results_after(found, begins, out.valid, lag, name)
        for field, _ in engine.port(result).fields:
            if field not in ("first", "last", "tag", "op", "element", "tile"):
                continue
            value = into.payload[field]
            for n in range(lag):
                value = found.before(value, f"{name}_{field}_{n}")
            found.always(~out.valid | (out.payload[field] == value))
    return found.parts


def last(engine):
    return f"i_{engine.rows - 1}"


def running_max_remembers(block):
    """An update begins with what the last one of its tile left, or -inf; a pair is the last one's."""
    found = Property(block)
    engine, x, came = block.engine, block.engine.operand, block.i.payload
    tile = found.constant(len(came.tile), "tile")
    place = found.constant(len(came.tag), "tag")
    found.assume((tile < engine.tiles) & (place < engine.rings))
    updates = found.before(block.i.valid & came.update, "update")
    rescales = found.before(block.i.valid & came.rescale, "rescale")
    at = {n: found.before(came[n], f"now_{n}") for n in ("tile", "tag", "fresh")}
    mine = updates & (at["tile"] == tile)
    ring = at["tag"] & (engine.rings - 1)
    known, value = found.register(1, "known"), found.register(x.width, "value")
    with found.m.If(mine):
        found.m.d.sync += [known.eq(1), value.eq(block.after)]
    read = found.before(came.tile, "read") == tile
    found.always(~known | ~read | (block.found == value))
    found.always(~mine | at["fresh"] | ~known | (block.before == value))
    found.always(~updates | ~at["fresh"] | (block.before == x.negate(x.infinity)))
    paired = found.register(1, "paired")
    old, new = found.register(x.width, "old_value"), found.register(x.width, "new_value")
    with found.m.If(updates & (ring == place)):
        found.m.d.sync += [paired.eq(1), old.eq(block.before), new.eq(block.after)]
    pair = block.pair.payload
    found.always(block.pair.valid == rescales)
    asked = rescales & (ring == place) & paired
    found.always(~asked | ((pair.old == old) & (pair.new == new)))
    shown = found.before(updates, "shown")
    found.always(block.climb.valid == shown)
    # What makes the induction close: what is remembered stands in the memories.
    word = block.memory.read_port(domain="comb")
    found.m.d.comb += word.addr.eq(tile)
    found.always(~known | (word.data == value))
    found.always(~paired | ((block.old[place] == old) & (block.new[place] == new)))
    return found.parts
