"""The security role: what the connector's user may do in Dynamics, and nothing else (rule A)."""

from __future__ import annotations

from collections.abc import Iterator

from core import columns
from solution.names import DISPLAY_NAME, part_id
from solution.standard import STANDARD
from solution.vocabulary import Verb

ROLE_NAME = DISPLAY_NAME
ROLE_ID = part_id("role")
_OWN: tuple[Verb, ...] = ("Create", "Read", "Write", "Append", "AppendTo")
_INVOICES: tuple[Verb, ...] = ("Read", "Write", "AppendTo")
_CUSTOMERS: tuple[Verb, ...] = (*_INVOICES, "Append")  # with what they owe they may get their currency
# Read, each because something needs it: products (units and price lists by the same privilege); currencies;
# organisation and user settings for days and numbers; users to know our own changes again; metadata for columns of
# the customer's own; jobs, steps and endpoints to see which webhooks did not arrive; roles to look for this one.
_READ = (
    "Product",
    "User",
    "TransactionCurrency",
    "Organization",
    "UserSettings",
    "Entity",
    "Attribute",
    "Relationship",
    "OptionSet",
    "EntityKey",
    "SystemForm",
    "Query",
    "AsyncOperation",
    "SdkMessage",
    "SdkMessageProcessingStep",
    "SdkMessageProcessingStepImage",
    "ServiceEndpoint",
    "Role",
)


def privileges() -> Iterator[str]:
    """Yield the names of the role's privileges, all for the whole organisation.

    Invoice lines have none of their own: Dynamics asks for those of the invoice.
    """
    for name, verbs in (("invoice", _INVOICES), ("account", _CUSTOMERS), ("contact", _CUSTOMERS)):
        yield from (f"prv{verb}{STANDARD[name].schema_name}" for verb in verbs)
    yield "prvAppendToTransactionCurrency"
    for table in columns.TABLES:
        yield from (f"prv{verb}{table.name}" for verb in _OWN)
    yield from (f"prvRead{name}" for name in _READ)
