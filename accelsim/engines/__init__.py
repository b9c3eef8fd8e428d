"""Cycle models of engines: parameters, lags, interval and actions; each has a twin in accelsim.rtl."""

from accelsim.engines.engine import Engine, Model, Port, parameter
from accelsim.engines.registry import MACHINES, NAMES, engine, machine_class, model_class
from accelsim.engines.stimulus import Offer, Stimulus, Transfer

__all__ = [
    "MACHINES",
    "NAMES",
    "Engine",
    "Model",
    "Offer",
    "Port",
    "Stimulus",
    "Transfer",
    "engine",
    "machine_class",
    "model_class",
    "parameter",
]
