"""One invoice that cannot go keeps no other from going, and says why in its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import columns
from simulators.dataverse.errors import bad_request
from simulators.wire import Fault
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.taps import Crash
from tests.world import Line, World

FAILED = columns.SYNC_STATUS["Failed"]


def account_row(world: World, code: str) -> str:
    row = {
        "stl3_name": code,
        "stl3_code": code,
        "stl3_key": f"{world.connection.id}|{code}",
        "stl3_Connector@odata.bind": world.binding(world.connection),
    }
    return world.sales.create(columns.ACCOUNT_CODE.set_name, row)


def tax_row(world: World, code: str) -> str:
    row = {"stl3_name": code, "stl3_code": code, "stl3_key": f"{world.connection.id}|{code}"}
    return world.sales.create(columns.TAX_TYPE.set_name, row)


def on_line(world: World, invoice_id: str, **row: Any) -> None:
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], row)


def bad_account_code(world: World, invoice_id: str) -> str:
    row_id = account_row(world, "nope")
    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({row_id})"})
    return "nope"


def archived_account(world: World, invoice_id: str) -> str:
    world.xero.user(world.org).add_account(Code="299", Name="Old sales", Type="REVENUE")
    world.xero.user(world.org).alter_account("299", Status="ARCHIVED")
    row_id = account_row(world, "299")
    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({row_id})"})
    return "299"


def bad_tax_type(world: World, invoice_id: str) -> str:
    row_id = tax_row(world, "NOTAX99")
    on_line(world, invoice_id, **{"stl3_TaxType@odata.bind": f"/{columns.TAX_TYPE.set_name}({row_id})"})
    return "NOTAX99"


@pytest.mark.parametrize("spoil", [bad_account_code, archived_account, bad_tax_type])
def test_one_invalid_invoice_of_fifty_fails_alone(world: World, spoil: Callable[[World, str], str]) -> None:
    """F46: 49 are exported by the same call; the other one is Failed with Xero's words; each has a row of history."""
    invoice_ids = world.save_invoices(50)
    culprit = invoice_ids[17]
    word = spoil(world, culprit)
    world.mark(*invoice_ids)

    world.work()

    others = [invoice_id for invoice_id in invoice_ids if invoice_id != culprit]
    world.assert_exported_once(*others)
    assert len(world.sent_keys()) == 1
    assert world.status(culprit) == "Failed"
    (row,) = world.history(culprit)
    assert row["stl3_syncstatus"] == FAILED
    assert word in row["stl3_details"]
    assert world.details(culprit)["stl3_attemptstarted"] is None
    world.assert_quiet()


def test_a_failed_invoice_goes_when_a_person_has_repaired_it_and_says_so(world: World) -> None:
    """A later edit alone does not make it go; Failed → No does, and both rows of history stay (rule C60)."""
    (invoice_id,) = world.save_invoices(1)
    bad_account_code(world, invoice_id)
    world.settle()
    assert world.status(invoice_id) == "Failed"

    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": None})
    world.settle()
    assert world.status(invoice_id) == "Failed"
    world.try_again(invoice_id)
    world.settle()

    world.assert_exported_once(invoice_id)
    assert sorted(row["stl3_syncstatus"] for row in world.history(invoice_id)) == sorted((SUCCESSFUL, FAILED))


def test_the_same_failure_twice_is_two_rows_of_history(world: World) -> None:
    """A person says No again without a repair: that is a new operation."""
    (invoice_id,) = world.save_invoices(1)
    bad_account_code(world, invoice_id)
    world.settle()
    world.try_again(invoice_id)
    world.settle()

    assert world.status(invoice_id) == "Failed"
    assert [row["stl3_syncstatus"] for row in world.history(invoice_id)] == [FAILED, FAILED]


def refuse_calls_that_hold(world: World, word: bytes, *, status: int, body: str = "", to: str = "/Invoices") -> None:
    """Xero answers each PUT of such documents that contains `word` with this status, whatever else is in it."""
    original = world.xero.wire._answer

    def answer(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        if environ["REQUEST_METHOD"] == "PUT" and word in content and environ["PATH_INFO"].endswith(to):
            fault = Fault(match=".", kind="status-before", status=status, body=body)
        return original(environ, content, fault)

    world.xero.wire._answer = answer


def test_the_culprit_of_a_call_that_is_refused_whole_stands_alone(world: World) -> None:
    """A 400 without elements made nothing: the others go one by one, and the culprit fails with Xero's words."""
    invoice_ids = world.save_invoices(12)
    culprit = world.save_invoice(Line("Unspeakable", "9.00"))
    refuse_calls_that_hold(world, b"Unspeakable", status=400, body='{"Message": "A value cannot be read."}')
    world.mark(culprit, *invoice_ids)

    world.work()

    world.assert_exported_once(*invoice_ids)
    assert world.status(culprit) == "Failed"
    (row,) = world.history(culprit)
    assert row["stl3_details"].startswith("Xero says: A value cannot be read.")
    assert len(world.all_documents()) == 12
    world.assert_quiet()


@pytest.mark.parametrize("to", ["/Contacts", "/Items"])
def test_a_contact_or_item_that_xero_cannot_read_fails_its_own_invoice(world: World, to: str) -> None:
    """Rule C60: a 400 without elements made none of them; all but the culprit are created."""
    for name in ("Alpine", "Unspeakable", "Zenith"):
        world.customers[name] = world.add_customer(name)
        world.products[name] = world.add_product(name.upper(), name)
    ids = {
        name: world.save_invoice(Line("Work", "9.00", product=name), customer=name) for name in ("Alpine", "Zenith")
    }
    where = {"product": "Unspeakable"} if to == "/Items" else {}
    customer = "Unspeakable" if to == "/Contacts" else "Alpine"
    culprit = world.save_invoice(Line("Work", "9.00", **where), customer=customer)
    refuse_calls_that_hold(world, b"Unspeakable", status=400, body='{"Message": "A value cannot be read."}', to=to)
    world.mark(culprit, *ids.values())

    world.work()

    world.assert_exported_once(*ids.values())
    assert world.status(culprit) == "Failed"
    (row,) = world.history(culprit)
    assert "Unspeakable" in row["stl3_details"] or "UNSPEAKABLE" in row["stl3_details"]
    assert "Xero says: A value cannot be read." in row["stl3_details"]
    assert list(world.app.dead.list_all()) == []
    world.assert_quiet()


def test_a_document_that_makes_xero_answer_500_each_time_is_put_aside(world: World) -> None:
    """R13, F30: The others go after the second attempt at the latest; it ends as a dead letter, Failed, with a
    reference.
    """
    invoice_ids = world.save_invoices(4)
    poison = world.save_invoice(Line("Unspeakable", "9.00"))
    refuse_calls_that_hold(world, b"Unspeakable", status=500)
    world.mark(poison, *invoice_ids)

    world.run_for(minutes=18)
    world.assert_exported_once(*invoice_ids)
    for _ in range(30):  # business goes on
        invoice_ids += world.save_invoices(1)
        world.run_for(minutes=1)
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == len(invoice_ids)
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison
    assert world.status(poison) == "Failed"
    (row,) = world.history(poison)
    assert letter.reference in row["stl3_details"]
    world.assert_quiet()


def test_an_outage_of_an_hour_puts_nothing_aside(world: World) -> None:
    """Xero reads but answers each create with 500: that is no invoice's fault, and all go afterwards."""
    first = world.save_invoices(3)
    world.mark(*first)
    world.work()
    second = world.save_invoices(3)
    world.xero.wire.inject(Fault(match="PUT /api.xro/2.0/Invoices", kind="status-before", times=10_000, status=500))

    world.run_for(minutes=60)
    world.xero.wire.release()
    third = world.save_invoices(3)
    world.settle()

    world.assert_exported_once(*first, *second, *third)
    assert list(world.app.dead.list_all()) == []
    assert len(world.all_documents()) == 9


def test_an_invoice_that_breaks_our_own_code_is_put_aside(world: World) -> None:
    """F30: A quantity that no code expects: after its tries it is Failed with a reference; the others went before."""
    invoice_ids = world.save_invoices(4)
    poison = world.save_invoice(Line("Impossible", "1.00"))
    for row in world.dynamics._env.store.all("invoicedetail").values():
        if poison in str(row["invoiceid"]):
            row["quantity"] = "many"
    world.mark(poison, *invoice_ids)

    world.settle()

    world.assert_exported_once(*invoice_ids)
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison
    assert "many" not in letter.trace
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}


def test_an_invoice_that_kills_the_worker_is_put_aside(world: World) -> None:
    """F31: Each process that touches it dies: the tries were counted before, so the seventh does not begin."""
    (poison,) = world.save_invoices(1)
    deaths = 0
    for _ in range(20):
        world.mark(poison)
        world.tap.crash_at(1, after=False, only="PUT api.xero.com/api.xro/2.0/Invoices")
        try:
            world.work()
        except Crash:
            deaths += 1
            world.die()
    world.tap.close()

    assert deaths == 6
    (letter,) = world.app.dead.list_all()
    assert letter.error == "Killed"
    assert world.status(poison) == "Failed"
    assert world.details(poison)["stl3_attemptstarted"] is not None  # nobody knows: it will be looked for


def test_what_was_put_aside_with_an_open_attempt_is_looked_for_before_it_is_sent_again(world: World) -> None:
    """The worker was killed after Xero had made the document: Failed → No finds it instead of making another."""
    (poison,) = world.save_invoices(1)
    world.mark(poison)
    for _ in range(6):
        world.tap.crash_at(1, after=True, only="PUT api.xero.com/api.xro/2.0/Invoices")
        with pytest.raises(Crash):
            world.work()
        world.die()
    world.work()
    assert world.status(poison) == "Failed"
    world.settle()
    assert world.status(poison) == "Failed"

    world.try_again(poison)
    world.settle()

    world.assert_exported_once(poison)
    assert len(world.all_documents()) == 1


def test_a_row_that_dynamics_refuses_each_time_is_put_aside(world: World) -> None:
    """A customer's plug-in refuses the details row of one invoice: the others go, it ends as a dead letter."""
    invoice_ids = world.save_invoices(4)
    poison = world.save_invoice(Line("Work", "9.00"))
    refuse_details_of(world, poison)
    world.mark(poison, *invoice_ids)

    world.settle()

    world.assert_exported_once(*invoice_ids)
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison
    assert world.documents_of(poison) == []


def test_the_words_of_a_refusal_stay_out_of_the_log(world: World) -> None:
    """Promise H5: they may quote a customer or an amount; what is logged is kept for longer than anybody knows."""
    poison = world.save_invoice(Line("Work", "9.00"))
    refuse_details_of(world, poison)
    world.mark(poison)

    with capture_logs() as entries:
        world.work()

    (failed,) = (entry for entry in entries if entry["event"] == "batch.failed")
    assert (failed["error"], failed["reason"]) == ("Rejected", None)
    assert "Not on my watch" not in str(entries)


def refuse_details_of(world: World, invoice_id: str) -> None:
    before = world.dynamics._env.before_commit

    def refuse(event: Any) -> None:
        if event.table == columns.DETAILS.name and event.supplied.get("stl3_dynamicsinvoiceid") == invoice_id:
            raise bad_request("Not on my watch")
        before(event)

    world.dynamics._env.before_commit = refuse


def test_an_id_that_is_none_stops_nothing(world: World) -> None:
    """A forged or mangled hint is dropped; the connection goes on."""
    (invoice_id,) = world.save_invoices(1)
    world.mark("not-an-id", "' or 1 eq 1", invoice_id)

    world.work()

    world.assert_exported_once(invoice_id)
    assert world.app.connections.find(world.connection.id).state == "in service"
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}


def test_more_changes_than_a_call_to_dynamics_takes(world: World) -> None:
    """Fifty invoices of thirty lines: more than a thousand rows to write, in several calls."""
    lines = [Line(f"Part {n}", "1.10") for n in range(30)]
    invoice_ids = [world.save_invoice(*lines) for _ in range(50)]
    world.mark(*invoice_ids)

    world.work()

    world.assert_exported_once(*invoice_ids)
    for invoice_id in invoice_ids[:3]:
        (document,) = world.documents_of(invoice_id)
        assert world.invoice(invoice_id)["totaltax"] == document["TotalTax"]
