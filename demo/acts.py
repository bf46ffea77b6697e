"""What people do afterwards about invoices of the story, in Dynamics and in Xero, and what that has to lead to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from demo.company import Company
from demo.sale import CANCELLED, CREDITED, DELETED, PAID, Row, Sale, Then


def sell_more() -> Then:
    """A line of an exported draft is changed (rule C61)."""
    return Then("One piece more on the draft", _one_more, "has been updated", rows=2, status="DRAFT")


def approve(*, rows: int) -> Then:
    """Somebody approves a draft in Xero (rule D1)."""
    return Then("Approved in Xero", _approve, "status updated: Authorised", rows, status="AUTHORISED", in_xero=True)


def correct_account() -> Then:
    """An invoice that failed is corrected and set to No (rule C60)."""
    return Then("Corrected and set to No", _correct_account, "has been created", rows=2)


def pay() -> Then:
    """All that is due is paid (rule D2)."""
    return Then("Paid in Xero", pay_in_xero, "has been paid in Xero", rows=2, status="PAID", state=PAID, in_xero=True)


def pay_a_part() -> Then:
    """A third is paid (rule D3)."""
    return Then(
        "Paid in part in Xero", _pay_a_third, "paid in part in Xero", rows=2, status="AUTHORISED", in_xero=True
    )


def take_payment_back() -> Then:
    """The payment of a paid invoice is removed: it is open again in both systems (rule D4)."""
    words = "payment has been removed in Xero"
    return Then("Payment removed in Xero", _remove_payment, words, rows=3, status="AUTHORISED", in_xero=True)


def void() -> Then:
    """Somebody voids the document (rule D6)."""
    return Then("Voided in Xero", _void, "status updated: Voided", rows=2, status="VOIDED", in_xero=True)


def credit() -> Then:
    """A credit note settles all of it, so nothing has been paid (rule D2)."""
    words = "credited in full in Xero"
    return Then("Credited in full in Xero", _credit, words, rows=2, status=CREDITED, in_xero=True)


def cancel_draft() -> Then:
    """A draft is cancelled in Dynamics: nobody has booked it, so it is deleted in Xero (rule E1)."""
    words = "Invoice has been deleted in Xero"
    return Then("Draft cancelled in Dynamics", cancel_in_dynamics, words, rows=2, status="DELETED", state=CANCELLED)


def cancel() -> Then:
    """An approved invoice is cancelled in Dynamics: a credit note settles all of it (rule E2)."""
    return _credited("Cancelled in Dynamics", cancel_in_dynamics, state=CANCELLED)


def delete() -> Then:
    """An approved invoice is deleted in Dynamics, where nothing but its Xero details and history stay."""
    return _credited("Deleted in Dynamics", delete_in_dynamics, state=DELETED)


def _credited(told: str, act: Callable[[Company, Sale], None], *, state: str) -> Then:
    words = "was made and applied to"
    return Then(told, act, words, rows=2, status=CREDITED, state=state, is_credited=True)


def cancel_in_dynamics(company: Company, sale: Sale) -> None:
    company.cancel_invoice(sale.invoice_id)


def delete_in_dynamics(company: Company, sale: Sale) -> None:
    company.delete_invoice(sale.invoice_id)


def _approve(company: Company, sale: Sale) -> None:
    company.act_in_xero("approve_invoice", invoice_id=_document_id(sale))


def pay_in_xero(company: Company, sale: Sale) -> None:
    """Pay all that is due of the document, as somebody who enters a payment in Xero does."""
    company.act_in_xero("pay", invoice_id=_document_id(sale), amount=str(sale.facts["document"]["AmountDue"]))


def _pay_a_third(company: Company, sale: Sale) -> None:
    third = round(Decimal(sale.facts["document"]["Total"]) / 3, 2)
    company.act_in_xero("pay", invoice_id=_document_id(sale), amount=str(third))


def _remove_payment(company: Company, sale: Sale) -> None:
    company.act_in_xero("remove_payment", payment_id=sale.facts["payments"][-1]["PaymentID"])


def _void(company: Company, sale: Sale) -> None:
    company.act_in_xero("void_invoice", invoice_id=_document_id(sale))


def _credit(company: Company, sale: Sale) -> None:
    company.act_in_xero("credit", invoice_id=_document_id(sale))


def _document_id(sale: Sale) -> str:
    return str(sale.facts["document"]["InvoiceID"])


def _one_more(company: Company, sale: Sale) -> None:
    line = _lines(company, sale)[0]
    company.sales.update("invoicedetails", line["invoicedetailid"], {"quantity": line["quantity"] + 1})


def _correct_account(company: Company, sale: Sale) -> None:
    for line in _lines(company, sale):
        company.sales.update("invoicedetails", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": None})
    company.set_to_no(sale.invoice_id)


def _lines(company: Company, sale: Sale) -> list[Row]:
    query = {"select": "invoicedetailid,quantity", "filter": f"_invoiceid_value eq {sale.invoice_id}"}
    return company.sales.rows("invoicedetails", **query, orderby="lineitemnumber")
