"""The simulated Xero: identity, accounting API, webhooks, and the people who work in it."""

from simulators.xero.gate import Breakdown
from simulators.xero.people import Person
from simulators.xero.refusals import Refusal
from simulators.xero.settings_pages import NotAllowed
from simulators.xero.simulator import DEFAULT_SCOPES, XeroSimulator
from simulators.xero.state import Organisation

__all__ = ["DEFAULT_SCOPES", "Breakdown", "NotAllowed", "Organisation", "Person", "Refusal", "XeroSimulator"]
