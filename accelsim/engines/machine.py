"""The convention of whole machines: what their pipelines tell the simulator of each Einsum's tile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.engines.parameters import Parametric


@dataclass(frozen=True, kw_only=True)
class Machine(Parametric, ABC):
    """Hardware that a mapping sequences; Einsums are named as in the cascade that it runs.

    Its twin in accelsim.rtl is made from the program of such a mapping. All times are in cycles.
    """

    @property
    @abstractmethod
    def lags(self) -> Mapping[tuple[str, str], int]:
        """From the start of one Einsum's tile to that of another that reads it."""

    @property
    @abstractmethod
    def cycles(self) -> Mapping[str, int]:
        """Of a task of the Einsums whose operations wait for one another."""

    @property
    @abstractmethod
    def latencies(self) -> Mapping[str, int]:
        """From the end of an Einsum's tile to its use where no lag says more."""
