"""Energy and area: exact counts of actions times cost tables whose every row has a source."""

from accelsim.energy.account import Area, Charge, Energy, area, energy
from accelsim.energy.components import Part, attributes, parts
from accelsim.energy.tables import CostTable

__all__ = ["Area", "Charge", "CostTable", "Energy", "Part", "area", "attributes", "energy", "parts"]
