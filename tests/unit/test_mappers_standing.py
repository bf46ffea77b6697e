"""What has become of a document: where it stands, what the history tells, what follows in Dynamics."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.invoice import ACTIVE, CANCELLED, PAID, Details, Invoice
from mappers.standing import closes, reopens, standing_of, story_of
from tests.unit.made import details, invoice, line

NUMBER = "INV-0007"


def document(**different: Any) -> dict[str, Any]:
    """An approved document of 10.00 and 2.00 tax; amounts as texts."""
    made: dict[str, Any] = {
        "InvoiceID": "doc-1",
        "InvoiceNumber": NUMBER,
        "Status": "AUTHORISED",
        "CurrencyCode": "GBP",
        "SubTotal": "10.00",
        "TotalTax": "2.00",
        "Total": "12.00",
        "AmountDue": "12.00",
        "AmountPaid": "0.00",
        "AmountCredited": "0.00",
        "LineItems": [{"LineAmount": "10.00", "TaxAmount": "2.00"}],
    }
    return made | different


def paid(amount: str, due: str, **different: Any) -> dict[str, Any]:
    status = "AUTHORISED" if Decimal(due) else "PAID"
    return document(Status=status, AmountPaid=amount, AmountDue=due, **different)


def credited(amount: str, due: str, **different: Any) -> dict[str, Any]:
    notes = [{"AppliedAmount": amount}]
    status = "AUTHORISED" if Decimal(due) else "PAID"
    return document(Status=status, CreditNotes=notes, AmountCredited=amount, AmountDue=due, **different)


def prepaid(amount: str, due: str) -> dict[str, Any]:
    return document(
        Status="AUTHORISED" if Decimal(due) else "PAID",
        Prepayments=[{"AppliedAmount": amount}],
        AmountCredited=amount,
        AmountDue=due,
    )


VOIDED = document(Status="VOIDED")
PAID_DOCUMENT = paid("12.00", "0.00")


def sold(**different: Any) -> Invoice:
    made: dict[str, Any] = {"total_tax": Decimal("2.00"), "total": Decimal("12.00")}
    return invoice(line(tax=Decimal("2.00")), **made | different)


def row_of(seen: dict[str, Any], **different: Any) -> Details:
    """The details row after this document was followed."""
    standing = standing_of(seen)
    known: dict[str, Any] = {
        "xero_status": standing.status,
        "amount_due": standing.due,
        "amount_paid": standing.paid,
        "amount_credited": standing.credited,
        "tax_in_xero": standing.tax,
    }
    return details(**known | different)


def told(before: dict[str, Any], now: dict[str, Any], sale: Invoice | None = None, **row: Any) -> str:
    return "\n".join(story_of(standing_of(now), now, sale, row_of(before, **row), ("line-1",)))


# -- where it stands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "status", "due", "has_paid"),
    [
        (document(), "AUTHORISED", "12.00", "0.00"),
        (paid("5.00", "7.00"), "AUTHORISED", "7.00", "5.00"),
        (PAID_DOCUMENT, "PAID", "0.00", "12.00"),
        (credited("12.00", "0.00"), "Credited", "0.00", "0.00"),
        (credited("5.00", "0.00", AmountPaid="7.00"), "PAID", "0.00", "7.00"),
        (prepaid("12.00", "0.00"), "PAID", "0.00", "12.00"),
        (prepaid("5.00", "7.00"), "AUTHORISED", "7.00", "5.00"),
        (VOIDED, "VOIDED", "0.00", "0.00"),
        (document(Status="DELETED"), "DELETED", "0.00", "0.00"),
        (document(Status="PAID", Total="0.00", TotalTax="0.00", AmountDue="0.00"), "PAID", "0.00", "0.00"),
    ],
)
def test_where_a_document_stands(now: dict[str, Any], status: str, due: str, has_paid: str) -> None:
    """Rule D2: Credited is what credit notes alone have settled; rule D7: what was paid in advance is paid."""
    standing = standing_of(now)

    assert (standing.status, standing.due, standing.paid) == (status, Decimal(due), Decimal(has_paid))


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError):
        standing_of(document(AmountDue=12.1))


# -- what the history tells ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (document(Status="DRAFT"), document(), f"Invoice status updated: Authorised ({NUMBER})."),
        (document(Status="DRAFT"), document(Status="SUBMITTED"), f"Invoice status updated: Submitted ({NUMBER})."),
        (document(), PAID_DOCUMENT, f"Invoice has been paid in Xero: {NUMBER}."),
        (document(Status="DRAFT"), PAID_DOCUMENT, f"Invoice has been paid in Xero: {NUMBER}."),
        (
            document(),
            paid("5.00", "7.00"),
            f"Invoice has been paid in part in Xero: {NUMBER}, 5.00 GBP paid, 7.00 GBP due.",
        ),
        (paid("5.00", "7.00"), document(), f"A payment has been removed in Xero: {NUMBER}, 12.00 GBP due."),
        (
            PAID_DOCUMENT,
            paid("5.00", "7.00"),
            f"A payment has been removed in Xero: {NUMBER}, 7.00 GBP due. Invoice status updated: Authorised.",
        ),
        (
            document(),
            credited("12.00", "0.00"),
            f"Invoice has been credited in full in Xero: {NUMBER}. Nothing is due any more.",
        ),
        (
            credited("12.00", "0.00"),
            document(),
            f"A credit has been removed in Xero: {NUMBER}, 12.00 GBP due. Invoice status updated: Authorised.",
        ),
        (
            document(),
            credited("5.00", "7.00"),
            f"Invoice has been credited in part in Xero: {NUMBER}, 7.00 GBP due.",
        ),
        (credited("5.00", "7.00"), document(), f"A credit has been removed in Xero: {NUMBER}, 12.00 GBP due."),
        (
            document(),
            prepaid("5.00", "7.00"),
            f"Invoice has been paid in part in Xero: {NUMBER}, 5.00 GBP paid, 7.00 GBP due.",
        ),
        (
            credited("5.00", "7.00"),
            credited("5.00", "4.00", AmountPaid="3.00"),
            f"Invoice has been paid in part in Xero: {NUMBER}, 3.00 GBP paid, 4.00 GBP due.",
        ),
        (
            credited("5.00", "0.00", AmountPaid="7.00"),
            paid("7.00", "5.00"),
            f"A credit has been removed in Xero: {NUMBER}, 5.00 GBP due. Invoice status updated: Authorised.",
        ),
        (
            credited("5.00", "7.00"),
            credited("6.00", "6.00"),
            f"Invoice has been credited in part in Xero: {NUMBER}, 6.00 GBP due.",
        ),
        (
            credited("6.00", "6.00"),
            credited("5.00", "7.00"),
            f"A credit has been removed in Xero: {NUMBER}, 7.00 GBP due.",
        ),
        (
            document(Status="DRAFT"),
            paid("5.00", "7.00"),
            f"Invoice status updated: Authorised ({NUMBER}). 5.00 GBP paid, 7.00 GBP due.",
        ),
    ],
)
def test_one_sentence_tells_what_happened_to_money(before: dict[str, Any], now: dict[str, Any], words: str) -> None:
    """Rules D1 to D4, D7; also where the invoice asks for something else than its document (rule C61)."""
    assert told(before, now, sold()) == words
    assert told(before, now, sold(total=Decimal("99.00"))) == words


@pytest.mark.parametrize("status", ["VOIDED", "DELETED"])
def test_a_dead_document_leaves_the_invoice(status: str) -> None:
    """Rule D6."""
    assert told(document(Status="DRAFT"), document(Status=status), sold()) == (
        f"Invoice status updated: {status.capitalize()} ({NUMBER}). Nothing is due any more.\n"
        "The invoice in Dynamics stays as it is. Set Export status to No to send it again."
    )


def test_an_edit_tells_tax_and_what_differs() -> None:
    """Rule D5: tax and amount due follow, a net difference is recorded."""
    edited = document(
        Status="DRAFT",
        SubTotal="15.00",
        TotalTax="3.00",
        Total="18.00",
        AmountDue="18.00",
        LineItems=[{"LineAmount": "15.00", "TaxAmount": "3.00"}],
    )

    assert told(document(Status="DRAFT"), edited, sold()) == (
        "Invoice has been changed in Xero: tax 3.00 GBP (was 2.00 GBP), amount due 18.00 GBP.\n"
        "Net total in Xero 15.00 GBP, in Dynamics 10.00: difference 5.00 "
        "(line 1, Work: 15.00 instead of 10.00)."
    )


def test_an_edit_and_an_approval_that_come_together_are_both_told() -> None:
    """Rules D1 and D5."""
    now = document(TotalTax="0.00", Total="10.00", AmountDue="10.00")

    assert told(document(Status="DRAFT"), now, sold()).splitlines() == [
        f"Invoice status updated: Authorised ({NUMBER}).",
        "Invoice has been changed in Xero: tax 0.00 GBP (was 2.00 GBP), amount due 10.00 GBP.",
    ]


def test_an_approved_document_without_tax_that_grew_has_been_changed() -> None:
    """Rule D5: no credit was removed from it."""
    plain, more = (
        {"TotalTax": "0.00", "Total": each, "AmountDue": each, "SubTotal": each} for each in ("10.00", "11.00")
    )
    sale = sold(total_tax=Decimal(0), total=Decimal("10.00"))

    assert told(document(**plain), document(**more), sale).startswith(
        "Invoice has been changed in Xero: tax 0.00 GBP,"
    )


def test_what_changes_no_amount_and_no_status_is_not_told() -> None:
    """A new reference, say, or a contact that was merged."""
    assert told(document(), document(Reference="Theirs"), sold()) == ""
    assert told(VOIDED, document(Status="VOIDED", Total="1.00"), sold()) == ""


# -- what follows on the invoice ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "closed_by_us", "now", "expected"),
    [
        (ACTIVE, False, PAID_DOCUMENT, (True, False)),
        (ACTIVE, True, PAID_DOCUMENT, (False, False)),  # a person has opened it again
        (PAID, False, PAID_DOCUMENT, (False, False)),
        (PAID, True, PAID_DOCUMENT, (False, False)),
        (CANCELLED, False, PAID_DOCUMENT, (False, False)),
        (ACTIVE, False, paid("5.00", "7.00"), (False, False)),  # rule D3
        (ACTIVE, False, credited("12.00", "0.00"), (False, False)),
        (PAID, True, document(), (False, True)),
        (PAID, True, paid("5.00", "7.00"), (False, True)),
        (PAID, True, credited("12.00", "0.00"), (False, True)),
        (PAID, True, VOIDED, (False, True)),
        (PAID, False, document(), (False, False)),
        (CANCELLED, True, document(), (False, False)),
    ],
)
def test_when_an_invoice_closes_and_reopens(
    state: int, closed_by_us: bool, now: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    """Rules D2 and D4: Paid only when paid; only what we closed is opened again."""
    standing, sale, row = standing_of(now), sold(state=state), details(closed_by_connector=closed_by_us)

    assert (closes(standing, sale, row), reopens(standing, sale, row)) == expected


def test_a_deleted_invoice_is_told_of_only() -> None:
    """Rule D2."""
    row = details(closed_by_connector=True)

    assert not closes(standing_of(PAID_DOCUMENT), None, row)
    assert not reopens(standing_of(document()), None, row)
    assert told(document(), PAID_DOCUMENT).endswith(
        "\nThe invoice is gone from Dynamics, or the connector may not read it any more."
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PAID, "The invoice had been closed in Dynamics before."),
        (CANCELLED, "The invoice is cancelled in Dynamics and stays so."),
    ],
)
def test_an_invoice_that_a_person_closed_is_told_of_only(state: int, words: str) -> None:
    """Rule D2: details and one row of history."""
    text = told(document(), PAID_DOCUMENT, sold(state=state))

    assert text == f"Invoice has been paid in Xero: {NUMBER}.\n{words}"


def test_a_removed_payment_opens_what_we_closed() -> None:
    """Rule D4."""
    text = told(PAID_DOCUMENT, document(), sold(state=PAID), closed_by_connector=True)

    assert text.endswith("\nThe invoice is active again.")


def test_a_document_of_which_only_its_existence_is_known_is_told_of() -> None:
    """Adopted after it was paid: the row of its creation says nothing of that."""
    row = details(xero_invoice_id="doc-1")
    now = standing_of(PAID_DOCUMENT)

    assert story_of(now, PAID_DOCUMENT, sold(), row, ()) == (f"Invoice has been paid in Xero: {NUMBER}.",)
