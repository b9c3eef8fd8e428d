"""Runs a block or its model against a memory: what is fetched comes back later, in order.

Both are driven by one :class:`Memory` each, made from the same seed, so that equal transfers mean
equal levels on every port in every cycle.
"""

import random
from collections import deque

from amaranth.hdl import Value
from amaranth.sim import Simulator

from accelsim.engines import Transfer


class Memory:
    """Requests in a row, fetch ports with a latency and random delays, a consumer that stalls.

    ``fetches``: by address port, (data port, function from the address's fields to the payload).
    """

    def __init__(self, engine, requests, fetches, *, latency, seed=None):
        self._engine, self._requests, self._fetches = engine, deque(requests), fetches
        self._latency = latency
        self._draw = random.Random(seed) if seed is not None else None
        self._due = {port: deque() for port, _ in fetches.values()}
        self._gap, self.cycle = 0, 0
        self.trace = []

    def _stalls(self):
        return self._draw is not None and self._draw.random() < 0.3

    def levels(self):
        """Return (offered by input port, ready by output port) in this cycle."""
        offered = dict.fromkeys(self._due)
        for port, due in self._due.items():
            if due and due[0][0] <= self.cycle:
                offered[port] = due[0][1]
        waits = self._gap > 0 or not self._requests
        offered["request"] = None if waits else self._requests[0]
        ready = {port.name: not self._stalls() for port in self._engine.outputs}
        return offered, ready

    def seen(self, offered, ready, takes, gives):
        """End the cycle: who is taken, what is given."""
        self._gap = max(0, self._gap - 1)
        for name, value in offered.items():
            if value is not None and name in takes:
                self.trace.append(Transfer(self.cycle, name, value))
                if name == "request":
                    self._requests.popleft()
                    self._gap = self._draw.choice([0, 0, 3]) if self._draw else 0
                else:
                    self._due[name].popleft()
        for port in self._engine.outputs:
            if port.name in gives and ready[port.name]:
                value = gives[port.name]
                self.trace.append(Transfer(self.cycle, port.name, value))
                if port.name in self._fetches:
                    data, answer = self._fetches[port.name]
                    late = self._draw.choice([0, 0, 1, 4]) if self._draw else 0
                    due = self.cycle + max(1, self._latency) + late
                    self._due[data].append((due, answer(**port.unpack(value))))
        self.cycle += 1


def run_model(engine, memory, results, patience=20_000):
    """Step the model until so many results have left at ``o``; return every transfer."""
    model, left = engine.model(), results
    while left:
        offered, ready = memory.levels()
        takes, gives = model.step(offered, ready)
        memory.seen(offered, ready, takes, gives)
        left -= "o" in gives and ready["o"]
        assert memory.cycle < patience, "it hangs"
    return memory.trace


def run_block(block, memory, results, patience=20_000):
    """The same for a block in Amaranth's simulator."""
    engine = block.engine

    async def drive(ctx):
        left = results
        while left:
            offered, ready = memory.levels()
            for port in engine.inputs:
                stream, value = getattr(block, port.name), offered[port.name]
                ctx.set(Value.cast(stream.payload), value or 0)
                ctx.set(stream.valid, value is not None)
            for port in engine.outputs:
                ctx.set(getattr(block, port.name).ready, ready[port.name])
            takes = {p.name for p in engine.inputs if ctx.get(getattr(block, p.name).ready)}
            gives = {
                p.name: ctx.get(Value.cast(getattr(block, p.name).payload))
                for p in engine.outputs
                if ctx.get(getattr(block, p.name).valid)
            }
            memory.seen(offered, ready, takes, gives)
            left -= "o" in gives and ready["o"]
            assert memory.cycle < patience, "it hangs"
            await ctx.tick()

    sim = Simulator(block)
    sim.add_clock(1e-9)
    sim.add_testbench(drive)
    sim.run()
    return memory.trace
