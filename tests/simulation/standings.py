"""What Dynamics must say of a document at rest, reckoned anew from what stands in Xero's books (rules D1 to D9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain, combinations
from typing import Any

from core import columns
from simulators.xero.state import Organisation
from tests.world import World

ACTIVE, PAID, CANCELLED = 0, 2, 3
DEAD = ("VOIDED", "DELETED")
SUCCESSFUL, FAILED = columns.SYNC_STATUS["Successful"], columns.SYNC_STATUS["Failed"]
PLACES = {"JPY": 0, "KWD": 3}
TELLING = {
    "Invoice has been paid in Xero: ": "PAID",
    "Invoice has been credited in full in Xero: ": "Credited",
    "Invoice status updated: Draft": "DRAFT",
    "Invoice status updated: Submitted": "SUBMITTED",
    "Invoice status updated: Authorised": "AUTHORISED",
    "Invoice status updated: Voided": "VOIDED",
    "Invoice status updated: Deleted": "DELETED",
    "Invoice has been deleted in Xero - ": "DELETED",
    "Invoice has been voided in Xero - ": "VOIDED",
}
# What is said of a document that had ended before its invoice did.
ENDED_BEFORE = {
    "has been voided in Xero": "VOIDED",
    "has been deleted in Xero": "DELETED",
    "has been credited in full in Xero": "Credited",
}
OF_INVOICE = ("The invoice was cancelled", "The invoice was deleted", "The invoice is active again")
CREDITED_BY_US = "Invoice has been credited in Xero - ", "was made and applied to"
OF_OTHERS = (
    "Invoice has been paid in part in Xero: ",
    "Invoice has been credited in part in Xero: ",
    "A payment has been removed in Xero: ",
    "A credit has been removed in Xero: ",
    "Invoice has been changed in Xero: ",
    *TELLING,
)
OF_AMOUNTS = (*OF_OTHERS, CREDITED_BY_US[0])
OWN = ("Invoice has been created in Xero", "Invoice has been updated in Xero")
_DUE = re.compile(r"(?:, |amount due )([0-9.]+)(?: [A-Z]{3})?(?: due)?\.")


@dataclass(frozen=True, slots=True)
class Books:
    """Where a document stands by its payments and allocations."""

    status: str
    due: Decimal
    paid: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Act:
    """The state that somebody last gave to an invoice; `was_ours`: the row said then that the connector closed it."""

    state: int
    was_ours: bool


def books_of(organisation: Organisation, document: dict[str, Any]) -> Books:
    """Add up what was paid, in advance or not, and credited."""
    if document["Status"] in DEAD:
        return Books(document["Status"], Decimal(0), Decimal(0), document["TotalTax"])
    applied = organisation.allocations_on(document["InvoiceID"])
    notes = sum((each["Amount"] for each in applied if each["_kind"] == "CreditNote"), Decimal(0))
    advances = sum((each["Amount"] for each in applied if each["_kind"] != "CreditNote"), Decimal(0))
    payments = sum((each["Amount"] for each in organisation.payments_on(document["InvoiceID"])), Decimal(0))
    due = document["Total"] - notes - advances - payments
    is_credited = document["Status"] == "PAID" and notes and not payments and not advances
    status = "Credited" if is_credited else document["Status"]
    return Books(status, due, payments + advances, document["TotalTax"])


def owed(world: World, organisation: Organisation, contact_ids: set[str]) -> tuple[Decimal, Decimal]:
    """Return what these contacts owe together, and what of it is overdue today, in the base currency."""
    today = organisation.today(world.clock.now())
    open_ones = [
        row
        for row in organisation.invoices.values()
        if row["Type"] == "ACCREC" and row["Status"] == "AUTHORISED" and row["Contact"]["ContactID"] in contact_ids
    ]
    outstanding = sum((_in_base(row["AmountDue"], row) for row in open_ones), Decimal(0))
    overdue = sum((_in_base(row["AmountDue"], row) for row in open_ones if row["DueDate"] < today), Decimal(0))
    for table in (organisation.credit_notes, organisation.overpayments, organisation.prepayments):
        for row in table.values():
            is_sales = row["Type"] == "ACCRECCREDIT" or row["Type"].startswith("RECEIVE")
            if is_sales and row["Status"] == "AUTHORISED" and row["Contact"]["ContactID"] in contact_ids:
                outstanding -= _in_base(row["RemainingCredit"], row)
    return outstanding, overdue


def complaints_of_balances(world: World, books: dict[str, Organisation]) -> list[str]:
    """Return where a customer does not owe what Xero says (rule D8); `books` by connection.

    A contact that only its number makes known is shown from its next event on: at night only those are refreshed that
    documents name, or that were listed before and not forgotten with Redis.
    """
    wrong = []
    for customer_id in world.customers.values():
        contacts = {key: _contacts_of(world, key, organisation, customer_id) for key, organisation in books.items()}
        sums = {key: owed(world, books[key], ids) for key, ids in contacts.items() if ids}
        by_number = [key for key in sums if not _named_contacts(world, key, customer_id)]
        left_out = chain.from_iterable(combinations(by_number, count) for count in range(len(by_number) + 1))
        wanted = [_total(each for key, each in sums.items() if key not in missing) for missing in left_out]
        row = world.sales.get("account", customer_id)
        said = (row["stl3_amountowed"], row["stl3_amountoverdue"])
        is_empty = said == (None, None) and not all(any(each) for each in wanted)
        if sums and said not in wanted and not is_empty:
            wrong.append(f"{row['name']} owes {wanted[0]}, and Dynamics says {said}")
    return wrong


def _total(sums: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    owed_sums = list(sums)
    return sum((each[0] for each in owed_sums), Decimal()), sum((each[1] for each in owed_sums), Decimal())


def _named_contacts(world: World, connection_id: str, customer_id: str) -> set[str]:
    """Return the contacts of this customer that Xero details name."""
    rows = world.dynamics.rows(columns.DETAILS.set_name)
    mine = [row for row in rows if (row["stl3_connectionid"], row["stl3_contactof"]) == (connection_id, customer_id)]
    return {row["stl3_xerocontactid"] for row in mine} - {None}


def _contacts_of(world: World, connection_id: str, organisation: Organisation, customer_id: str) -> set[str]:
    """Return the contacts of this customer by the Xero details, else by number, or what they were merged into."""
    contacts = organisation.contacts
    found = _named_contacts(world, connection_id, customer_id)
    found = found or {key for key, row in contacts.items() if row.get("ContactNumber") == customer_id}
    while heirs := {key for each in found if (key := contacts[each].get("MergedToContactID"))} - found:
        found |= heirs
    return {key for key in found if not contacts[key].get("MergedToContactID")}


def _in_base(amount: Decimal, row: dict[str, Any]) -> Decimal:
    return Decimal(amount / row["CurrencyRate"]).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Followed:
    """One exported invoice at rest beside its document.

    `act`: what a person last did to its state, if anything. `status_at_first`: of its document, empty if not known.
    """

    world: World
    organisation: Organisation
    invoice_id: str
    is_deleted: bool = False
    act: Act | None = None
    status_at_first: str = ""

    def __post_init__(self) -> None:
        self.details = self.world.details(self.invoice_id)
        self.document = self.organisation.invoices[self.details["stl3_xeroinvoiceid"]]
        self.books = books_of(self.organisation, self.document)
        self.invoice = {} if self.is_deleted else self.world.invoice(self.invoice_id)
        details_id = self.details[columns.DETAILS.id_column]
        rows = self.world.dynamics.rows(columns.HISTORY.set_name)
        history = [row for row in rows if row["_stl3_xerodetails_value"] == details_id]
        self.history = of_document(history, self.details["stl3_xeroinvoiceid"])

    @property
    def is_ours(self) -> bool:
        """Whether the row says that the connector closed the invoice."""
        return bool(self.details["stl3_closedbyconnector"])

    def complaints(self) -> list[str]:
        wrong = [*self.of_details(), *self.of_history()]
        if not self.is_deleted:
            wrong += [*self.of_state(), *self.of_due(), *self.of_tax()]
        return wrong

    def of_details(self) -> list[str]:
        row, books = self.details, self.books
        said = Books(row["stl3_xerostatus"], row["stl3_amountdue"], row["stl3_amountpaid"], row["stl3_taxinxero"])
        return [] if said == books else [f"details {said} of {books}"]

    def of_state(self) -> list[str]:
        """Closed by us only while it is paid, and what a person did to its state stays (rules D2, D4)."""
        state, act = self.invoice["statecode"], self.act
        is_paid = self.books.status == "PAID"
        wrong = ["closed by the connector, says the row, and not paid"] if self.is_ours and not is_paid else []
        if (state == CANCELLED) != (act is not None and act.state == CANCELLED):
            wrong.append(f"state {state} after {act}")
        by_person = act is not None and act.state == PAID
        if state == PAID and not by_person and not (self.is_ours and is_paid):
            wrong.append("Paid, and nobody has closed it")
        if state == ACTIVE and act is not None and by_person and not act.was_ours:
            wrong.append("opened though a person had closed it")
        if state == ACTIVE and is_paid and not (act is not None and act.state == ACTIVE):
            wrong.append("paid and still active")
        return wrong

    def of_due(self) -> list[str]:
        """An invoice that can be written says what is due (rules C53, D3)."""
        closed_by_us = self.invoice["statecode"] == PAID and self.is_ours
        if self.invoice["statecode"] != ACTIVE and not closed_by_us:
            return []
        said, due = self.invoice["stl3_amountdue"], self.books.due
        # Xero has cents of any currency, and Dynamics may keep fewer places.
        return [] if said in (due, self.in_currency(due)) else [f"amount due {said} of {due}"]

    def of_tax(self) -> list[str]:
        """The lines bear Xero's tax; nothing where prices contain it (rule C52)."""
        if self.invoice["statecode"] != ACTIVE or self.document["Status"] in DEAD or self.is_apart():
            return []
        inclusive = self.document["LineAmountTypes"] == "Inclusive"
        tax = Decimal(0) if inclusive else self.in_currency(self.document["TotalTax"])
        return [] if self.invoice["totaltax"] == tax else [f"tax {self.invoice['totaltax']} of {tax}"]

    def is_apart(self) -> bool:
        """Whether the invoice has been changed here, and that could not be carried over: the history says so."""
        if self.details["stl3_waitingfor"]:
            return True
        written = max((n for n, row in enumerate(self.history) if row["stl3_details"].startswith(OWN)), default=0)
        return any(row["stl3_syncstatus"] == FAILED for row in self.history[written:])

    def of_history(self) -> list[str]:
        """The last that it tells of status and amounts is so, and it says nothing twice."""
        rows = [row for row in self.history if is_of_amounts(row["stl3_details"])]
        wrong = [
            f"told twice: {one['stl3_details']}"
            for one, other in zip(self.history, self.history[1:], strict=False)
            if one["stl3_details"] == other["stl3_details"] and one["stl3_details"].startswith(OF_OTHERS)
        ]
        wrong += [f"Failed: {row['stl3_details']}" for row in rows if row["stl3_syncstatus"] != SUCCESSFUL]
        told = [status for row in rows if (status := told_status(row["stl3_details"]))]
        status = told[-1] if told else self.status_at_first
        if status and status != self.books.status:
            wrong.append(f"the history ends with {status} of {self.books.status}")
        texts = [row["stl3_details"] for row in self.history]
        of_amounts = [text for text in texts if is_of_amounts(text) or text.startswith(OWN)]
        due = told_due(of_amounts[-1]) if of_amounts else None
        if due is not None and due != self.books.due:
            wrong.append(f"the history ends with {due} due of {self.books.due}")
        return wrong

    def in_currency(self, amount: Decimal) -> Decimal:
        places = PLACES.get(self.document["CurrencyCode"], 2)
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def of_document(history: list[dict[str, Any]], xero_id: str) -> list[dict[str, Any]]:
    """Return what was told since this document was made; before, the invoice may have had another one (rule E8)."""
    texts = [row["stl3_details"] for row in history]
    made = [n for n, text in enumerate(texts) if text.startswith(f"Invoice has been created in Xero - {xero_id}")]
    return history[made[-1] :] if made else history


def is_of_amounts(text: str) -> bool:
    """Whether a row of history tells of status or amounts."""
    if "the change of the invoice was not carried over" in text:
        return False
    return text.startswith(OF_AMOUNTS) or bool(_told_of_before(text))


def told_status(text: str) -> str:
    """Return the status that a row of history tells; empty if none."""
    first = text.split("\n", maxsplit=1)[0]
    if all(words in text for words in CREDITED_BY_US):
        return "Credited"
    return next((status for words, status in TELLING.items() if words in first), _told_of_before(text))


def _told_of_before(text: str) -> str:
    if not text.startswith(OF_INVOICE):
        return ""
    return next((status for words, status in ENDED_BEFORE.items() if words in text), "")


def told_due(text: str) -> Decimal | None:
    """Return what a row of history says is due; None if it does not say."""
    found = _DUE.findall(text.split("\n", maxsplit=1)[0])
    return Decimal(found[-1]) if found else None
