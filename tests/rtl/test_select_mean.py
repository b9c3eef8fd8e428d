"""Mean passes and cycles of quick-select: exact, in the latency model of SpAtten's authors, and ours.

The authors' model charges ceil(n / lanes) + 3 a pass, takes any value of the rest as the pivot, and
ends where the wanted value equals it: the cost rule of our engine, whose pivots are row heads. In
random order a row's head is any value too, so the means must agree with the exact one.
"""

import numpy as np
import pytest

from accelsim.engines.pivot import RULES, Rule
from accelsim.engines.quick_select import PASS_CYCLES, QuickSelect
from accelsim.engines.select_batch import select_batch

POINTS = [(128, 64), (256, 32), (512, 64), (1024, 512), (1024, 128)]
LANES = 16


def exact(n, k):
    """Return the mean (cycles, passes) over pivots of any rank, for n different values.

    With a values above the wanted one and b below it, a pivot below leaves the a above it, the
    wanted, and fewer than b; one above likewise: the mean is 1 pass and the mean of those.
    """
    above, below = k - 1, n - k
    found = []
    for cost in (lambda size: -(-size // LANES) + PASS_CYCLES, lambda size: 1):
        mean = np.zeros((above + 1, below + 1))
        fewer_above = np.zeros(below + 1)
        for a in range(above + 1):
            fewer_below = 0.0
            for b in range(below + 1):
                size = a + b + 1
                mean[a, b] = cost(size) + (fewer_above[b] + fewer_below) / size
                fewer_below += mean[a, b]
            fewer_above += mean[a]
        found.append(mean[above, below])
    return found


class JavaRandom:
    """java.util.Random: the linear congruential generator that its documentation prescribes."""

    def __init__(self, seed):
        self._state = (seed ^ 0x5DEECE66D) & (2**48 - 1)

    def _next(self, bits):
        self._state = (self._state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        return self._state >> 48 - bits

    def whole(self):
        return self._next(32) - 2**31  # any order will do

    def below(self, n):
        if n & -n == n:
            return n * self._next(31) >> 31
        while True:
            bits = self._next(31)
            if bits - bits % n + n - 1 < 2**31:
                return bits % n


def authors(random, n, target):
    """Return (cycles, passes) of the authors' model for the value of 0-based rank ``target``."""
    rest = np.array([random.whole() for _ in range(n)])
    cycles = passes = 0
    while len(rest):
        cycles += -(-len(rest) // LANES) + 3
        passes += 1
        pivot = rest[random.below(len(rest))]
        less, equal = (rest < pivot).sum(), (rest == pivot).sum()
        if less <= target < less + equal:
            break
        if target < less:
            rest = rest[rest < pivot]
        else:
            target -= less + equal
            rest = rest[rest > pivot]
    return cycles, passes


def agrees(sample, mean):
    """Within four standard errors: wrong once in 16,000 for a right mean."""
    return abs(np.mean(sample) - mean) < 4 * np.std(sample) / len(sample) ** 0.5


@pytest.mark.parametrize(("n", "k"), POINTS)
def test_the_authors_model_has_the_exact_mean(n, k):
    random = JavaRandom(1)
    cycles, passes = zip(*(authors(random, n, k - 1) for _ in range(100)), strict=True)
    for sample, mean in zip((cycles, passes), exact(n, k), strict=True):
        assert agrees(sample, mean)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "k"), POINTS)
def test_our_engine_has_the_exact_mean_on_random_orders(rule, n, k):
    random = np.random.default_rng(n + k)
    scores = random.permuted(np.tile(np.arange(n), (800, 1)), axis=1)
    found = select_batch(QuickSelect(lanes=LANES, pivot=Rule(rule)), scores, k)
    for sample, mean in zip((found.search_cycles, found.passes), exact(n, k), strict=True):
        assert agrees(sample, mean)


def test_the_exact_mean_is_the_known_one():
    """Passes: H(k) + H(n - k + 1) - 1; cycles of two values, by hand."""
    for n, k in POINTS:
        harmonic = [sum(1 / i for i in range(1, m + 1)) for m in (k, n - k + 1)]
        assert exact(n, k)[1] == pytest.approx(sum(harmonic) - 1)
    # The first pivot is the wanted one, or leaves it alone; a row each time.
    assert exact(2, 1) == [4 + 0.5 * 4, 1.5]
    # The authors' own runs of (1024, 128), 208 in the mean, are a sample of this.
    assert exact(1024, 128)[0] == pytest.approx(214.943, abs=1e-3)
