"""A simulated Dynamics 365 Sales environment: Dataverse's Web API, its rules, its webhooks."""

from simulators.dataverse.errors import Refused
from simulators.dataverse.simulator import DataverseSimulator

__all__ = ["DataverseSimulator", "Refused"]
