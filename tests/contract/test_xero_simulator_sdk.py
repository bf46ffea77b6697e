"""Xero's own Python client, unmodified, against the simulator on a loopback port."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from xero_python.accounting import (
    AccountingApi,
    Bill,
    Contact,
    Contacts,
    Invoice,
    Invoices,
    Item,
    Items,
    LineItem,
    LineItemTracking,
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
    simulator.add_app(client_id="sdk", client_secret="hush", scopes=DEFAULT_SCOPES + " accounting.settings")
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
