"""Batcher's networks, by the 0-1 principle (Knuth, vol. 3, 5.3.4, theorem Z)."""

import itertools

import pytest

from accelsim.engines.networks import merge_network, sort_network


def through(wires, layers):
    wires = list(wires)
    for layer in layers:
        for a, b in layer:
            wires[a], wires[b] = max(wires[a], wires[b]), min(wires[a], wires[b])
    return wires


@pytest.mark.parametrize("size", range(1, 13))
def test_sorts_every_list_of_zeros_and_ones(size):
    layers = sort_network(size)
    for bits in itertools.product((0, 1), repeat=size):
        assert through(bits, layers) == sorted(bits, reverse=True)


@pytest.mark.parametrize("size", [*range(1, 20), 32])
def test_merges_every_pair_of_lists_of_zeros_and_ones(size):
    layers, order = merge_network(size)
    for ones, others in itertools.product(range(size + 1), repeat=2):
        bits = [int(n < ones) for n in range(size)] + [int(n < others) for n in range(size)]
        found = through(bits, layers)
        assert [found[wire] for wire in order] == sorted(bits, reverse=True)


@pytest.mark.parametrize("size", range(1, 20))
def test_no_wire_is_twice_in_a_layer(size):
    for layer in [*sort_network(size), *merge_network(size)[0]]:
        wires = [wire for pair in layer for wire in pair]
        assert len(wires) == len(set(wires))


def test_sizes_are_those_of_the_literature():
    """Comparators of odd-even merge sort: Knuth, vol. 3, 5.3.4, and (p^2 - p + 4) 2^(p-2) - 1."""
    for power, wanted in ((1, 1), (2, 5), (3, 19), (4, 63), (5, 191)):
        assert sum(map(len, sort_network(2**power))) == wanted
        assert len(sort_network(2**power)) == power * (power + 1) // 2
        merge = merge_network(2**power)[0]
        assert sum(map(len, merge)) == power * 2**power + 1
        assert len(merge) == power + 1
