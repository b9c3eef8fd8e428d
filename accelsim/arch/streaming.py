"""Components of machines that work row by row: memory channels, fetchers, pipelines, selection engines."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from accelsim.engines.parameters import Parametric
from accelsim.engines.registry import engine
from accelsim.engines.select import Select as Engine
from accelsim.errors import SpecError
from accelsim.specs import Spec
from accelsim.specs.fields import Bandwidth, Duration, Positive, Share, Size, Whole


class Channels(Spec):
    """Off-chip memory of ``count`` channels; consecutive pieces of ``interleave`` bytes go round them.

    A channel moves one ``burst`` in ``burst_time``; a ``page`` of it has to be activated before its
    bursts, which takes a bank ``bank_time`` and comes at most once in ``activate_time`` on average (the
    window of four activations over 4). ``latency`` to the first data, ``efficiency`` what refresh leaves.
    """

    kind: Literal["channels"]
    count: Positive
    interleave: Size
    burst: Size
    burst_time: Duration
    page: Size
    banks: Positive
    bank_time: Duration = Fraction(0)
    activate_time: Duration = Fraction(0)
    latency: Duration = Fraction(0)
    efficiency: Share = 1.0

    @model_validator(mode="after")
    def _bursts_fit(self) -> Channels:
        if self.burst_time <= 0:
            raise ValueError("burst_time must be above zero")
        if self.interleave % self.burst or self.page % self.interleave:
            raise ValueError("page must be a multiple of interleave, and interleave of burst")
        return self

    @property
    def bandwidth(self) -> Fraction:
        """Bytes a second of all channels, nothing lost."""
        return self.count * self.burst / self.burst_time


class Fetcher(Spec):
    """Reads and writes vectors over ``lanes`` channels of its own, in lockstep.

    Each cycle it may issue a word for every lane; a row of words leaves when every lane has its own.
    A memory channel takes ``addresses`` words ahead, so that uneven channels even out over as many.
    ``latency``: cycles through the crossbar, both ways. ``memory`` names the channels.
    """

    kind: Literal["fetcher"]
    memory: str
    lanes: Positive
    addresses: Positive
    latency: Whole = 0


class Pipeline(Spec):
    """A rigid pipeline that takes ``lanes`` elements a cycle; the first result is there after its ``steps``.

    ``ops`` are the operations on one element (what they cost), ``width`` bits each. With ``rounds`` the
    elements go round a pipeline of ``group`` stages so often, one a stage at a time, before others
    may: ``steps`` are those of the last round and what comes after it.
    """

    kind: Literal["pipeline"]
    lanes: Positive
    width: Annotated[int, Field(ge=1, le=128)]
    steps: dict[str, Whole]
    ops: dict[str, Positive] = {}
    rounds: Positive = 1
    group: Positive = 1

    def cycles(self, elements: int) -> int:
        """Return the cycles from the first element's issue to the end of the last one's."""
        whole, rest = divmod(-(-elements // self.lanes), self.group)
        return self.rounds * self.group * whole + (
            (self.rounds - 1) * self.group + rest if rest else 0
        )

    @property
    def latency(self) -> int:
        return sum(self.steps.values())


class Select(Spec):
    """A top-k engine: one of ``accelsim.engines`` by its name, with ``settings`` of its parameters."""

    kind: Literal["select"]
    engine: str
    settings: dict[str, str | int] = {}

    @field_validator("engine")
    @classmethod
    def _is_known(cls, name: str) -> str:
        _engine(name, {})
        return name

    @model_validator(mode="after")
    def _settings_fit(self) -> Select:
        _engine(self.engine, self.settings)
        return self

    @property
    def model(self) -> Engine:
        return _engine(self.engine, self.settings)


class Roofline(Spec):
    """A processor by first order: a layer takes its kernels' overhead and the longer of work and traffic.

    ``macs`` multiplications a cycle at best, of which ``compute_efficiency`` are had; ``bandwidth`` of which
    ``memory_efficiency`` is had; ``kernels`` operations a layer, each costs ``kernel_time`` to start.
    ``power_mw`` is drawn while it works. Every number has its ``sources``.
    """

    kind: Literal["roofline"]
    macs: Positive
    bandwidth: Bandwidth
    compute_efficiency: Share = 1.0
    memory_efficiency: Share = 1.0
    kernels: Whole = 0
    kernel_time: Duration = Fraction(0)
    power_mw: Positive
    sources: Annotated[dict[str, str], Field(min_length=1)]

    def cycles(self, macs: Fraction, moved_bytes: Fraction, clock: Fraction) -> int:
        """Return the cycles of a layer."""
        work = macs / (self.macs * Fraction(str(self.compute_efficiency)))
        rate = self.bandwidth * Fraction(str(self.memory_efficiency)) / clock
        return math.ceil(max(work, moved_bytes / rate) + self.kernels * self.kernel_time * clock)


def _engine(name: str, settings: dict[str, str | int]) -> Engine:
    try:
        found: Parametric = engine(name, {key: str(value) for key, value in settings.items()})
    except SpecError as error:
        raise ValueError("; ".join(fault.message for fault in error.faults)) from None
    if not isinstance(found, Engine):
        raise ValueError(f"must be an engine that selects, not {name!r}")
    return found


__all__ = ["Channels", "Fetcher", "Pipeline", "Roofline", "Select"]
