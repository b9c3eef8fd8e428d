"""Sorting networks of Batcher: layers of comparators that do not share a wire."""

from __future__ import annotations

from collections.abc import Iterable

Layers = list[list[tuple[int, int]]]
"""Pairs of wires (a, b) by layer: the greater value goes to a, the less to b."""


def sort_network(size: int) -> Layers:
    """Return the layers that sort ``size`` wires, greatest first: Knuth's algorithm 5.2.2 M."""
    layers: Layers = []
    top = 1 << max(0, (size - 1).bit_length() - 1)
    weight = top if size > 1 else 0
    while weight:
        bits, rest, distance = top, 0, weight
        while True:
            layers.append([(n, n + distance) for n in range(size - distance) if n & weight == rest])
            if bits == weight:
                break
            bits, rest, distance = bits // 2, weight, bits - weight
        weight //= 2
    return layers


def merge_network(size: int) -> tuple[Layers, list[int]]:
    """Return the layers that merge two sorted lists of ``size``, and which wire has which rank.

    Wires 0 to size - 1 are the one list, the next ``size`` the other. Lists are padded to a power of
    two with what is less than anything: a comparator of it is a crossing of wires or nothing, so
    that only those of two real wires are left.
    """
    half = 1 << (size - 1).bit_length()
    wires: list[int | None] = [None] * (2 * half)
    wires[:size] = range(size)
    wires[half : half + size] = range(size, 2 * size)
    layers: Layers = []
    distance = half
    while distance:
        layer = []
        for a, b in _merge_layer(half, distance):
            above, below = wires[a], wires[b]
            if above is not None and below is not None:
                layer.append((above, below))
            elif above is None:
                wires[a], wires[b] = below, above
        layers.append(layer)
        distance //= 2
    return layers, [wire for wire in wires if wire is not None]


def _merge_layer(half: int, distance: int) -> Iterable[tuple[int, int]]:
    if distance == half:
        return [(n, n + half) for n in range(half)]
    return [
        (n, n + distance)
        for begin in range(distance, 2 * half - distance, 2 * distance)
        for n in range(begin, begin + distance)
    ]
