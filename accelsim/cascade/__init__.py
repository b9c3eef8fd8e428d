"""Cascades: attention algorithms as sets of Einsums over partial tensors."""

from __future__ import annotations

from accelsim.cascade.cascade import Cascade
from accelsim.cascade.linear import Linear
from accelsim.cascade.model import (
    Axis,
    Const,
    Equation,
    Merged,
    Plain,
    Reduce,
    Shift,
    Tensor,
    TensorRead,
)
from accelsim.cascade.sizes import Sizes

__all__ = [
    "Axis",
    "Cascade",
    "Const",
    "Equation",
    "Linear",
    "Merged",
    "Plain",
    "Reduce",
    "Shift",
    "Sizes",
    "Tensor",
    "TensorRead",
]
