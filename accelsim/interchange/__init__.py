"""Files of other tools: problem shapes of Timeloop and AccelForge, model configurations."""

from accelsim.interchange.accelforge import read_accelforge
from accelsim.interchange.einsums import Einsums
from accelsim.interchange.model_config import read_model
from accelsim.interchange.timeloop import read_timeloop

__all__ = ["Einsums", "read_accelforge", "read_model", "read_timeloop"]
