"""Invoices whose document in Xero is over, what people did to end it, and what is true when it is sent again."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from core import columns
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.updating import document, export, person
from tests.world import World

PURCHASE = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
OF_ONE_DOCUMENT = (
    "xeroinvoiceid",
    "xeronumber",
    "xerostatus",
    "xerourl",
    "amountdue",
    "amountpaid",
    "amountcredited",
    "taxinxero",
    "currency",
    "fingerprint",
    "xeroupdated",
    "statusbeforeclose",
    "creditnoteid",
    "creditnotenumber",
    "cancelling",
    "waitingfor",
)


def voided(world: World, xero_id: str) -> None:
    person(world).void_invoice(xero_id)


def deleted(world: World, xero_id: str) -> None:
    person(world).delete_invoice(xero_id)


def credited(world: World, xero_id: str) -> None:
    """As the connector leaves it: the note has our number, is applied in full, and the row names it."""
    note = credit(world, xero_id)
    (row,) = [row for row in world.dynamics.rows(columns.DETAILS.set_name) if row["stl3_xeroinvoiceid"] == xero_id]
    named = {"stl3_creditnoteid": note["CreditNoteID"], "stl3_creditnotenumber": note["CreditNoteNumber"]}
    world.sales.update(columns.DETAILS.set_name, row[columns.DETAILS.id_column], named)


def credit(world: World, xero_id: str, *, number: str = "", total: Any = None) -> dict[str, Any]:
    """Somebody makes a credit note, by default with the number that ours would have, and applies it."""
    found = world.org.invoices[xero_id]
    line = {"Description": "Back", "Quantity": 1, "UnitAmount": total or found["Total"], "AccountCode": "200"}
    note: dict[str, Any] = person(world).create_credit_note(
        Type=found["Type"] + "CREDIT",
        Contact={"ContactID": found["Contact"]["ContactID"]},
        CreditNoteNumber=number or f"CN-{found['InvoiceNumber']}",
        LineItems=[line | {"TaxType": "NONE"}],
        Status="AUTHORISED",
    )
    person(world).allocate_credit_note(note["CreditNoteID"], xero_id)
    return note


Act = Callable[[World, str], None]
STATUS = {voided: "AUTHORISED", deleted: "DRAFT", credited: "AUTHORISED"}  # of documents that end like this
acts = pytest.mark.parametrize("act", STATUS)


@dataclass
class Sent:
    """An invoice, the document that it had, and how that one was when it was over."""

    world: World
    invoice_id: str
    xero_id: str
    before: dict[str, Any]

    def assert_sent_again(self, *, number: str = "") -> dict[str, Any]:
        """One new document, on the row; the old one untouched and told of once. Return the new one."""
        world = self.world
        assert world.org.invoices[self.xero_id] == self.before
        new = [row for row in world.documents_of(self.invoice_id) if row["InvoiceID"] != self.xero_id]
        assert len(new) == 1
        details = world.details(self.invoice_id)
        assert world.status(self.invoice_id) == "Yes"
        assert details["stl3_xeroinvoiceid"] == new[0]["InvoiceID"]
        assert (details["stl3_attemptstarted"], details["stl3_waitingfor"]) == (None, None)
        assert details["stl3_xeronumber"] == new[0]["InvoiceNumber"]
        assert (details["stl3_creditnoteid"], details["stl3_creditnotenumber"]) == (None, None)
        assert world.invoice(self.invoice_id)["stl3_amountdue"] == details["stl3_amountdue"] == new[0]["AmountDue"]
        if number:
            assert new[0]["InvoiceNumber"] == number
        assert created(world, self.invoice_id) == [self.xero_id, new[0]["InvoiceID"]]
        assert [text for text in told(world, self.invoice_id) if "second document" in text] == []
        return new[0]


def over(world: World, act: Act, **row: Any) -> Sent:
    """Return an invoice whose document was ended long ago, which has been told."""
    sent = exported(world, act, **row)
    end(world, sent, act)
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    world.xero.wire.forget_calls()
    return sent


def exported(world: World, act: Act, **row: Any) -> Sent:
    """Return an invoice in Xero, as it has to be if its document is to end like this."""
    world.choose(status=STATUS[act].capitalize())
    invoice_id = export(world, **row)
    return Sent(world, invoice_id, document(world, invoice_id)["InvoiceID"], {})


def end(world: World, sent: Sent, act: Act) -> None:
    act(world, sent.xero_id)
    sent.before = deepcopy(world.org.invoices[sent.xero_id])


def ask_again(world: World, *sent: Sent) -> None:
    """A person sets Export status to No, and the event comes."""
    for one in sent:
        world.try_again(one.invoice_id)
    world.mark(*[one.invoice_id for one in sent])


def created(world: World, invoice_id: str) -> list[str]:
    """Return the documents of whose creation the history tells."""
    rows = [row for row in world.history(invoice_id) if row["stl3_syncstatus"] == SUCCESSFUL]
    start = "Invoice has been created in Xero - "
    texts = [row["stl3_details"].split("\n")[0] for row in rows]
    return [text.removeprefix(start) for text in texts if text.startswith(start)]


def told(world: World, invoice_id: str) -> list[str]:
    """Return what the history says beyond the creations."""
    texts = [row["stl3_details"] for row in world.history(invoice_id)]
    return [text for text in texts if not text.startswith("Invoice has been created")]


def due(world: World, invoice_id: str) -> Decimal:
    return Decimal(world.invoice(invoice_id)["stl3_amountdue"])


def number_of(world: World, invoice_id: str) -> str:
    return str(world.invoice(invoice_id)["invoicenumber"])
