"""The people: they save invoices in Dynamics, change, cancel and delete some, approve and pay in Xero."""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import requests

from core import columns
from demo.company import CLOSED_AS_CANCELLED, SALES_APP, Company, WebApi
from tests.chaos.books import Onlooker
from tests.chaos.lives import APPROVE, CANCEL, DELETE, EDIT, PAY, PAY_A_PART, UNPAY, VOID, Act, Life, Line
from tests.chaos.verdict import Books, Row, judge_one

LOOK_AGAIN_S = 2.0
REFUSALS_MAX = 10
PURCHASE = columns.INVOICE_TYPE["Purchase Invoice"]


class Unheard(Exception):
    """An act found nothing that it could be done to: a look at the books was too old."""


@dataclass
class Office:
    """What all people share: the newest look at the books, what was done, and what went wrong with one of them."""

    company: Company
    addresses: dict[str, str]
    today: date
    stopping: threading.Event = field(default_factory=threading.Event)
    books: Books = field(default_factory=Books)
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[BaseException] = field(default_factory=list)
    started_at: float = 0.0


class Person(threading.Thread):
    """Goes through the lives of some invoices, each act when its time has come and the one before it shows."""

    def __init__(self, office: Office, lives: list[Life], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._office = office
        self._sales = WebApi(office.addresses, SALES_APP)
        self._xero = Onlooker(office.addresses, office.company.tenant_id)
        self._agenda = [(office.started_at + life.saved_after_s, life.number) for life in lives]
        heapq.heapify(self._agenda)
        self._lives = {life.number: life for life in lives}

    def run(self) -> None:
        try:
            while self._agenda and not self._office.stopping.is_set():
                due_at, number = self._agenda[0]
                if not self._office.stopping.wait(max(0.0, due_at - time.monotonic())):
                    heapq.heappop(self._agenda)
                    self._go_on(self._lives[number])
        except BaseException as error:  # the driver has to know
            self._office.errors.append(error)
            raise

    def _go_on(self, life: Life) -> None:
        if not life.invoice_id:
            life.invoice_id = self._sales.create("invoices", row_of(self._office.company, life, self._office.today))
            self._office.counts["save"] += 1
            life.acted_at = time.monotonic()
            self._plan_next(life)
            return
        act = life.planned[len(life.done)]
        books = self._office.books
        if not act.hurried and not is_at_rest(life, books):
            self._at(time.monotonic() + LOOK_AGAIN_S, life)
            return
        try:
            self._do(act, life, books)
        except (requests.HTTPError, Unheard, RuntimeError):
            # What one wants to do may be refused because somebody was faster; one looks, and tries again.
            life.refusals += 1
            self._office.counts["refused"] += 1
            if life.refusals > REFUSALS_MAX:
                raise
            self._at(time.monotonic() + LOOK_AGAIN_S, life)
            return
        life.done.append(act.kind)
        life.acted_at = time.monotonic()
        self._office.counts[act.kind] += 1
        self._plan_next(life)

    def _plan_next(self, life: Life) -> None:
        if len(life.done) < len(life.planned):
            self._at(time.monotonic() + life.planned[len(life.done)].after_s, life)

    def _at(self, moment: float, life: Life) -> None:
        heapq.heappush(self._agenda, (moment, life.number))

    def _do(self, act: Act, life: Life, books: Books) -> None:
        in_dynamics: dict[str, Callable[[Life], None]] = {
            EDIT: self._edit_invoice,
            CANCEL: self._cancel_invoice,
            DELETE: self._delete_invoice,
        }
        if act.kind in in_dynamics:
            in_dynamics[act.kind](life)
            return
        document = _document_of(life, books)
        self._act_in_xero(act.kind, document, books)

    def _edit_invoice(self, life: Life) -> None:
        """Order one more of a line: the total always becomes another one."""
        query = {"select": "invoicedetailid,quantity", "filter": f"_invoiceid_value eq {life.invoice_id}"}
        lines = self._sales.rows("invoicedetails", **query, orderby="lineitemnumber")
        line = lines[len(life.done) % len(lines)]
        self._sales.update("invoicedetails", line["invoicedetailid"], {"quantity": line["quantity"] + 1})

    def _cancel_invoice(self, life: Life) -> None:
        self._sales.update("invoices", life.invoice_id, CLOSED_AS_CANCELLED)

    def _delete_invoice(self, life: Life) -> None:
        self._sales.delete("invoices", life.invoice_id)

    def _act_in_xero(self, kind: str, document: Row, books: Books) -> None:
        this, due = {"invoice_id": document["InvoiceID"]}, Decimal(document["AmountDue"])
        if kind == APPROVE:
            self._xero.act_in_xero("approve_invoice", **this)
        elif kind == VOID:
            self._xero.act_in_xero("void_invoice", **this)
        elif kind == PAY:
            self._xero.act_in_xero("pay", **this, amount=str(due))
        elif kind == PAY_A_PART:
            self._xero.act_in_xero("pay", **this, amount=str(round(due / 3, 2)))
        elif kind == UNPAY:
            payments = [each for each in books.payments.get(this["invoice_id"], ()) if each["Status"] != "DELETED"]
            if not payments:
                raise Unheard(kind)
            self._xero.act_in_xero("remove_payment", payment_id=payments[-1]["PaymentID"])


def is_at_rest(life: Life, books: Books) -> bool:
    """Whether a look that began after the last act shows that all has come true in both systems."""
    if books.began_at <= life.acted_at:
        return False
    if judge_one(life.wanted, books):
        return False
    return bool(books.documents.get(life.invoice_id))


def _document_of(life: Life, books: Books) -> Row:
    (row, *_) = books.details.get(life.invoice_id, ()) or ({},)
    for document in books.documents.get(life.invoice_id, ()):
        if document["InvoiceID"] == row.get("stl3_xeroinvoiceid"):
            return document
    raise Unheard(life.invoice_id)


def row_of(company: Company, life: Life, today: date) -> dict[str, Any]:
    """Return the invoice with its lines, as the sales user saves it."""
    row = {
        "name": life.name,
        "customerid_account@odata.bind": f"/accounts({company.customers[life.customer]})",
        "pricelevelid@odata.bind": f"/pricelevels({company.price_list})",
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({company.currency})",
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({company.connection_id})",
        "datedelivered": f"{today}T00:00:00Z",
        "duedate": f"{today + timedelta(days=14 + life.number % 20)}",
        "invoice_details": [_line_of(company, line) for line in life.lines],
    }
    return row | ({"stl3_invoicetype": PURCHASE} if life.is_bill else {})


def _line_of(company: Company, line: Line) -> dict[str, Any]:
    amounts = {"quantity": Decimal(line.quantity), "priceperunit": Decimal(line.price)}
    if not line.product:
        return {"isproductoverridden": True, "productdescription": line.text, **amounts}
    return {
        "isproductoverridden": False,
        "ispriceoverridden": True,
        "productid@odata.bind": f"/products({company.products[line.product]})",
        "uomid@odata.bind": f"/uoms({company.unit})",
        **amounts,
    }
