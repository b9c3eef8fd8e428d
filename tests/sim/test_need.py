"""The instance of a producer in the consumer's own iteration: told at once as it is loop by loop."""

from hypothesis import given
from hypothesis import strategies as st

from accelsim.sim.lower.nest import ALL, FIRST, LAST, Level, Nest, Site, need

EDGES = st.sampled_from([ALL, FIRST, LAST])


@given(
    st.lists(st.tuples(st.integers(1, 5), EDGES, EDGES), min_size=1, max_size=4),
    st.integers(-6, 6),
)
def test_a_producer_of_the_same_loops(loops, shift):
    levels = tuple(Level(name=f"l{n}", count=count) for n, (count, *_) in enumerate(loops))
    nest = Nest(levels=levels, outer=len(levels))
    consumer = Site(nest=nest, at=tuple(at for _, at, _ in loops))
    producer = Site(nest=nest, at=tuple(at for *_, at in loops))
    assert need(consumer, producer, nest.same, shift) == need(
        consumer, producer, dict(nest.same), shift
    )
