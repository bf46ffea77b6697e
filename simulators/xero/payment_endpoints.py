"""The endpoints of payments: make one or several, delete one, read them."""

from __future__ import annotations

from functools import partial

from simulators.xero.accounting import Outcome, answer_batch
from simulators.xero.call import Answer, Call, envelope, not_found
from simulators.xero.codec import ZERO_ID, Record
from simulators.xero.lists import select
from simulators.xero.payment_views import payment_error_view, payment_view
from simulators.xero.payments import IMMUTABLE, delete_payment, deletion_errors, draft_payment, save_payment
from simulators.xero.sources import payment_source

NO_PAYMENT = "An existing Payment with the specified PaymentID could not be found"  # after those of other documents


def write_payments(call: Call) -> Answer:
    return answer_batch(call, "Payments", partial(_write_payment, call))


def update_payment(call: Call) -> Answer:
    """POST /Payments/{PaymentID}: all that it may say is that the payment is DELETED."""
    payment_id = (call.key or "").lower()
    if payment_id not in call.organisation.payments:
        return not_found()
    return answer_batch(call, "Payments", lambda raw: _write_payment(call, raw | {"PaymentID": payment_id}))


def get_payment(call: Call) -> Answer:
    payment = call.organisation.payments.get((call.key or "").lower())
    if payment is None:
        return not_found()
    return envelope(call, "Payments", [payment_view(call.organisation, payment, written=False)])


def list_payments(call: Call) -> Answer:
    page = select(call, payment_source(call.organisation), [])
    views = [payment_view(call.organisation, payment, written=False) for payment in page.records]
    return envelope(call, "Payments", views, page.pagination)


def _write_payment(call: Call, raw: Record) -> Outcome:
    payment_id = str(raw.get("PaymentID") or ZERO_ID).lower()
    if payment_id != ZERO_ID:
        return _delete(call, payment_id, raw)
    draft = draft_payment(call.organisation, raw, call.now)
    if draft.errors:
        return Outcome(payment_error_view(draft.record, draft.errors), failed=True)
    payment = save_payment(call.organisation, draft, call.now)
    return Outcome(payment_view(call.organisation, payment, written=True))


def _delete(call: Call, payment_id: str, raw: Record) -> Outcome:
    payment = call.organisation.payments.get(payment_id)
    if payment is None:
        return Outcome(payment_error_view(raw, [NO_PAYMENT]), failed=True)
    errors = deletion_errors(call.organisation, payment) if raw.get("Status") == "DELETED" else [IMMUTABLE]
    if errors:
        return Outcome(payment_error_view(payment, errors), failed=True)
    gone = delete_payment(call.organisation, payment, call.now)
    return Outcome(payment_view(call.organisation, gone, written=True))
