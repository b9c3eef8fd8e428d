"""Unbounded proofs of the elements of both arrays, of columns and of running maxima, each with mutants."""

import pytest

from accelsim.engines.array1d import Array1D
from accelsim.engines.array2d import Array2D
from accelsim.engines.column import Column
from accelsim.engines.number import Float
from accelsim.engines.pe1d import PE1D
from accelsim.engines.pe2d import PE2D
from accelsim.engines.running_max import RunningMax
from tests.rtl import properties_elements as properties
from tests.rtl.prove import PROVEN, REFUTED, Mutant, Proof, verdict

NARROW = {"operand": Float(4, 4), "accumulator": Float(5, 10)}
LANE = NARROW | {"digits": 4, "tiles": 2, "value": 2, "rings": 2, "vectors": 1}
ELEMENT = NARROW | {"scores": 1, "tag": 2}
ANY = Mutant(
    "m.d.sync += self.o.valid.eq(self.i.valid)", "m.d.sync += self.o.valid.eq(1)", "element"
)

PROOFS = [
    Proof(
        "running_max",
        RunningMax(tiles=3, rings=2, tag=2, operand=Float(3, 2), accumulator=Float(3, 2)),
        properties.running_max_remembers,
        (
            Mutant("transparent_for=(write,)", "transparent_for=()"),
            Mutant('Mux(which["fresh"]', 'Mux(~which["fresh"]'),
            Mutant("self.old[place].eq(self.before)", "self.old[place].eq(self.after)"),
            Mutant("write.en.eq(update)", "write.en.eq(1)"),
            Mutant('write.addr.eq(which["tile"])', "write.addr.eq(came.tile)"),
        ),
    ),
    Proof(
        "pe2d",
        PE2D(stages=3, **ELEMENT),
        properties.told_in_time,
        (
            ANY,
            Mutant('done["valid"] & is_any(op, COLUMN)', 'done["valid"]'),
            Mutant("self._tell(m, self.adding, last", "self._tell(m, self.adding, done"),
        ),
        steps=6,
    ),
    Proof(
        "pe1d",
        PE1D(stages=3, **LANE),
        properties.told_in_time,
        (
            Mutant("valid & (now.op == LaneOp.AV)", "valid"),
            Mutant("ways[-2] if engine.stages > 1", "ways[-1] if engine.stages > 1"),
            Mutant("came.update.eq(op == LaneOp.RM)", "came.update.eq(op <= LaneOp.RM)"),
        ),
        steps=8,
    ),
    Proof(
        "column",
        Column(rows=2, hop=2, stages=2, **ELEMENT),
        properties.told_in_time,
        (
            Mutant('(self.foot, "adding")', '(self.foot, "sum")'),
            Mutant(
                "connect(m, self.top, first.adding)", "connect(m, self.top, elements[-1].adding)"
            ),
        ),
        steps=5,
    ),
]
WHOLE = [
    Proof("array1d", Array1D(lanes=2, stages=2, **LANE), properties.told_in_time, (), steps=8),
    Proof(
        "array2d",
        Array2D(rows=2, cols=2, hop=2, stages=2, head=2, value=2, rings=2, **ELEMENT),
        properties.told_in_time,
        (),
        steps=8,
    ),
]


@pytest.mark.ci
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_is_proven(proof):
    assert verdict(proof) == PROVEN


@pytest.mark.ci
@pytest.mark.parametrize(
    ("proof", "mutant"),
    [(proof, mutant) for proof in PROOFS for mutant in proof.mutants],
    ids=lambda each: each.name if isinstance(each, Proof) else each.new,
)
def test_its_mutant_is_refuted(proof, mutant):
    assert verdict(proof, mutant) == REFUTED


@pytest.mark.campaign
@pytest.mark.parametrize("proof", WHOLE, ids=lambda proof: proof.name)
def test_is_proven_of_whole_arrays(proof):
    assert verdict(proof) == PROVEN
