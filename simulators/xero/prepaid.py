"""Overpayments and prepayments: money without an invoice, received or spent, for people to make and apply."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from simulators.xero.arithmetic import document_totals
from simulators.xero.codec import Record
from simulators.xero.contacts import Draft, mark_contact
from simulators.xero.documents import lock_errors
from simulators.xero.lines import LineRules, build_lines
from simulators.xero.settling import OVERPAYMENT, CreditKind
from simulators.xero.state import Organisation

NOT_OPEN = "It has been applied or refunded in part, or is voided already"


def draft_prepaid(
    organisation: Organisation,
    kind: CreditKind,
    contact_id: str,
    amount: Decimal,
    now: datetime,
    *,
    sales: bool,
    day: date | None,
    reference: str | None,
    currency: str | None,
) -> Draft:
    """Return an over- or prepayment of this total: the first bears no tax, the second tax within the amount."""
    code = currency or organisation.base_currency
    day = day or organisation.today(now)
    errors = lock_errors(organisation, [day])
    if code not in organisation.currencies:
        errors.append(f"Organisation is not subscribed to currency {code}")
    if amount <= 0:
        errors.append("The amount must be greater than zero")
    if organisation.contacts[contact_id]["ContactStatus"] != "ACTIVE":
        errors.append("The contact status 'ARCHIVED' is not valid for contacts")
    mode = "NoTax" if kind is OVERPAYMENT else "Inclusive"
    lines, line_errors = _lines(organisation, kind, amount, mode=mode, sales=sales)
    totals = document_totals(lines, mode)
    record: Record = {
        kind.id_field: "",
        "Type": f"{'RECEIVE' if sales else 'SPEND'}-{kind.category}",
        "Contact": {"ContactID": contact_id},
        "Date": day,
        "Reference": reference,
        "Status": "AUTHORISED",
        "LineAmountTypes": mode,
        "LineItems": lines,
        "SubTotal": totals.subtotal,
        "TotalTax": totals.tax,
        "Total": totals.total,
        "RemainingCredit": totals.total,
        "CurrencyCode": code,
        "CurrencyRate": organisation.day_rate(code),
        "UpdatedDateUTC": now,
    }
    return Draft(record, errors + line_errors, is_new=True)


def save_prepaid(organisation: Organisation, kind: CreditKind, draft: Draft, now: datetime) -> Record:
    """Save an accepted draft and raise its event."""
    record = kind.table(organisation).save(draft.record | {kind.id_field: organisation.new_id()})
    organisation.raise_event(kind.category, record[kind.id_field], "CREATE", now, kind.event_data(record))
    mark_contact(organisation, record["Contact"]["ContactID"], sales=record["Type"].startswith("RECEIVE"))
    return record


def void_prepaid(organisation: Organisation, kind: CreditKind, record: Record, now: datetime) -> Record:
    """Void one of which nothing is used."""
    gone = {"Status": "VOIDED", "RemainingCredit": Decimal(0), "UpdatedDateUTC": now}
    saved = kind.table(organisation).save({**record, **gone})
    organisation.raise_event(kind.category, record[kind.id_field], "UPDATE", now, kind.event_data(saved))
    return saved


def voiding_errors(organisation: Organisation, record: Record) -> list[str]:
    whole = record["Status"] == "AUTHORISED" and record["RemainingCredit"] == record["Total"]
    return lock_errors(organisation, [record["Date"]]) if whole else [NOT_OPEN]


def _lines(
    organisation: Organisation, kind: CreditKind, amount: Decimal, *, mode: str, sales: bool
) -> tuple[list[Record], list[str]]:
    """An overpayment's line is on the receivables or payables, which nobody else may post to."""
    raw: Record = {"Description": kind.name, "Quantity": 1, "UnitAmount": amount}
    if kind is OVERPAYMENT:
        system = "DEBTORS" if sales else "CREDITORS"
        account = next(each for each in organisation.accounts.values() if each.get("SystemAccount") == system)
        line = {name: account[name] for name in ("AccountID", "TaxType")} | {"AccountCode": account["Code"]}
        amounts = {"UnitAmount": amount, "TaxAmount": Decimal(0), "LineAmount": amount, "Quantity": Decimal(1)}
        return [{"Description": kind.name, **line, **amounts, "Tracking": []}], []
    rules = LineRules(organisation, sales=sales, line_amount_types=mode, approved=True, unit_places=4)
    return build_lines(rules, [raw | {"AccountCode": "200" if sales else "429"}], [])
