"""Xero's own Python client, unmodified, against the simulator on a loopback port."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from xero_python.accounting import (
    Account,
    AccountingApi,
    Allocation,
    Allocations,
    Bill,
    Contact,
    Contacts,
    CreditNote,
    CreditNotes,
    Invoice,
    Invoices,
    Item,
    Items,
    LineItem,
    LineItemTracking,
    Payment,
    PaymentDelete,
    Payments,
    PaymentTerm,
    PaymentTermType,
    Purchase,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import (
    AccountingBadRequestException,
    HTTPStatusException,
    NotFoundException,
    OAuth2InvalidGrantError,
    RateLimitException,
)
from xero_python.identity import IdentityApi

from simulators.clock import Clock
from simulators.serve import Server
from simulators.xero import DEFAULT_SCOPES, Organisation, XeroSimulator

MORE_SCOPES = " accounting.settings accounting.payments"


@dataclass
class Sdk:
    """The client, the simulator it talks to, and the token it holds."""

    simulator: XeroSimulator
    organisation: Organisation
    accounting: AccountingApi
    identity: IdentityApi
    client: ApiClient
    held: dict[str, Any]

    @property
    def tenant(self) -> str:
        return self.organisation.tenant_id


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    simulator = XeroSimulator(Clock(), random.Random(7))
    organisation = simulator.add_organisation(name="Demo", region="UK", base_currency="GBP", currencies=["EUR"])
    simulator.add_app(client_id="sdk", client_secret="hush", scopes=DEFAULT_SCOPES + MORE_SCOPES)
    server = Server(simulator.wire).start()
    monkeypatch.setattr(TokenApi, "refresh_token_url", f"{server.url}/connect/token")
    monkeypatch.setattr(TokenApi, "revoke_token_url", f"{server.url}/connect/revocation")
    monkeypatch.setattr(TokenApi, "client_credentials_token_url", f"{server.url}/connect/token")
    held: dict[str, Any] = {
        "access_token": "none yet",
        "refresh_token": simulator.refresh_token("sdk", [organisation.tenant_id]),
        "scope": simulator.identity.apps["sdk"].scopes.split(),
        "expires_in": 1800,
        "expires_at": 0,
        "token_type": "Bearer",
    }
    configuration = Configuration()
    configuration.oauth2_token = OAuth2Token(client_id="sdk", client_secret="hush")  # the class shares its first one
    client = ApiClient(configuration, oauth2_token_saver=held.update, oauth2_token_getter=lambda: held)
    client.refresh_oauth2_token()
    accounting = AccountingApi(client, base_url=f"{server.url}/api.xro/2.0")
    yield Sdk(simulator, organisation, accounting, IdentityApi(client, base_url=server.url), client, held)
    client.rest_client.pool_manager.clear()
    server.stop()


def _draft(**fields: Any) -> Invoice:
    lines = [LineItem(description="Work", quantity=2.0, unit_amount=20.0, account_code="200", tax_type="OUTPUT2")]
    whole = {
        "type": "ACCREC",
        "contact": Contact(name="Ann"),
        "date": date(2026, 3, 10),
        "due_date": date(2026, 4, 9),
        "line_items": lines,
        "status": "AUTHORISED",
    }
    return Invoice(**(whole | fields))


def test_invoices_are_created_read_changed_and_listed(sdk: Sdk) -> None:
    created = sdk.accounting.create_invoices(
        sdk.tenant, Invoices(invoices=[_draft(), _draft(status="DRAFT")]), unitdp=4
    )
    first, second = created.invoices
    changed = sdk.accounting.update_invoice(
        sdk.tenant, second.invoice_id, Invoices(invoices=[Invoice(reference="PO 7")])
    )
    read = sdk.accounting.get_invoice(sdk.tenant, first.invoice_id, unitdp=4).invoices[0]
    listed = sdk.accounting.get_invoices(
        sdk.tenant,
        if_modified_since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        where='Type=="ACCREC" AND Date>=DateTime(2026,01,01)',
        order="InvoiceNumber DESC",
        statuses=["DRAFT", "AUTHORISED"],
        page=1,
        include_archived=True,
    )

    assert (first.invoice_number, first.total, first.amount_due) == ("INV-0001", 48.0, 48.0)
    assert changed.invoices[0].reference == "PO 7"
    assert (read.date, read.due_date, read.status) == (date(2026, 3, 10), date(2026, 4, 9), "AUTHORISED")
    assert read.line_items[0].tax_amount == 8.0
    assert [each.invoice_number for each in listed.invoices] == ["INV-0002", "INV-0001"]
    assert (listed.pagination.page, listed.pagination.item_count) == (1, 2)


def test_contacts_are_created_read_changed_and_listed(sdk: Sdk) -> None:
    ann = Contact(name="Ann", email_address="ann@example.com", contact_number="C-1")
    contact = sdk.accounting.create_contacts(sdk.tenant, Contacts(contacts=[ann])).contacts[0]
    sdk.accounting.update_contact(sdk.tenant, contact.contact_id, Contacts(contacts=[Contact(first_name="Ann")]))
    sdk.accounting.create_invoices(
        sdk.tenant, Invoices(invoices=[_draft(contact=Contact(contact_id=contact.contact_id))]), idempotency_key="k-1"
    )
    read = sdk.accounting.get_contact_by_contact_number(sdk.tenant, "C-1").contacts[0]
    listed = sdk.accounting.get_contacts(sdk.tenant, i_ds=[contact.contact_id], page=1, include_archived=True)

    assert (read.first_name, read.email_address, read.is_customer) == ("Ann", "ann@example.com", True)
    assert read.balances.accounts_receivable.outstanding == 48.0
    assert [each.contact_id for each in listed.contacts] == [contact.contact_id]


def test_settings_and_items_are_read(sdk: Sdk) -> None:
    sdk.accounting.create_items(sdk.tenant, Items(items=[Item(code="STR", name="Strings")]))

    assert [item.code for item in sdk.accounting.get_items(sdk.tenant).items] == ["STR"]
    assert any(account.code == "200" for account in sdk.accounting.get_accounts(sdk.tenant).accounts)
    assert any(rate.tax_type == "OUTPUT2" for rate in sdk.accounting.get_tax_rates(sdk.tenant).tax_rates)
    assert len(sdk.accounting.get_branding_themes(sdk.tenant).branding_themes) == 2
    assert {each.code.value for each in sdk.accounting.get_currencies(sdk.tenant).currencies} == {"GBP", "EUR"}
    assert sdk.accounting.get_organisations(sdk.tenant).organisations[0].organisation_id == sdk.tenant
    assert sdk.accounting.get_organisation_actions(sdk.tenant).actions[0].status in {"ALLOWED", "NOT-ALLOWED"}


def test_tracking_is_read_and_put_on_lines(sdk: Sdk) -> None:
    sdk.simulator.user(sdk.organisation).add_tracking_category("Region", ["North", "South"])
    (category,) = sdk.accounting.get_tracking_categories(sdk.tenant, include_archived=True).tracking_categories
    single = sdk.accounting.get_tracking_category(sdk.tenant, category.tracking_category_id).tracking_categories[0]
    south = category.options[1]
    named = LineItemTracking(
        tracking_category_id=category.tracking_category_id, tracking_option_id=south.tracking_option_id
    )
    line = LineItem(description="Work", quantity=1.0, unit_amount=20.0, account_code="200", tracking=[named])

    created = sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft(line_items=[line])])).invoices[0]

    assert (category.name, category.status, single.options[0].name) == ("Region", "ACTIVE", "North")
    assert (created.line_items[0].tracking[0].name, created.line_items[0].tracking[0].option) == ("Region", "South")


def test_terms_are_written_and_read(sdk: Sdk) -> None:
    sdk.simulator.user(sdk.organisation).set_payment_terms(bills={"Day": 20, "Type": "OFFOLLOWINGMONTH"})
    sales = Bill(day=14, type=PaymentTermType.DAYSAFTERBILLDATE)
    ann = Contact(name="Ann", payment_terms=PaymentTerm(sales=sales))

    made = sdk.accounting.create_contacts(sdk.tenant, Contacts(contacts=[ann])).contacts[0]
    read = sdk.accounting.get_contact(sdk.tenant, made.contact_id).contacts[0].payment_terms
    organisation = sdk.accounting.get_organisations(sdk.tenant).organisations[0]

    assert (read.sales.day, read.sales.type, read.bills) == (14, PaymentTermType.DAYSAFTERBILLDATE, None)
    assert organisation.payment_terms.bills.type is PaymentTermType.OFFOLLOWINGMONTH


def test_a_bill_takes_what_its_tracked_item_says(sdk: Sdk) -> None:
    bought = Purchase(unit_price=12.5, cogs_account_code="310", tax_type="INPUT2")
    box = Item(code="BOX", name="Box", inventory_asset_account_code="630", purchase_details=bought)
    sdk.accounting.create_items(sdk.tenant, Items(items=[box]), unitdp=4)
    lines = [LineItem(item_code="BOX", quantity=2.0)]

    bill = sdk.accounting.create_invoices(
        sdk.tenant, Invoices(invoices=[_draft(type="ACCPAY", line_items=lines)]), unitdp=4
    ).invoices[0]
    item = sdk.accounting.get_item(sdk.tenant, "BOX").items[0]

    assert (bill.total, bill.line_items[0].account_code) == (30.0, "630")
    assert (item.is_tracked_as_inventory, item.quantity_on_hand) == (True, 2.0)


def test_discounts_are_read(sdk: Sdk) -> None:
    lines = [LineItem(description="Work", quantity=2.0, unit_amount=20.0, account_code="200", discount_amount=4.0)]

    made = sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft(line_items=lines)])).invoices[0]

    assert (made.line_items[0].discount_rate, made.line_items[0].discount_amount) == (10.0, 4.0)
    assert (made.sub_total, made.total_discount) == (36.0, 4.0)


def test_payments_are_made_read_and_deleted(sdk: Sdk) -> None:
    invoice_id = sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft()])).invoices[0].invoice_id
    wanted = Payment(
        invoice=Invoice(invoice_id=invoice_id), account=Account(code="090"), date=date(2026, 3, 20), amount=20.0
    )

    made = sdk.accounting.create_payments(sdk.tenant, Payments(payments=[wanted])).payments[0]
    rest = sdk.accounting.create_payment(
        sdk.tenant, Payment(invoice=Invoice(invoice_id=invoice_id), account=Account(code="090"), amount=28.0)
    ).payments[0]
    listed = sdk.accounting.get_payments(sdk.tenant, where='Status=="AUTHORISED"', page=1, page_size=10)
    gone = sdk.accounting.delete_payment(sdk.tenant, made.payment_id, PaymentDelete(status="DELETED")).payments[0]
    read = sdk.accounting.get_payment(sdk.tenant, made.payment_id).payments[0]
    invoice = sdk.accounting.get_invoice(sdk.tenant, invoice_id).invoices[0]

    assert (made.date, made.amount, made.payment_type) == (date(2026, 3, 20), 20.0, "ACCRECPAYMENT")
    assert (rest.invoice.status, rest.invoice.amount_due) == ("PAID", 0.0)
    assert listed.pagination.item_count == 2
    assert (gone.status, gone.invoice.status, read.status) == ("DELETED", "AUTHORISED", "DELETED")
    assert [(payment.payment_id, payment.amount) for payment in invoice.payments] == [(rest.payment_id, 28.0)]
    with pytest.raises(AccountingBadRequestException) as refused:
        sdk.accounting.create_payments(sdk.tenant, Payments(payments=[wanted, wanted]))
    assert refused.value.reason == "Payment amount exceeds the amount outstanding on this document"


def test_credit_notes_are_created_applied_and_read(sdk: Sdk) -> None:
    invoice = sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft()])).invoices[0]
    contact = Contact(contact_id=invoice.contact.contact_id)
    lines = [LineItem(description="Back", quantity=1.0, unit_amount=10.0, account_code="200")]
    wanted = CreditNote(type="ACCRECCREDIT", contact=contact, line_items=lines, status="DRAFT")

    note = sdk.accounting.create_credit_notes(sdk.tenant, CreditNotes(credit_notes=[wanted])).credit_notes[0]
    approved = CreditNotes(credit_notes=[CreditNote(status="AUTHORISED")])
    sdk.accounting.update_credit_note(sdk.tenant, note.credit_note_id, approved)
    part = Allocation(invoice=Invoice(invoice_id=invoice.invoice_id), amount=12.0, date=date(2026, 3, 10))
    sdk.accounting.create_credit_note_allocation(sdk.tenant, note.credit_note_id, Allocations(allocations=[part]))
    read = sdk.accounting.get_credit_note(sdk.tenant, note.credit_note_id).credit_notes[0]
    listed = sdk.accounting.get_credit_notes(sdk.tenant, where='Type=="ACCRECCREDIT"', page=1).credit_notes
    credited = sdk.accounting.get_invoice(sdk.tenant, invoice.invoice_id).invoices[0]
    allocation_id = read.allocations[0].allocation_id
    with pytest.raises(ValueError, match="must not be `None`"):  # the documented answer is not what the client reads
        sdk.accounting.delete_credit_note_allocations(sdk.tenant, note.credit_note_id, allocation_id)
    reopened = sdk.accounting.get_invoice(sdk.tenant, invoice.invoice_id).invoices[0]

    assert (note.credit_note_number, note.remaining_credit) == ("CN-0001", 12.0)
    assert (read.status, read.remaining_credit, listed[0].allocations[0].amount) == ("PAID", 0.0, 12.0)
    assert (credited.amount_credited, credited.credit_notes[0].applied_amount) == (12.0, 12.0)
    assert (reopened.amount_credited, reopened.amount_due) == (0.0, 48.0)


def test_overpayments_and_prepayments_are_read_and_applied(sdk: Sdk) -> None:
    invoice = sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft()])).invoices[0]
    person = sdk.simulator.user(sdk.organisation)
    person.receive_overpayment(invoice.contact.contact_id, 30)
    person.receive_prepayment(invoice.contact.contact_id, 6)
    part = Allocation(invoice=Invoice(invoice_id=invoice.invoice_id), amount=5.0, date=date(2026, 3, 10))

    (over,) = sdk.accounting.get_overpayments(sdk.tenant, page=1).overpayments
    (pre,) = sdk.accounting.get_prepayments(
        sdk.tenant, if_modified_since=datetime(2026, 1, 1, tzinfo=UTC)
    ).prepayments
    sdk.accounting.create_overpayment_allocations(
        sdk.tenant, over.overpayment_id, Allocations(allocations=[part]), summarize_errors=False
    )
    sdk.accounting.create_prepayment_allocations(sdk.tenant, pre.prepayment_id, Allocations(allocations=[part]))
    read = sdk.accounting.get_overpayment(sdk.tenant, over.overpayment_id).overpayments[0]
    prepaid = sdk.accounting.get_prepayment(sdk.tenant, pre.prepayment_id).prepayments[0]
    settled = sdk.accounting.get_invoice(sdk.tenant, invoice.invoice_id).invoices[0]

    assert (over.type, over.total, read.remaining_credit) == ("RECEIVE-OVERPAYMENT", 30.0, 25.0)
    assert (pre.type, prepaid.remaining_credit) == ("RECEIVE-PREPAYMENT", 1.0)
    assert (settled.amount_credited, settled.amount_due) == (10.0, 38.0)
    assert settled.overpayments[0].applied_amount == settled.prepayments[0].applied_amount == 5.0


@pytest.mark.parametrize(("region", "currency"), [("UK", "GBP"), ("AU", "AUD"), ("NZ", "NZD"), ("US", "USD")])
def test_each_region_reads_without_unknown_values(sdk: Sdk, region: str, currency: str) -> None:
    other = sdk.simulator.add_organisation(name=region, region=region)
    sdk.simulator.user(other).set_lock_dates(period="2025-12-31", year_end="2024-12-31")
    sdk.simulator.refresh_token("sdk", [other.tenant_id])

    organisation = sdk.accounting.get_organisations(other.tenant_id).organisations[0]

    assert (organisation.base_currency.value, organisation.period_lock_date) == (currency, date(2025, 12, 31))
    assert sdk.accounting.get_tax_rates(other.tenant_id).tax_rates
    assert sdk.accounting.get_accounts(other.tenant_id).accounts


def test_connections_are_listed_and_deleted(sdk: Sdk) -> None:
    (connection,) = sdk.identity.get_connections()
    sdk.identity.delete_connection(connection.id)

    assert connection.tenant_id == sdk.tenant
    assert connection.created_date_utc is not None
    assert sdk.identity.get_connections() == []
    with pytest.raises(HTTPStatusException) as refused:
        sdk.accounting.get_organisations(sdk.tenant)
    assert refused.value.status == 403


def test_refusals_reach_the_client_as_its_own_errors(sdk: Sdk) -> None:
    with pytest.raises(AccountingBadRequestException) as refused:
        sdk.accounting.create_invoices(sdk.tenant, Invoices(invoices=[_draft(due_date=None)]))
    with pytest.raises(NotFoundException):
        sdk.accounting.get_invoice(sdk.tenant, "no-such-invoice")
    answered = sdk.accounting.create_invoices(
        sdk.tenant, Invoices(invoices=[_draft(due_date=None)]), summarize_errors=False
    )
    sdk.simulator.identity.apps["sdk"].limits.concurrent = 0
    with pytest.raises(RateLimitException):
        sdk.accounting.get_organisations(sdk.tenant)

    assert refused.value.reason == "The document DueDate field must be specified."
    assert answered.invoices[0].status_attribute_string == "ERROR"


def test_refresh_tokens_rotate_and_are_revoked(sdk: Sdk) -> None:
    before = sdk.held["refresh_token"]
    sdk.client.refresh_oauth2_token()
    rotated = sdk.held["refresh_token"]
    sdk.client.revoke_oauth2_token()

    assert rotated != before
    assert sdk.simulator.identity.refresh_tokens == {}


def test_a_dead_refresh_token_is_an_invalid_grant(sdk: Sdk) -> None:
    sdk.held.update(refresh_token="unknown", expires_at=0)

    with pytest.raises(OAuth2InvalidGrantError):
        sdk.identity.get_connections()
