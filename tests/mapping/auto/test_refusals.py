"""What cannot be mapped is refused with a sentence: never a traceback, never a silent zero."""

import pytest

from accelsim.api import simulate
from accelsim.errors import AccelsimError, InfeasibleError, SpecError
from accelsim.job import Job


@pytest.mark.parametrize(
    ("cascade", "arch", "changes", "message"),
    [
        ("attention_4pass", "fusemax", {}, "unknown cascade 'attention_4pass'"),
        ("attention", "fusemx", {}, "unknown arch 'fusemx'; did you mean 'fusemax'"),
        ("attention", "fusemax", {"GLB.size": "1 B"}, "bytes of GLB, 1 are there"),
        ("attention", "fusemax", {"GLB.size": "0 B"}, "GLB.size must be"),
        (
            "attention",
            "fusemax",
            {"PE2D.ops": {"exp": 1}, "PE1D.ops": {"exp": 1}},
            "QK must run on",
        ),
        ("attention", "fusemax", {"PE2D.rows": 0}, "rows must be above 0"),
    ],
)
def test_refused(cascade, arch, changes, message):
    with pytest.raises(AccelsimError) as error:
        simulate(cascade=cascade, arch=arch, mapping="auto", arch_set=changes)
    assert message in str(error.value)
    assert isinstance(error.value, SpecError | InfeasibleError)


def test_a_size_of_zero_is_refused():
    with pytest.raises(SpecError, match="must be a whole number of at least 1, not 0"):
        simulate(cascade="attention", arch="fusemax", mapping="auto", ranks={"E": 0})


def test_a_size_that_only_the_cascade_has_can_be_set():
    """``--set L=8`` reaches the parameter of landmark attention, which no workload of bert has."""
    job = Job.of(cascade="landmark", arch="fusemax", mapping="auto")
    stage = job.stages(job.load("bert", 64, {"L": 8}), "attention")[0]
    assert stage.ranks["L"] == 8
    with pytest.raises(SpecError, match="--set LL: must be a rank of the workload"):
        job.load("bert", 64, {"LL": 8})
