"""Unbounded proofs; a row per property. To add one: a property in properties.py, a row here."""

import pytest

from accelsim.engines.arithmetic import Arithmetic
from accelsim.engines.buffer import Buffer
from accelsim.engines.divide import Divide
from accelsim.engines.fifo import Fifo
from accelsim.engines.mac import Mac
from accelsim.engines.number import Float
from tests.rtl import properties
from tests.rtl.prove import PROVEN, REFUTED, Mutant, Proof, verdict

RING = (
    Mutant("self.i.ready.eq(self.count != depth)", "self.i.ready.eq(1)"),
    Mutant("self.o.valid.eq(self.count != 0)", "self.o.valid.eq(self.count > 1)"),
    Mutant("pointer == depth - 1", "pointer == depth - 2"),
    Mutant("with m.If(take & ~give)", "with m.If(take)"),
    Mutant(
        "self.count = Signal(range(depth + 1))", "self.count = Signal(range(depth + 1), init=1)"
    ),
)
FIFOS = (Fifo(width=3, depth=1), Fifo(width=3, depth=3), Fifo(width=2, depth=4))

# One port for all, some, one each; answers that take one cycle, two, three.
BUFFERS = (
    Buffer(width=2, depth=4, reads=1, writes=2),
    Buffer(width=2, depth=3, reads=2, writes=2, access_ports=2, latency_cycles=2),
    Buffer(width=1, depth=2, reads=2, writes=2, access_ports=4, latency_cycles=3),
)
WORDS = (
    Mutant("with m.If(move):", "with m.If(1):"),
    Mutant("read.addr.eq(address)", "read.addr.eq(address ^ 1)"),
    Mutant("word = _select(words, turns[engine.writes + n])", "word = words[0] | words[-1] & 1"),
)
PRIORITY = (
    Mutant("write.ready.eq(served[n] & ~clashes[n])", "write.ready.eq(served[n])"),
    Mutant("turn < engine.access_ports for", "turn <= engine.access_ports for"),
    Mutant("_count(m, asked[:n],", "_count(m, asked[n + 1:],"),
)
# With one port nothing clashes; with one each nobody waits: mutants that change nothing there.
TELLING = ((WORDS[:2], PRIORITY[1:]), (WORDS, PRIORITY), (WORDS, PRIORITY[:1]))
LATE = (Mutant("m.d.comb += [answer.valid.eq(valid)", "m.d.sync += [answer.valid.eq(valid)"),)

TINY = Float(3, 2)
STANDS = "stall = self.o.valid & ~self.o.ready"
# Engine, longest induction (what is under way must have left), mutants.
PIPELINES = (
    (
        Arithmetic(operation="add", form=TINY, stages=3),
        6,
        (
            Mutant("moves = ~self.o.valid | self.o.ready", "moves = self.o.ready"),
            Mutant("self.engine.stages if steps < 2 else 1", "0"),
        ),
    ),
    (
        Mac(form=TINY, accumulator=TINY, stages=3),
        6,
        (
            Mutant(STANDS, "stall = ~self.o.ready"),
            Mutant('done["valid"] & done["last"]', 'done["valid"]'),
        ),
    ),
    (
        Divide(form=TINY, to=TINY, digits=3),
        8,
        (
            Mutant(STANDS, "stall = self.o.ready"),
            Mutant("found = [0, 1]", "found = [0, 2]"),
        ),
    ),
)

PROOFS = [
    *(
        Proof(f"pipeline_time-{engine.name}", engine, properties.pipeline_time, mutants, steps)
        for engine, steps, mutants in PIPELINES
    ),
    *(
        Proof(f"{each.__name__}-{fifo.depth}", fifo, each, RING if fifo.depth > 1 else RING[:2])
        for fifo in FIFOS
        for each in (properties.fifo_order, properties.fifo_counts)
    ),
    Proof("fifo_latency", FIFOS[1], properties.fifo_latency, (RING[1],)),
    *(
        Proof(f"{each.__name__}-{n}", buffer, each, mutants)
        for n, (buffer, (words, turns)) in enumerate(zip(BUFFERS, TELLING, strict=True))
        for each, mutants in (
            (properties.buffer_words, words),
            (properties.buffer_priority, turns),
            (properties.buffer_latency, LATE),
        )
    ),
]


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_is_proven(proof):
    assert verdict(proof) == PROVEN


@pytest.mark.parametrize(
    ("proof", "mutant"),
    [(proof, mutant) for proof in PROOFS for mutant in proof.mutants],
    ids=lambda each: each.name if isinstance(each, Proof) else each.new,
)
def test_its_mutant_is_refuted(proof, mutant):
    assert verdict(proof, mutant) == REFUTED
