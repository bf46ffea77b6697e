"""The accounting endpoints: each takes a Call and returns an Answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulators.xero.call import Answer, Call, envelope, messages, not_found, validation_failed
from simulators.xero.codec import Record
from simulators.xero.contacts import (
    Draft,
    detailed_view,
    draft_contact,
    embedded_view,
    error_view,
    save_contact,
    summary_view,
)
from simulators.xero.invoice_views import Shape, invoice_view
from simulators.xero.invoice_views import error_view as invoice_error_view
from simulators.xero.invoices import edit_invoice, find_sales_invoice, save_invoice
from simulators.xero.items import draft_item, find_item, item_view, save_item
from simulators.xero.lists import Keep, select
from simulators.xero.refusals import refused
from simulators.xero.settings import actions, draft_account, draft_tax_rate, organisation_view
from simulators.xero.sources import contact_source, invoice_source, plain_source
from simulators.xero.tables import Table
from simulators.xero.tracking import category_view

Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one element: how it is shown, and whether it was refused or warned about."""

    view: Record
    failed: bool = False
    warnings: tuple[str, ...] = ()


def answer_batch(
    call: Call, plural: str, write_one: Callable[[Record], Outcome], *, divisible: bool = True
) -> Answer:
    """Write every element; by default one refusal undoes all, with summarizeErrors=false each stands alone."""
    summarize = not divisible or call.flag("summarizeErrors", default=True)
    with call.organisation.change() as change:
        outcomes = [write_one(raw) for raw in call.elements(plural)]
        failed = [outcome.view for outcome in outcomes if outcome.failed]
        if failed and summarize:
            change.undo()
            return validation_failed(failed)
    return envelope(call, plural, [_shown(outcome, summarize=summarize) for outcome in outcomes])


def _shown(outcome: Outcome, *, summarize: bool) -> Record:
    view = outcome.view | ({"Warnings": messages(list(outcome.warnings))} if outcome.warnings else {})
    if summarize:
        return view
    status = "ERROR" if outcome.failed else "WARNING" if outcome.warnings else "OK"
    return view | {"StatusAttributeString": status}


def write_invoices(call: Call) -> Answer:
    return answer_batch(call, "Invoices", partial(_write_invoice, call))


def update_invoice(call: Call) -> Answer:
    """POST /Invoices/{InvoiceID or InvoiceNumber}: the path names the invoice."""
    invoice = _find_invoice(call)
    if invoice is None:
        return not_found()
    named = {"InvoiceID": invoice["InvoiceID"]}
    return answer_batch(call, "Invoices", lambda raw: _write_invoice(call, raw | named))


def _write_invoice(call: Call, raw: Record) -> Outcome:
    organisation, places = call.organisation, call.unit_places
    editing = edit_invoice(
        organisation,
        raw,
        call.now,
        unit_places=places,
        create_only=call.method == "PUT",
        backorders=call.flag("allowBackorders"),
    )
    editing.errors += refused(organisation.refusals, "Invoice", raw)
    if editing.errors:
        return Outcome(invoice_error_view(editing), failed=True)
    invoice = save_invoice(editing, call.client_id)
    view = invoice_view(organisation, invoice, "written", unit_places=places)
    return Outcome(view, warnings=tuple(editing.warnings))


def get_invoice(call: Call) -> Answer:
    invoice = _find_invoice(call)
    if invoice is None:
        return not_found()
    view = invoice_view(call.organisation, invoice, "single", unit_places=call.unit_places)
    return envelope(call, "Invoices", [view])


def _find_invoice(call: Call) -> Record | None:
    key = (call.key or "").lower()
    return call.organisation.invoices.get(key) or find_sales_invoice(call.organisation, key)


def list_invoices(call: Call) -> Answer:
    keep: list[Keep] = []
    if statuses := {status.upper() for status in call.listed("Statuses")}:
        keep.append(lambda invoice: invoice["Status"] in statuses)
    if call.flag("createdByMyApp"):
        keep.append(lambda invoice: invoice["_created_by"] == call.client_id)
    if term := call.params.get("searchterm", "").lower():
        texts = ("InvoiceNumber", "Reference")
        keep.append(lambda invoice: any(term in (invoice.get(name) or "").lower() for name in texts))
    page = select(call, invoice_source(call.organisation), keep)
    shape: Shape = "paged" if page.pagination else "unpaged"
    if call.flag("summaryOnly"):
        shape = "summary"
    views = [
        invoice_view(call.organisation, invoice, shape, unit_places=call.unit_places) for invoice in page.records
    ]
    return envelope(call, "Invoices", views, page.pagination)


def write_contacts(call: Call) -> Answer:
    return answer_batch(call, "Contacts", partial(_write_contact, call))


def update_contact(call: Call) -> Answer:
    """POST /Contacts/{ContactID or ContactNumber}: the path names the contact."""
    contact = _find_contact(call)
    if contact is None:
        return not_found()
    named = {"ContactID": contact["ContactID"]}
    return answer_batch(call, "Contacts", lambda raw: _write_contact(call, raw | named))


def _write_contact(call: Call, raw: Record) -> Outcome:
    draft = draft_contact(call.organisation, raw, call.now, create_only=call.method == "PUT")
    if draft.errors:
        return Outcome(error_view(draft) | {"ValidationErrors": messages(draft.errors)}, failed=True)
    return Outcome(embedded_view(save_contact(call.organisation, draft, call.now)))


def get_contact(call: Call) -> Answer:
    contact = _find_contact(call)
    if contact is None:
        return not_found()
    return envelope(call, "Contacts", [detailed_view(call.organisation, contact, call.now)])


def _find_contact(call: Call) -> Record | None:
    key = (call.key or "").lower()
    return call.organisation.contacts.get(key) or call.organisation.contacts.first_by("ContactNumber", key)


def list_contacts(call: Call) -> Answer:
    keep: list[Keep] = []
    if not call.flag("includeArchived"):
        keep.append(lambda contact: contact["ContactStatus"] == "ACTIVE")
    if term := call.params.get("searchterm", "").lower():
        texts = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
        keep.append(lambda contact: any(term in (contact.get(name) or "").lower() for name in texts))
    page = select(call, contact_source(call.organisation), keep)
    if call.flag("summaryOnly"):
        views = [summary_view(contact) for contact in page.records]
    elif page.pagination:
        views = [detailed_view(call.organisation, contact, call.now) for contact in page.records]
    else:
        views = page.records
    return envelope(call, "Contacts", views, page.pagination)


def write_items(call: Call) -> Answer:
    return answer_batch(call, "Items", partial(_write_item, call))


def update_item(call: Call) -> Answer:
    item = find_item(call.organisation, call.key or "")
    if item is None:
        return not_found()
    return answer_batch(call, "Items", lambda raw: _write_item(call, raw | {"ItemID": item["ItemID"]}))


def _write_item(call: Call, raw: Record) -> Outcome:
    places = call.unit_places
    draft = draft_item(call.organisation, raw, call.now, unit_places=places, create_only=call.method == "PUT")
    if draft.errors:
        return Outcome(draft.record | {"ValidationErrors": messages(draft.errors)}, failed=True)
    return Outcome(item_view(save_item(call.organisation, draft), places))


def get_item(call: Call) -> Answer:
    item = find_item(call.organisation, call.key or "")
    return envelope(call, "Items", [item_view(item, call.unit_places)]) if item else not_found()


def list_items(call: Call) -> Answer:
    page = select(call, plain_source(call.organisation.items), [])
    return envelope(call, "Items", [item_view(item, call.unit_places) for item in page.records])


def list_plain(call: Call, plural: str, table_name: str) -> Answer:
    """GET of a settings resource: no paging."""
    records = select(call, plain_source(_table(call, table_name)), []).records
    return envelope(call, plural, [_plain_view(record, table_name) for record in records])


def get_plain(call: Call, plural: str, table_name: str) -> Answer:
    table = _table(call, table_name)
    record = table.get(call.key or "") or table.get((call.key or "").lower())
    return envelope(call, plural, [_plain_view(record, table_name)]) if record else not_found()


def _table(call: Call, name: str) -> Table:
    table: Table = getattr(call.organisation, name)
    return table


def _plain_view(record: Record, table_name: str) -> Record:
    """Only accounts show when they changed."""
    return record if table_name == "accounts" else record | {"UpdatedDateUTC": None}


def write_accounts(call: Call) -> Answer:
    return answer_batch(
        call, "Accounts", lambda raw: _save_draft(call, draft_account, "accounts", raw), divisible=False
    )


def write_tax_rates(call: Call) -> Answer:
    return answer_batch(
        call, "TaxRates", lambda raw: _save_draft(call, draft_tax_rate, "tax_rates", raw), divisible=False
    )


def _save_draft(call: Call, make: Callable[..., Draft], table_name: str, raw: Record) -> Outcome:
    draft = make(call.organisation, raw, call.now)
    if draft.errors:
        return Outcome(draft.record | {"ValidationErrors": messages(draft.errors)}, failed=True)
    return Outcome(_plain_view(_table(call, table_name).save(draft.record), table_name))


def list_tracking_categories(call: Call) -> Answer:
    """GET /TrackingCategories: archived ones and archived options only with includeArchived."""
    archived = call.flag("includeArchived")
    keep: list[Keep] = [] if archived else [lambda category: category["Status"] == "ACTIVE"]
    found = select(call, plain_source(call.organisation.tracking_categories), keep).records
    return envelope(call, "TrackingCategories", [category_view(category, archived=archived) for category in found])


def get_tracking_category(call: Call) -> Answer:
    category = call.organisation.tracking_categories.get((call.key or "").lower())
    return envelope(call, "TrackingCategories", [category_view(category, archived=True)]) if category else not_found()


def get_organisation(call: Call) -> Answer:
    return envelope(call, "Organisations", [organisation_view(call.organisation)])


def get_actions(call: Call) -> Answer:
    return envelope(call, "Actions", actions(call.organisation))


def not_implemented(_call: Call) -> Answer:
    return Answer(501)
