"""Our Xero client and tokens against the simulated Xero, in process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clients.http import open_session
from clients.tokens import XeroTokens
from clients.xero import Xero, parse_xero_date
from core import money
from core.consents import Consent
from core.errors import ConnectorError, Disconnected, Limited, Rejected, Transient, Unknown
from tests.contract import openapi
from tests.contract.clients_xero_world import API, CLIENT_SECRET, IDENTITY, START, World, open_world
from tests.wsgi_adapter import mount


@pytest.fixture(params=["custom", "web"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path, request.param) as opened:
        yield opened


@pytest.fixture
def described() -> None:
    if not openapi.is_available():
        pytest.skip(openapi.MISSING)


# -- writes ----------------------------------------------------------------------------------------------


def test_an_invoice_is_created_with_every_digit_and_read_back(world: World) -> None:
    (element,) = world.xero.create_invoices([world.invoice(1)], key="k-1")

    (read,) = world.xero.list_invoices(ids=[element.document["InvoiceID"]])
    assert element.ok
    assert read["LineItems"][0]["UnitAmount"] == Decimal("1234567.8901")
    assert read["SubTotal"] == Decimal("1234567.89")
    assert parse_xero_date(read["Date"]).isoformat() == "2026-03-10"
    assert world.xero.server_time == START
    assert world.xero.last_limits.minute is not None
    assert world.xero.reference


def test_a_batch_keeps_its_order_and_each_error_its_place(world: World) -> None:
    documents = [
        world.invoice(1),
        world.invoice(2, DueDate=None),
        world.invoice(3, LineItems=[{"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "nope"}]),
        world.invoice(4),
    ]

    elements = world.xero.create_invoices(documents, key="k-1")

    assert [element.ok for element in elements] == [True, False, False, True]
    assert [element.document["Url"] for element in elements] == [document["Url"] for document in documents]
    assert elements[1].errors == ("The document DueDate field must be specified.",)
    assert "nope" in elements[2].errors[0]


def test_a_number_that_exists_is_refused_and_found(world: World) -> None:
    world.xero.create_invoices([world.invoice(1, InvoiceNumber="D-1")], key="k-1")

    (element,) = world.xero.create_invoices([world.invoice(2, InvoiceNumber="D-1")], key="k-2")
    found = world.xero.find_invoice_by_number("D-1")

    assert element.errors == ("Invoice # must be unique.",)
    assert found is not None
    assert found["Url"].endswith("id=1")
    assert found["LineItems"]
    assert world.xero.find_invoice_by_number("D-2") is None


@pytest.mark.parametrize("kind", ["drop-after", "status-after"])
def test_a_lost_answer_is_unknown_and_the_same_key_brings_it_again(world: World, kind: str) -> None:
    documents = [world.invoice(1)]
    world.fail("PUT /api.xro/2.0/Invoices", kind)

    with pytest.raises(Unknown):
        world.xero.create_invoices(documents, key="k-1")
    (element,) = world.xero.create_invoices(documents, key="k-1")

    assert element.ok
    assert len(world.organisation.invoices) == 1


@pytest.mark.parametrize("kind", ["drop-before", "status-before"])
def test_a_lost_request_is_unknown_too_and_nothing_exists(world: World, kind: str) -> None:
    world.fail("PUT /api.xro/2.0/Invoices", kind)

    with pytest.raises(Unknown):
        world.xero.create_invoices([world.invoice(1)], key="k-1")

    assert len(world.organisation.invoices) == 0


def test_a_key_used_for_another_request_is_refused(world: World) -> None:
    world.xero.create_invoices([world.invoice(1)], key="k-1")

    with pytest.raises(Rejected, match="different request") as caught:
        world.xero.create_invoices([world.invoice(2)], key="k-1")

    assert caught.value.status == 400


def test_contacts_are_created_once(world: World) -> None:
    contacts = [{"Name": "Bob", "ContactNumber": "n-2"}, {"Name": "Ann", "ContactNumber": "n-3"}]

    created = world.xero.create_contacts(contacts, key="k-1")

    assert [element.ok for element in created] == [True, False]
    assert "already assigned to another contact" in created[1].errors[0]


def test_items_are_created_once(world: World) -> None:
    first = world.xero.create_items([{"Code": "P-1", "Name": "Bolt"}], key="k-1")
    second = world.xero.create_items([{"Code": "P-1", "Name": "Bolt"}], key="k-2")

    assert first[0].ok
    assert "already exists" in second[0].errors[0]
    assert [item["Code"] for item in world.xero.list_items()] == ["P-1"]


@pytest.mark.usefixtures("described")
def test_what_we_send_is_what_xero_describes(world: World) -> None:
    world.xero.create_invoices([world.invoice(1)], key="k-1")
    world.xero.create_contacts([{"Name": "Bob", "ContactNumber": "n-2"}], key="k-2")
    world.xero.create_items([{"Code": "P-1", "Name": "Bolt"}], key="k-3")

    writes = [call for call in world.simulator.wire.calls if call.method == "PUT"]
    complaints = [
        complaint
        for call in writes
        for complaint in openapi.validate_request(call.method, call.path, money.loads(call.body))
    ]
    assert len(writes) == 3
    assert complaints == []


# -- reads -----------------------------------------------------------------------------------------------


def test_all_changes_are_read_across_pages_while_some_change_again(world: World) -> None:
    """By page numbers one would be missed: the first invoice moves to the end, and all others one place up."""
    person = world.simulator.user(world.organisation)
    for number in range(1150):
        if number % 10 == 0:
            world.clock.advance(timedelta(seconds=1))
        person.create_invoice(
            Type="ACCREC", Contact={"ContactID": world.contact_id}, Status="DRAFT", Reference=str(number)
        )
    changes = world.xero.list_invoices_changed(START)

    first = next(changes)
    world.clock.advance(timedelta(seconds=1))
    person.edit_invoice(first["InvoiceID"], Reference="again")
    rest = list(changes)

    found = [invoice["Reference"] for invoice in (first, *rest)]
    assert sorted(found) == sorted([*(str(number) for number in range(1150)), "again"])
    assert rest[-1]["InvoiceID"] == first["InvoiceID"]
    assert "LineItems" not in first
    assert world.calls.count("GET /api.xro/2.0/Invoices") == 2


def test_only_changes_since_the_moment_are_read(world: World) -> None:
    world.xero.create_invoices([world.invoice(1)], key="k-1")
    world.clock.advance(timedelta(seconds=5))
    world.xero.create_invoices([world.invoice(2)], key="k-2")

    found = list(world.xero.list_invoices_changed(world.clock.now(), summary=False))

    assert [invoice["Url"][-4:] for invoice in found] == ["id=2"]
    assert found[0]["LineItems"][0]["UnitAmount"] == Decimal("1234567.8901")


def test_contacts_are_found_by_each_of_their_marks(world: World) -> None:
    person = world.simulator.user(world.organisation)
    for name in ("O'Neil & Söhne + Co", 'The "Red" Lion', "back\\slash"):
        person.create_contact(Name=name)

    asked = {
        "contact_numbers": ["n-1"],
        "account_numbers": ["A-1"],
        "names": ["o'neil & söhne + co", 'The "Red" Lion', "back\\slash"],
    }
    found = sorted(contact["Name"] for contact in world.xero.list_contacts_matching(**asked))

    assert found == ["Ann", "O'Neil & Söhne + Co", 'The "Red" Lion', "back\\slash"]


def test_archived_contacts_are_found_when_asked_for(world: World) -> None:
    world.simulator.user(world.organisation).archive_contact(world.contact_id)

    assert list(world.xero.list_contacts_matching(names=["Ann"])) == []
    (found,) = world.xero.list_contacts_matching(names=["Ann"], include_archived=True)
    (whole,) = world.xero.list_contacts(ids=[world.contact_id])

    assert found["ContactStatus"] == whole["ContactStatus"] == "ARCHIVED"


def test_settings_are_read(world: World) -> None:
    assert "200" in {account.get("Code") for account in world.xero.list_accounts()}
    assert "OUTPUT2" in {rate["TaxType"] for rate in world.xero.list_tax_rates()}
    assert world.xero.get_organisation()["Name"] == "Demo (UK)"
    assert [theme["Name"] for theme in world.xero.list_branding_themes()]
    assert [each["tenantId"] for each in world.xero.list_connections()] == [world.organisation.tenant_id]


# -- refusals --------------------------------------------------------------------------------------------


def test_a_limit_says_how_long_to_rest(world: World) -> None:
    world.tokens.get()
    world.simulator.identity.apps["app"].limits.minute = 1
    list(world.xero.list_items())

    with pytest.raises(Limited) as caught:
        list(world.xero.list_items())

    assert caught.value.limit == "minute"
    assert 0 < caught.value.retry_after_s <= 60
    assert world.xero.last_limits.minute == 0


def test_a_token_that_expired_on_the_way_costs_one_try(world: World) -> None:
    list(world.xero.list_items())
    world.simulator.identity.access_tokens.clear()

    with pytest.raises(Transient):
        list(world.xero.list_items())

    assert list(world.xero.list_items()) == []


def test_tokens_are_renewed_over_a_day_without_a_refusal(world: World) -> None:
    for _ in range(48):
        list(world.xero.list_items())
        world.clock.advance(timedelta(minutes=29))

    refused = [call for call in world.simulator.wire.calls if call.status != 200]
    assert refused == []


def test_a_lost_token_answer_is_mended(world: World) -> None:
    world.fail("POST /connect/token", "drop-after")
    with pytest.raises(Transient):
        list(world.xero.list_items())
    world.clock.advance(timedelta(minutes=29))

    assert list(world.xero.list_items()) == []


def test_an_organisation_that_was_disconnected_needs_the_administrator(world: World) -> None:
    list(world.xero.list_items())
    world.simulator.user(world.organisation).disconnect_app("app")

    with pytest.raises(Disconnected, match="Connect Xero again"):
        list(world.xero.list_items())


def test_a_scope_that_is_missing_needs_the_administrator(world: World) -> None:
    without = Consent("c-2", "xero", "narrow", CLIENT_SECRET, scope="accounting.contacts")
    world.simulator.add_app(
        client_id="narrow",
        client_secret=CLIENT_SECRET,
        kind="custom",
        scopes="accounting.contacts",
        tenant_ids=[world.organisation.tenant_id],
    )
    world.consents.save(without)
    session = open_session(None)
    mount(session, "https://", world.simulator.wire)
    tokens = XeroTokens(world.consents, "c-2", identity_url=IDENTITY, session=session, clock=world.clock)
    xero = Xero(session, tokens, api_url=API, tenant_id=world.organisation.tenant_id)

    with pytest.raises(Disconnected, match="lacks a right"):
        xero.create_invoices([world.invoice(1)], key="k")


def test_an_organisation_that_is_offline_is_a_matter_of_time(world: World) -> None:
    for _ in range(2):
        world.fail("/api.xro/", "status-before", status=503, body="The Organisation is offline")

    with pytest.raises(Transient):
        list(world.xero.list_items())
    with pytest.raises(Transient):
        world.xero.create_invoices([world.invoice(1)], key="k")


def test_no_error_shows_a_secret(world: World) -> None:
    secrets = {CLIENT_SECRET, world.tokens.get(), world.consents.get("c-1").refresh_token} - {""}
    texts: list[str] = []
    for kind, status in [
        ("drop-before", 0),
        *(("status-before", status) for status in (400, 401, 403, 404, 429, 500)),
    ]:
        for what in ("/connect/token", "/api.xro/"):
            world.tokens.forget()
            world.fail(what, kind, status=status)
            with pytest.raises(ConnectorError) as caught:
                world.xero.create_invoices([world.invoice(1)], key="k")
            texts += _texts(caught.value)
            world.simulator.wire.release()

    assert len(texts) >= 14
    assert not [secret for secret in secrets if secret in "\n".join(texts)]


def _texts(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__
