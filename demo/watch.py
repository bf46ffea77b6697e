"""Looks at both simulators and says what has become of each sale, and of what customers owe."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests

from clients.xero import parse_xero_time
from core import columns
from demo.company import Company
from demo.owed import Owed, owed_by
from demo.sale import ACTIVE, CANCELLED, CREDITED, DELETED, EXPORTED, FAILED, PAID, WAITS, Row, Sale, Step

STATES = {0: ACTIVE, 2: PAID, 3: CANCELLED}
ZERO = Decimal(0)


class Watcher:
    """Reads what stands in Dynamics and Xero through the simulators' control API: it costs the connector nothing."""

    def __init__(self, company: Company) -> None:
        self._addresses = company.stack.addresses
        self._tenant_id = company.tenant_id
        self._customers = company.customers
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would replace the CA of the simulators
        self._session.verify = self._addresses["ca_bundle"]

    def look(self, sales: Sequence[Sale]) -> list[Owed]:
        """Bring the facts of the sales up to date; return what each customer owes."""
        dynamics = f"{self._addresses['dynamics']}/_control"
        invoices = {row["invoiceid"]: row for row in self._rows("invoices")}
        details = {row["stl3_dynamicsinvoiceid"]: row for row in self._rows(columns.DETAILS.set_name)}
        moments = self._get(f"{dynamics}/moments/{columns.DETAILS.set_name}")["moments"]
        history = _grouped(self._rows(columns.HISTORY.set_name), lambda row: row["_stl3_xerodetails_value"])
        books = self._get(f"{self._addresses['xero']}/_control/state/{self._tenant_id}")
        documents = {row["InvoiceID"]: row for row in books["Invoices"]}
        payments = _grouped(books["Payments"], lambda row: (row.get("Invoice") or {}).get("InvoiceID"))
        for sale in sales:
            row = details.get(sale.invoice_id, {})
            document = documents.get(row.get("stl3_xeroinvoiceid"), {})
            sale.facts = {
                "invoice": invoices.get(sale.invoice_id, {}),
                "details": row,
                "written_at": moments.get(row.get(columns.DETAILS.id_column)),
                "history": history.get(row.get(columns.DETAILS.id_column, ""), []),
                "document": document,
                "documents": sum(sale.invoice_id in each.get("Url", "") for each in books["Invoices"]),
                "notes": [note for note in books["CreditNotes"] if is_ours(note, document)],
                "payments": payments.get(document.get("InvoiceID"), []),
            }
        accounts = {row["accountid"]: row for row in self._rows("accounts")}
        today = datetime.now(UTC).date()  # noqa: TID251 - a person's today
        return [owed_by(name, accounts[key], books["Invoices"], today) for name, key in self._customers.items()]

    def _rows(self, set_name: str) -> list[Row]:
        rows: list[Row] = self._get(f"{self._addresses['dynamics']}/_control/rows/{set_name}")["rows"]
        return rows

    def _get(self, address: str) -> Any:
        answer = self._session.get(address, timeout=10)
        answer.raise_for_status()
        return json.loads(answer.content, parse_float=Decimal)


def is_ours(note: Row, document: Row) -> bool:
    """Whether a credit note bears a number that the connector gives to the one of this document."""
    numbers = (document.get("InvoiceNumber"), document.get("InvoiceID"))
    side = {"ACCREC": "ACCRECCREDIT", "ACCPAY": "ACCPAYCREDIT"}.get(document.get("Type", ""))
    return note["Type"] == side and note["CreditNoteNumber"] in {f"CN-{number}" for number in numbers if number}


def state_of(sale: Sale) -> str:
    """Return what has become of a sale so far; empty while nothing has."""
    details = sale.facts.get("details", {})
    status = columns.EXPORT_STATUS.label(details.get("stl3_exportstatus"))
    if status == "Yes" and sale.facts["document"]:
        return EXPORTED
    if status == "Failed":
        return FAILED
    return WAITS if details.get("stl3_waitingfor") else ""


def words_of(sale: Sale) -> str:
    """Return what its row in Dynamics says: the newest history entry, or what it waits for."""
    rows = sale.facts.get("history", [])
    said = rows[-1].get("stl3_details") if rows else sale.facts.get("details", {}).get("stl3_waitingfor")
    return str(said or "")


def came_true(sale: Sale) -> bool:
    """Whether exactly what was expected has become of the sale by now, in both systems and to the cent."""
    if state_of(sale) != sale.expected or sale.words not in words_of(sale):
        return False
    if sale.expected != EXPORTED:
        return not sale.facts["documents"]
    once = sale.facts["documents"] == 1 and len(sale.facts["history"]) == sale.rows
    return once and disagreement(sale) == ""


def disagreement(sale: Sale) -> str:
    """Return what of an exported sale is not as it should be; empty if all of it is."""
    document, invoice, details = (sale.facts[name] for name in ("document", "invoice", "details"))
    due = due_in_xero(document)
    wanted = sale.status or document["Status"]
    checks = {
        "status in Xero": (document["Status"], "PAID" if wanted == CREDITED else wanted),
        "status in Xero details": (details.get("stl3_xerostatus"), wanted),
        "state of the invoice": (dynamics_state(sale), sale.state),
        "amount due in Xero details": (details.get("stl3_amountdue"), due),
        "credit notes of the connector": (len(sale.facts["notes"]), int(sale.is_credited)),
    }
    if sale.state != DELETED:
        checks["total"] = (invoice.get("totalamount"), Decimal(document["Total"]))
    if sale.state in (ACTIVE, PAID):  # one that is cancelled is read-only
        checks["amount due"] = (invoice.get("stl3_amountdue"), due)
    return "; ".join(f"{what}: {now}, not {should}" for what, (now, should) in checks.items() if now != should)


def due_in_xero(document: Row) -> Decimal:
    """Return what is still to be paid of a document: of a voided or deleted one nothing."""
    return ZERO if document["Status"] in ("VOIDED", "DELETED") else Decimal(document["AmountDue"])


def dynamics_state(sale: Sale) -> str:
    """Return the state of the invoice as people see it in Dynamics."""
    invoice, details = sale.facts.get("invoice", {}), sale.facts.get("details", {})
    if details and not invoice:
        return DELETED
    return STATES.get(invoice.get("statecode", -1), "")


def number_of(sale: Sale) -> str:
    """Return the invoice's number in Dynamics, which its Xero details keep when it is deleted."""
    details = sale.facts.get("details", {})
    return str(sale.facts.get("invoice", {}).get("invoicenumber") or details.get("stl3_dynamicsnumber") or "")


def latency_ms(sale: Sale) -> float | None:
    """Return the time from the last act to where its effect shows; None before that.

    Of an act in Dynamics that is the document in Xero as it was last written; of one in Xero the commit of the Xero
    details row, and of whatever was written together with it.
    """
    facts = sale.facts
    if sale.in_xero:
        shown_at = datetime.fromisoformat(facts["written_at"]) if facts.get("written_at") else None
    else:
        shown_at = parse_xero_time(facts["document"]["UpdatedDateUTC"]) if facts.get("document") else None
    took_s = -1.0 if shown_at is None else shown_at.timestamp() - sale.acted_at
    return took_s * 1000 if took_s >= 0 else None


def step_of(sale: Sale) -> Step:
    """Return what has become of it so far as a step that is done."""
    return Step(sale.acted_at, told_of(sale), latency_ms(sale), sale.in_xero)


def told_of(sale: Sale) -> str:
    """Return in a line what somebody did and what became of it."""
    took = latency_ms(sale)
    where = "Dynamics" if sale.in_xero else "Xero"
    done = f"in {where} after {took:.0f} ms{_came_of_it(sale)}" if took is not None else ""
    return f"{sale.title} for {sale.customer}: {done or state_of(sale) or 'nothing'}"


def _came_of_it(sale: Sale) -> str:
    due = f"{due_in_xero(sale.facts['document']):,.2f} due"
    if sale.in_xero:
        return f", invoice {dynamics_state(sale)}, {due}"
    if sale.is_credited:
        return "".join(f", {note['CreditNoteNumber']} applied" for note in sale.facts["notes"]) + f", {due}"
    return {"DRAFT": ", as a draft", "DELETED": f", draft deleted, {due}"}.get(sale.status, "")


def _grouped(rows: Sequence[Row], key_of: Any) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key_of(row)].append(row)
    return groups
