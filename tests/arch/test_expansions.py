"""Each expansion is what it says: evaluated to the last multiply against NumPy, and counted."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.api import simulate
from accelsim.arch import Architecture, Done, Expansions, Lacking
from accelsim.arch.expansion import ARITY, Expansion
from accelsim.arch.means import standard
from accelsim.arch.steps import Steps, meanings
from accelsim.errors import SpecError
from accelsim.ops import BINARY, FUNCTIONS, UNARY
from accelsim.specs import read_text
from tests.mapping.texts import MACHINE

ROWS = standard().rows
IDENTITIES = [row for row in ROWS if row.steps]
# The vector unit of the shipped machines, the same without div and exp, and a bare multiplier.
UNITS: dict[str, dict[str, int]] = {
    "vector": {"mac": 1, "max": 1, "add": 1, "exp": 6, "div": 1},
    "plain": {"mac": 1, "max": 1, "add": 1},
    "mac": {"mac": 1},
}
# Written here anew: NumPy's own functions, not the package's rows.
NUMPY: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.mod,
    "shift": lambda a, b: np.ldexp(a, b.astype(int)),
    "neg": np.negative,
    "mac": lambda a, b, c: a * b + c,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda a: a**-0.5,
    "pow": np.power,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "min": np.minimum,
    "max": np.maximum,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "relu": lambda a: np.where(a > 0, a, 0),
    "silu": lambda a: a / (1 + np.exp(-a)),
    "gelu": lambda a: a / 2 * (1 + np.vectorize(math.erf)(a / np.sqrt(2))),
    "elu1": lambda a: np.where(a > 0, a + 1, np.exp(a)),
    "softplus": lambda a: np.log1p(np.exp(a)),
    "cos": np.cos,
    "sin": np.sin,
}
# Rows whose error does not follow from their own: a quotient of approximations, a power of one.
COMPOSED = {
    "div": 1.1e-4, "sigmoid": 4e-4, "silu": 4e-4, "tanh": 6e-4, "softplus": 4e-4, "elu1": 1e-4,
    "gelu": 6e-4, "cos": 1.2e-4, "pow": 2e-3, "sqrt": 4e-4, "rsqrt": 4e-4, "floordiv": 0.0, "mod": 0.0,
}  # fmt: skip


def points(row: Expansion, count: int = 300) -> np.ndarray:
    """Random points of the row's domain: not those that the package checks."""
    rng = np.random.default_rng(sum(map(ord, row.does)))
    ranges = row.domain or [(-8.0, 8.0)] * ARITY[row.does]
    columns = [rng.uniform(low, high, count) for low, high in ranges]
    return np.floor(columns) if row.whole else np.array(columns)


def test_every_operation_has_a_row() -> None:
    """All that a cascade can ask for is native or expanded: nothing is refused on the shipped units."""
    kinds = {r.kind for r in (*BINARY.values(), *UNARY.values(), *FUNCTIONS.values())}
    assert {row.does for row in ROWS} == kinds - {"exp"} | {"exp", "mac", "top"}
    for able in (UNITS["vector"], UNITS["plain"]):
        for kind in (*kinds, "mac", "top"):
            assert isinstance(Expansions.of([], 16).on(kind, able), Done), kind


@pytest.mark.parametrize("row", IDENTITIES, ids=lambda row: f"{row.does}: {row.steps[:40]}")
def test_a_row_gives_its_operation(row: Expansion) -> None:
    """With the operations that it uses done exactly, a row is within its stated error of NumPy."""
    operands = points(row)
    want = NUMPY[row.does](*operands)
    steps = Steps.parse(row.steps, ARITY[row.does])
    for point, value in zip(operands.T, want, strict=True):
        got = steps.evaluate(tuple(map(float, point)), meanings())
        assert abs(got - value) <= row.allowed(float(value)), (row.does, point)
    assert row.wrong() == ""
    assert max(row.relative, row.absolute) <= 2.0**-12


@pytest.mark.parametrize("unit", ["vector", "plain"])
@pytest.mark.parametrize("kind", sorted(NUMPY))
def test_all_the_way_down(kind: str, unit: str) -> None:
    """Done by nothing but the unit's own operations it takes as many as are charged, and is as close."""
    able, table = UNITS[unit], Expansions.of([], 16)
    row = next(r for r in ROWS if r.does == kind)
    operands = points(row, 60)
    done = table.on(kind, able)
    assert isinstance(done, Done)
    for point, value in zip(operands.T, NUMPY[kind](*operands), strict=True):
        machine = Machine(able, table)
        got = machine[kind](*map(float, point))
        assert machine.counts == done.ops
        if kind in ("floordiv", "mod") and "div" not in able:
            continue  # near a whole number an approximate quotient falls to either side
        allowed = COMPOSED.get(kind, 0.0) * max(1, abs(value)) + row.allowed(float(value))
        assert abs(got - value) <= allowed, (kind, point)


class Machine(dict[str, Any]):
    """A unit that does what it can and expands the rest; ``counts`` is what it has done."""

    def __init__(self, able: dict[str, int], table: Expansions) -> None:
        super().__init__()
        self.able, self.table = able, table
        self.counts: Counter[str] = Counter()
        self.known = meanings() | {"compare": None, "select": FUNCTIONS["select"].scalar}

    def __missing__(self, kind: str) -> Any:
        if kind in self.able:
            return lambda *values: self.own(kind, *values)
        done = self.table.on(kind, self.able)
        assert isinstance(done, Done)
        row = done.rows[0]
        if row.kinds:
            return lambda *values: self.shared(row, *values)
        steps = Steps.parse(row.steps, ARITY[kind])
        return lambda *values: steps.evaluate(values, self, self.besides)

    def own(self, kind: str, *values: float) -> float:
        self.counts[kind] += 1
        return float(self.known[kind](*values))

    def shared(self, row: Expansion, *values: float) -> float:
        self.counts.update(row.ops(self.table.word_bits))
        return float(self.known[row.does](*values))

    def besides(self, kind: str) -> None:
        done = self.table.on(kind, self.able)
        assert isinstance(done, Done)
        self.counts.update(done.ops)


def test_the_fewest_slots_are_taken() -> None:
    """A unit with a square root takes a reciprocal root as its quotient, if that is cheaper."""
    table = Expansions.of([], 16)
    vector = UNITS["vector"]
    polynomial = {"mac": 6, "add": 2}
    for sqrt, want in ((1, {"sqrt": 1, "div": 1}), (6, {"sqrt": 1, "div": 1}), (8, polynomial)):
        done = table.on("rsqrt", {**vector, "sqrt": sqrt})
        assert isinstance(done, Done)
        assert done.ops == want
    assert table.on("max", {"mac": 1}) == Lacking(kind="max", needs=("max",))
    assert table.on("gelu", {"add": 1}).needs == ("mul",)  # type: ignore[union-attr]
    both = table.on("max", {"compare": 1, "select": 1})
    assert isinstance(both, Done)
    assert both.ops == {"compare": 1, "select": 1}


def test_a_machine_of_its_own() -> None:
    """An architecture's rows stand instead of the standard ones; what they say is checked."""
    own = "expansions:\n  - {does: sigmoid, steps: 'tanh(a * 0.5) * 0.5 + 0.5', source: identity}\n"
    arch = Architecture.from_document(read_text(MACHINE + own, "arch.yaml"))
    done = arch.expansions.on("sigmoid", {**UNITS["vector"], "tanh": 1})
    assert isinstance(done, Done)
    assert done.ops == {"mac": 2, "tanh": 1, "add": 1}
    with pytest.raises(SpecError) as error:
        Architecture.from_document(read_text(MACHINE + own.replace("+ 0.5", "+ 0.4"), "arch.yaml"))
    assert str(error.value).startswith(
        "arch.yaml:16:28: steps must give sigmoid(-8) = 0.00033535 within 1e-12, not -0.0996646"
    )


FAULTS = {
    "steps: 1 / (1 + exq(a))": "unknown function 'exq'; did you mean 'exp'?",
    "steps: 1 / (1 + exp(x))": "unknown name 'x'; known: a, magic",
    "steps: exp(a); a": "steps must be 'name = value' and at last a value, not 'exp(a)'",
    "steps: a if a else 1": "steps must not hold a ifexp",
    "steps: exp + 1": "unknown name 'exp'",
    "steps: not a": "steps must not hold a not",
    "steps: + a": "steps must not hold a uadd",
    "steps: 'poly(a, a)'": "poly must have an operand and numbers: poly(x, 1, 0.5)",
    "steps: 'fraction(a, 0)'": "steps and sigmoid must have a value at -8",
    "steps: 'fraction(a, 0.5)'": "steps and sigmoid must have a value at -8",
    "kinds: {exp: word_bits - 16}": "a count must be a whole number of at least 1, not 0",
    "steps: 'mac(a, 1)'": "mac must have 3 operands, not 2",
    "steps: __import__(a)": "must be an expression",
    "kinds: {expp: 1}": "must name operations, not 'expp'; did you mean 'exp'?",
    "kinds: {exp: 0}": "a count must be a whole number of at least 1, not 0",
    "steps: a, kinds: {exp: 1}": "an expansion must have either steps or kinds",
    "steps: a, domain: [[1, 0]]": "must be ranges such as [-8, 8], not [1, 0]",
    "steps: 'scale(a, 1e9)'": "steps and sigmoid must have a value at -8: math range error",
    "steps: a, domain: [[0, 1], [0, 1]]": "domain must have a range for each of 1 operands",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_faulty_row(text: str) -> None:
    own = f"expansions:\n  - {{does: sigmoid, {text}, source: made up}}\n"
    with pytest.raises(SpecError) as error:
        Architecture.from_document(read_text(MACHINE + own, "arch.yaml"))
    assert str(error.value).startswith("arch.yaml:16:")
    assert FAULTS[text] in str(error.value)


# -- the k largest ------------------------------------------------------------------------------


def radix_top(keys: list[int], k: int, bits: int) -> tuple[list[int], Counter[str]]:
    """The k largest, ties to the first, by the steps that the row of ``top`` counts."""
    counts: Counter[str] = Counter()
    threshold = above = 0  # the k-th largest so far; how many are greater than it
    for bit in reversed(range(bits)):
        trial = threshold | 1 << bit
        reached = 0
        for key in keys:
            counts["compare"] += 1
            counts["add"] += 1
            reached += key >= trial
        if reached >= k:
            threshold = trial
        else:
            above = reached
    chosen: list[int] = []
    place = ties = 0
    for number, key in enumerate(keys):
        counts["compare"] += 1  # one comparison, two flags: greater and equal
        counts["add"] += 2
        ties += key == threshold
        if key > threshold or (key == threshold and ties <= k - above):
            place += 1
            chosen.append(number)
    assert place == len(chosen)
    return chosen, counts


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.integers(1, 45))
def test_the_k_largest(keys: list[int], k: int) -> None:
    """Radix selection equals a stable sort in as many operations a candidate as the row says."""
    k = min(k, len(keys))
    chosen, counts = radix_top(keys, k, 8)
    assert chosen == sorted(np.argsort(-np.array(keys), kind="stable")[:k].tolist())
    (row,) = (r for r in ROWS if r.does == "top")
    assert counts == {kind: n * len(keys) for kind, n in row.ops(8).items()}


@pytest.mark.parametrize(("word", "said"), [("2 B", False), ("4 B", True)])
def test_wider_words_than_a_row_is_good_for_are_named(word: str, said: bool) -> None:
    """The standard rows are within 2**-12: enough for words of 2 bytes, and a result says so beyond."""
    report = simulate(cascade="sigmoid_attention", arch="fusemax", seq=256, arch_set={"word": word})
    sentences = [a for a in report.to_dict()["assumptions"] if a.startswith("sigmoid on")]
    assert sentences
    assert all(("coarser than half a unit in the last place" in s) == said for s in sentences)
