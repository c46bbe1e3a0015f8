"""All planted bugs, by name."""

from tests.simulation import bugs_keeping, bugs_sending
from tests.simulation.bugs import BUGS, Bug

__all__ = ["BUGS", "Bug", "bugs_keeping", "bugs_sending"]
