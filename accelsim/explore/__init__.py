"""Explore: studies over designs, machines and sizes; workers, a store, Pareto fronts."""

from accelsim.explore.check import first_point
from accelsim.explore.exploration import Exploration
from accelsim.explore.explore import Session
from accelsim.explore.forecast import Forecast, forecast
from accelsim.explore.store import StoreError, open_store
from accelsim.explore.table import Results, Row
from accelsim.explore.workers import Workers

__all__ = [
    "Exploration",
    "Forecast",
    "Results",
    "Row",
    "Session",
    "StoreError",
    "Workers",
    "first_point",
    "forecast",
    "open_store",
]
