"""A Dynamics whose address Xero refuses in links: the documents' links lead through the connector (rule C18)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.world import Line, World

DYNAMICS_URL = "https://xerography.crm4.dynamics.com"
PUBLIC_URL = "https://connector.example"


@pytest.fixture
def refused(fresh_world: Callable[[], World], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], World]:
    """Makes a world whose Dynamics has Xero's name in its host, with this PUBLIC_URL."""

    def make(public_url: str) -> World:
        monkeypatch.setattr("tests.world.DYNAMICS_URL", DYNAMICS_URL)
        monkeypatch.setenv("PUBLIC_URL", public_url)
        return fresh_world()

    return make


def link(world: World, invoice_id: str) -> str:
    organisation = world.connection.dynamics_organization_id
    return f"{PUBLIC_URL}/open/invoice/{world.connection.id}/{invoice_id}#{organisation}"


def test_the_document_links_to_the_connector(refused: Callable[[str], World]) -> None:
    """Rule C18: Xero takes it."""
    world = refused(PUBLIC_URL)
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    world.settle()

    world.assert_exported_once(invoice_id)
    assert world.documents()[0]["Url"] == link(world, invoice_id)
    world.assert_quiet()


def test_a_document_whose_answer_was_lost_is_found_by_that_link(refused: Callable[[str], World]) -> None:
    """Its origin is the same as that of a link to Dynamics itself."""
    world = refused(PUBLIC_URL)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.lose_reply("PUT /api.xro/2.0/Invoices")
    world.work()
    world.die()
    world.pass_time(minutes=8)

    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1


def test_two_refused_addresses_fail_the_invoice_with_what_to_do(refused: Callable[[str], World]) -> None:
    """Rule C18: nothing is sent to be refused; after the repair, export status No sends it."""
    world = refused("https://dynamics-xero.example")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.settle()
    assert world.status(invoice_id) == "Failed"
    (row,) = world.history(invoice_id)
    assert "set PUBLIC_URL to an address without “xero”" in row["stl3_details"]
    assert world.sent_keys() == []

    world.settings = replace(world.settings, public_url=PUBLIC_URL)
    world.app = world.new_process()
    world.try_again(invoice_id)
    world.settle()

    assert world.documents()[0]["Url"] == link(world, invoice_id)
