"""Cycle models of engines: parameters, lags, interval and actions; each has a twin in accelsim.rtl."""

from accelsim.engines.engine import Engine, Model, Port, parameter
from accelsim.engines.registry import NAMES, engine, model_class
from accelsim.engines.stimulus import Offer, Stimulus, Transfer

__all__ = [
    "NAMES",
    "Engine",
    "Model",
    "Offer",
    "Port",
    "Stimulus",
    "Transfer",
    "engine",
    "model_class",
    "parameter",
]
