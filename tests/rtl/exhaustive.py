"""Every request that a small top-k engine can be given, each after another one, run side by side.

What a bug changes shows in an output that counts, in some cycle of some run; or it changes nothing that a
request can show, whatever the one before it left behind: with stalls and gaps, and after a reset in the
middle of the one before.
"""

from functools import cache, cached_property, partial
from itertools import product

import numpy as np

from accelsim.rtl.pins import signals
from tests.rtl.sliced import Sliced

LONGEST = 1000
"""Cycles after which runs that do not end are a fault."""


def every_request(engine):
    """Return all (n, k, values), n and k up to one more than there is room for."""
    most = engine.elements
    return [
        (n, k, values)
        for n in range(most + 2)
        for k in range(most + 2)
        for values in product(range(1 << engine.width), repeat=min(n, most))
    ]


class Exhaustive:
    """Pairs of requests: the second is each there is, ``times`` over; the first is drawn with ``seed``.

    Of the times the first has neither stalls nor gaps, the last (of several) a reset within the first
    request.
    """

    def __init__(self, engine, netlist, times=6, seed=0):
        self.engine, self.netlist = engine, netlist
        self._widths = {name: width for name, width, _ in signals(engine)}
        self.inputs = [name for name, _, inward in signals(engine) if inward]
        self.outputs = [name for name, _, inward in signals(engine) if not inward]
        every = every_request(engine)
        second = [each for each in every for _ in range(times)]
        self.runs = len(second)
        self.full = (1 << self.runs) - 1
        self._draw = draw = np.random.default_rng(seed)
        first = [every[n] for n in draw.integers(len(every), size=self.runs)]
        self._streams = {
            port: self._stream(port, list(zip(first, second, strict=True)))
            for port in ("request", "i")
        }
        kind = np.arange(self.runs) % times
        self._eager = np.where(kind == 0, 1.0, draw.choice([0.4, 0.7, 1.0], self.runs))
        self._busy = np.where(kind == 0, 0.0, draw.choice([0.0, 0.3, 0.6], self.runs))
        self._reset = np.where(
            (kind == times - 1) & (kind > 0), draw.integers(2, 24, self.runs), -1
        )

    def _stream(self, port, pairs):
        """Return the payloads of each run [run, place], where the second request's begin, where they end."""
        lists, begins = [], []
        payloads = cache(partial(self._payloads, port))
        for pair in pairs:
            first, second = (payloads(*each) for each in pair)
            begins.append(len(first))
            lists.append([*first, *second])
        table = np.zeros((self.runs, max(map(len, lists)) + 1), np.int64)
        for n, each in enumerate(lists):
            table[n, : len(each)] = each
        return table, np.array(begins), np.array([len(each) for each in lists])

    def _payloads(self, port, n, k, values):
        lanes = self.engine.lanes
        if port == "request":
            return [self.engine.port(port).pack(n=n, k=k)]
        return [
            self.engine.row(list(values[at : at + lanes])) for at in range(0, len(values), lanes)
        ]

    @cached_property
    def recorded(self):
        """By cycle: the input bits, what the netlist gives, and in which runs each bit of that counts."""
        sliced = Sliced(self.netlist, ["rst", *self.inputs], self.outputs)
        state = sliced.start(self.full)
        every, found = np.arange(self.runs), []
        at = {port: np.zeros(self.runs, np.int64) for port in self._streams}
        gaps = {port: np.zeros(self.runs, np.int64) for port in self._streams}
        for cycle in range(LONGEST):
            rst = self._reset == cycle
            levels = {
                f"{port}__ready": self._draw.random(self.runs) < self._eager
                for port in ("o", "result")
            }
            for port, (table, _, ends) in self._streams.items():
                offers = (at[port] < ends) & (gaps[port] == 0)
                levels[f"{port}__valid"] = offers
                levels[f"{port}__payload"] = np.where(offers, table[every, at[port]], 0)
            pins = [_packed(rst)]
            for name in self.inputs:
                pins += [_packed(levels[name] >> n & 1) for n in range(self._widths[name])]
            out, state = sliced.step(pins, state, self.full)
            words = self._by_name(out)
            found.append((pins, out, self._counting(levels, words, self.full ^ pins[0])))
            idle = _unpacked(words["request__ready"][0], self.runs)
            if (idle & (at["request"] == self._streams["request"][2])).all():
                return found
            for port, (_, begins, _) in self._streams.items():
                goes = levels[f"{port}__valid"] & _unpacked(words[f"{port}__ready"][0], self.runs)
                gap = (self._draw.random(self.runs) < self._busy) * self._draw.integers(1, 4)
                gaps[port] = np.where(goes, gap, np.maximum(gaps[port] - 1, 0))
                at[port] = np.where(rst, np.maximum(begins, at[port]), at[port] + goes)
        raise AssertionError("some run does not end")

    def _by_name(self, out):
        words, n = {}, 0
        for name in self.outputs:
            words[name] = out[n : n + self._widths[name]]
            n += self._widths[name]
        return words

    def _counting(self, levels, words, live):
        """Return, for each output bit, the runs in which it counts."""
        known = {name: _packed(level) for name, level in levels.items() if name.endswith("valid")}
        known |= {name: word[0] for name, word in words.items() if name.endswith("valid")}
        found = []
        for name in self.outputs:
            valid = f"{name.split('__')[0]}__valid"
            # Payloads without valid, and readiness for nothing, are nobody's promise.
            counts = live if name == valid else live & known[valid]
            found += [counts] * self._widths[name]
        return found

    def caught(self, netlist):
        """Return whether some run tells a netlist from this one."""
        sliced = Sliced(netlist, ["rst", *self.inputs], self.outputs)
        state = sliced.start(self.full)
        for pins, expected, counts in self.recorded:
            out, state = sliced.step(pins, state, self.full)
            for a, b, where in zip(out, expected, counts, strict=True):
                if (a ^ b) & where:
                    return True
        return False


def _packed(bits):
    return int.from_bytes(np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(), "little")


def _unpacked(word, count):
    data = np.frombuffer(word.to_bytes(-(-count // 8), "little"), np.uint8)
    return np.unpackbits(data, count=count, bitorder="little").astype(bool)
