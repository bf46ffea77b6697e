"""`connector explain` finds the invoice, reads where it stands, and changes nothing by looking."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from cli import explain as explain_command
from cli.invoices import each_of, id_in
from cli.printing import print_json
from core import columns
from core.errors import Misconfigured
from pipeline.dead import DeadLetter
from pipeline.explaining import Explanation
from pipeline.lanes import Entity
from simulators.wire import Fault
from tests.simulation.onlooking import nothing_changes
from tests.world import DYNAMICS_URL, Line, World

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def explained(world: World, named: str, connection_id: str | None = None) -> Explanation:
    (found,) = all_explained(world, named, connection_id)
    return found


def all_explained(world: World, named: str, connection_id: str | None = None) -> list[Explanation]:
    found, failures = explain_command.explanations(world.app, named, connection_id)
    assert failures == []
    return found


def printed(found: list[Explanation]) -> str:
    console = Console(file=io.StringIO(), width=160)
    explain_command.show(console, found)
    return console.file.getvalue()  # type: ignore[attr-defined]


# -- what it says ------------------------------------------------------------------------------------------


def test_an_invoice_is_followed_from_waiting_to_xero(world: World) -> None:
    """Each stage in a line, and not a byte changes by looking."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    with nothing_changes(world):
        waiting = explained(world, invoice_id)
    world.edit(invoice_id, **{"pricelevelid@odata.bind": f"/pricelevels({world.price_list})"})
    unmarked = explained(world, invoice_id)
    world.mark(invoice_id)
    with nothing_changes(world):
        due = explained(world, invoice_id)
    world.work()
    with nothing_changes(world):
        exported = explained(world, invoice_id)

    assert waiting.verdict == "It waits: price list."
    assert "nothing has marked it yet" in unmarked.verdict
    assert due.verdict.startswith("It is due and goes within seconds")
    number = world.details(invoice_id)["stl3_xeronumber"]
    assert exported.verdict == f"It is in Xero: {number}, Draft."
    assert ("Link", world.details(invoice_id)["stl3_xerourl"]) in exported.xero
    assert any("Invoice has been created in Xero" in said for _, said in exported.xero)
    assert world.xero_calls() == []


def test_a_failure_is_told_with_xeros_words_and_what_to_do(world: World) -> None:
    world.choose(sales_account="999")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.work()

    with nothing_changes(world):
        failed = explained(world, invoice_id)

    assert failed.verdict.startswith("It failed: Xero says: Account code '999' is not a valid code")
    assert "Export status to No" in printed([failed])


def test_an_open_attempt_and_a_resting_lane_are_told(world: World) -> None:
    """Xero did not answer: since when, and when somebody looks again."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.lose_reply("PUT /api.xro/2.0/Invoices")
    world.work()

    with nothing_changes(world):
        found = explained(world, invoice_id)

    assert found.verdict.startswith("An attempt to create it in Xero is open since 24 Nov 2026 09:30:00")
    assert dict(found.work)["Lane"].startswith("waits, next try 24 Nov 2026 09:30:0")


def test_an_invoice_that_was_put_aside_names_its_reference(world: World) -> None:
    """Support finds it by that; other invoices' dead letters are not shown."""
    invoice_id, other_id = world.save_invoices(2)
    for each, reference in ((invoice_id, "abc123"), (other_id, "def456")):
        entity = Entity("dynamics", "invoice", each)
        world.app.dead.put(DeadLetter(world.connection.id, entity, reference, "KeyError", "trace", world.clock.now()))

    with nothing_changes(world):
        found = explained(world, invoice_id)

    assert dict(found.work)["Put aside"].endswith("KeyError, reference abc123")
    assert "def456" not in printed([found])


def test_the_mistakes_of_an_administrator_do_not_hide_the_rest(world: World) -> None:
    """Wrong settings stop the connection; gates and dates are told all the same."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.choose(timezone="Mars/Olympus")
    world.dynamics.user().update(
        columns.SETTINGS.set_name,
        world.dynamics.rows(columns.SETTINGS.set_name)[0][columns.SETTINGS.id_column],
        {"stl3_customfields": "{"},
    )

    found = explained(world, invoice_id)

    assert found.verdict.startswith("It waits for the administrator:")
    assert "Mars/Olympus" in found.verdict
    assert "not JSON" in found.verdict
    assert all(gate.is_open for gate in found.gates)


def test_the_zone_of_the_settings_is_the_one_that_counts(world: World) -> None:
    """Rule B9: days begin there, and times are told in it."""
    world.choose(timezone="Pacific/Auckland")
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered="2026-11-24T11:00:00Z")

    found = explained(world, invoice_id)

    assert dict(found.date)["Taken for"].startswith("25 Nov 2026: this is midnight in Pacific/Auckland")
    assert found.verdict == "It waits: goes on 25 Nov 2026 (Date Delivered)."
    assert dict(found.date)["Goes"].startswith("just after 25 Nov 2026 00:00:00 (NZDT)")


def test_a_deleted_invoice_is_explained_by_its_details(world: World) -> None:
    """By GUID and by its number, which only the details row still has."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    number = world.invoice(invoice_id)["invoicenumber"]
    world.mark(invoice_id)
    world.work()
    world.sales.delete("invoice", invoice_id)

    with nothing_changes(world):
        found = explained(world, number)

    assert found == explained(world, invoice_id)
    document = world.details(invoice_id)["stl3_xeronumber"]
    assert found.verdict == (
        f"It was deleted in Dynamics. Next for {document}, Draft, by what is known of it here: deleted in Xero."
    )
    assert any("Invoice has been created in Xero" in said for _, said in found.xero)


def test_a_cancelled_invoice_is_followed_until_its_credit_note_is_applied(world: World) -> None:
    """Rule E2: what comes next, what is under way, and what came of it."""
    world.choose(status="Authorised", create_credit_notes=True)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.work()
    world.sales.cancel_invoice(invoice_id)
    with nothing_changes(world):
        cancelled = explained(world, invoice_id)
    world.mark(invoice_id)
    world.lose_reply("PUT /api.xro/2.0/CreditNotes")
    world.work()
    with nothing_changes(world):
        begun = explained(world, invoice_id)
    world.settle()
    with nothing_changes(world):
        done = explained(world, invoice_id)

    number = world.details(invoice_id)["stl3_xeronumber"]
    assert cancelled.verdict.endswith(": credit note for the full amount, approved and applied.")
    assert f"{number}, Authorised is being credited in Xero since 24 Nov 2026 09:30:00 (GMT)" in begun.verdict
    assert dict(begun.xero)["Credit note"] == f"CN-{number} (not known yet to have been made)"
    assert done.verdict == (
        f"It was cancelled in Dynamics. That has been dealt with: {number}, Credited by CN-{number}."
    )
    assert (dict(done.xero)["Credit note"], dict(done.xero)["Dealt with as"]) == (f"CN-{number}", "cancelled")
    assert f"CN-{number}" in printed([done])


def test_deletions_that_wait_for_the_owner_say_how_to_confirm_them(world: World) -> None:
    """More than ten at a time: nothing is done in Xero before somebody has said that they were meant."""
    invoice_ids = world.save_invoices(11)
    world.mark(*invoice_ids)
    world.work()
    for invoice_id in invoice_ids:
        world.sales.delete("invoice", invoice_id)
    world.mark(*invoice_ids)
    world.work()

    with nothing_changes(world):
        found = explained(world, invoice_ids[0])

    assert found.verdict.endswith("in Xero waits for the word of the connection's owner.")
    assert f"`connector deletions confirm {world.connection.id}` lets it be carried out in Xero." in found.advice


# -- how it is found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        GUID,
        GUID.upper(),
        f"{{{GUID}}}",
        f"https://contoso.crm4.dynamics.com/main.aspx?appid={OTHER}&pagetype=entityrecord&etn=invoice&id={GUID}",
        f"https://contoso.crm4.dynamics.com/main.aspx?etn=invoice&id=%7b{GUID}%7d&appid={OTHER}",
        f"https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=invoice&id={GUID}#{OTHER}",
        f"https://connector.example/open/invoice/{OTHER}/{GUID}#{OTHER}",
    ],
)
def test_the_id_in_a_link_is_the_invoices(named: str) -> None:
    """Not the app's before it, not the organisation's behind it."""
    assert id_in(named) == GUID


def test_a_number_holds_no_id() -> None:
    assert id_in("INV-01003") == ""


def test_number_id_and_link_find_the_same_invoice(world: World) -> None:
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    number = world.invoice(invoice_id)["invoicenumber"]
    link = f"{DYNAMICS_URL}/main.aspx?appid={OTHER}&pagetype=entityrecord&etn=invoice&id={invoice_id}"

    found = [explained(world, named) for named in (number, invoice_id, link)]

    assert found[0] == found[1] == found[2]
    assert ("Invoice id", invoice_id) in found[0].invoice


def test_an_unknown_invoice_is_an_error_in_words(world: World) -> None:
    with pytest.raises(Misconfigured, match="Not found in Dynamics: INV-NONE"):
        all_explained(world, "INV-NONE")
    with pytest.raises(Misconfigured, match="There is no connection c-9"):
        all_explained(world, "INV-NONE", "c-9")


@pytest.mark.parametrize(
    "named", ["x' or 1 eq 1", "x' or '1' eq '1", "🧾 & # % ? + \" '", "--help", "https://example.com"]
)
def test_whatever_a_person_types_is_only_a_name(world: World, named: str) -> None:
    """What looks like a filter finds nothing, as any other wrong number."""
    world.save_invoice(Line("Work", "10.00"))

    with nothing_changes(world), pytest.raises(Misconfigured) as error:
        all_explained(world, named)

    assert str(error.value).startswith(f"Not found in Dynamics: {named}. Give the invoice ID")


@pytest.mark.parametrize(
    ("named", "shown"),
    [("", "(an empty name)"), ("A" * 10_000, "A" * 80 + "…"), ("a\nb\x1b[31m", "a?b?[31m"), ("\udcff", "?")],
)
def test_what_can_be_no_invoice_id_is_told_without_asking(world: World, named: str, shown: str) -> None:
    """And is shown in a line that no terminal takes for commands."""
    asked = len(world.dynamics.wire.calls)

    with pytest.raises(Misconfigured) as error:
        all_explained(world, named)

    assert str(error.value).startswith(f"Not found in Dynamics: {shown}. ")
    assert not any(call.method == "POST" and "$batch" in call.path for call in world.dynamics.wire.calls[asked:])


def test_of_several_names_those_that_are_found_are_explained(world: World) -> None:
    """An unknown one does not keep the others from their answer; spaces around a name are nothing."""
    first, second = (world.save_invoice(Line("Work", "10.00")) for _ in range(2))
    names = (f" {world.invoice(first)['invoicenumber']} ", "INV-NONE", second)

    found, failures, wrong = each_of(names, lambda named: explain_command.explanations(world.app, named, None))

    assert [each.number for each in found] == [world.invoice(one)["invoicenumber"] for one in (first, second)]
    assert (failures, len(wrong)) == ([], 1)
    assert printed(found).startswith(f"{found[0].number}  It ")


def test_of_two_connections_the_one_that_the_invoice_belongs_to_explains_it(world: World) -> None:
    """The others would only say that it is not theirs; asked for by name they do."""
    other, _ = world.join_second()
    mine, theirs = world.save_invoice(Line("A", "1")), world.save_invoice(Line("B", "1"), connection=other)

    assert dict(explained(world, mine).invoice)["Connection"].endswith(f"({world.connection.id})")
    assert dict(explained(world, theirs).invoice)["Connection"].endswith(f"({other.id})")
    assert explained(world, theirs, world.connection.id).verdict == "It waits: connector."


def test_an_invoice_of_no_connection_is_explained_by_all(world: World) -> None:
    """All hits are shown."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("A", "1"), connect=False)

    found = all_explained(world, invoice_id)

    assert [each.verdict for each in found] == ["It waits: connector."] * 2
    assert {dict(each.invoice)["Connection"][-37:-1] for each in found} == {world.connection.id, other.id}
    assert printed(found).count("It waits: connector.") == 2


def test_an_exported_invoice_stays_with_the_connection_of_its_document(world: World) -> None:
    """Rule C63: whatever connector stands on it now."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("A", "1"))
    world.mark(invoice_id)
    world.work()
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})

    found = explained(world, invoice_id)

    assert found.verdict.startswith("It is in Xero:")
    assert ("Connector on it", f"another one ({other.id})") in found.invoice


def test_one_that_cannot_be_asked_is_named_beside_the_answer(world: World) -> None:
    """Two connections lead to the same Dynamics: the second answers for both."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("A", "1"), connection=other)
    world.dynamics.wire.inject(Fault(match="POST", kind="status-before", status=503, times=1))

    found, failures = explain_command.explanations(world.app, invoice_id, None)

    assert len(found) == 1
    assert len(failures) == 1
    assert failures[0].startswith("Contoso: ")


# -- how it is printed -------------------------------------------------------------------------------------


def test_ticks_and_crosses_have_words_beside_them(world: World) -> None:
    """Colour says nothing that the words don't; what people typed is no markup."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), name="[bold]Order[/] 1", datedelivered=None)

    text = printed([explained(world, invoice_id)])

    assert "✓ open" in text
    assert "✗ closed" in text
    assert "Fill in Date Delivered." in text
    assert "[bold]Order[/] 1" in text


def test_json_holds_everything(world: World, capsys: Any) -> None:
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    print_json([explain_command.as_plain(explained(world, invoice_id))])

    (document,) = json.loads(capsys.readouterr().out)
    assert document["verdict"].startswith("It may go")
    assert [gate["rule"] for gate in document["gates"]] == [f"C{n}" for n in range(1, 9)]
    assert {"what": "Invoice id", "said": invoice_id} in document["invoice"]


def test_json_keeps_the_digits_of_amounts(capsys: Any) -> None:
    print_json({"amount": Decimal("0.10")})

    assert '"amount": 0.10' in capsys.readouterr().out


def test_what_became_of_it_in_xero_is_shown(world: World) -> None:
    """Rule D3: amounts as the details row has them; what is due on the Xero side counts as work."""
    world.choose(status="Authorised")
    invoice_id = world.save_invoice(Line("Work", "10.00"), duedate="2026-12-24")
    world.settle()
    (document,) = world.documents_of(invoice_id)
    world.pass_time(seconds=1)
    world.xero.user(world.org).pay(document["InvoiceID"], "5.00")
    world.settle()

    shown = dict(explained(world, invoice_id).xero)

    assert (shown["Status"], shown["Amount due"], shown["Amount paid"]) == ("Authorised", "7.00", "5.00")
    assert (
        shown["Last synced"] == "24 Nov 2026 09:30:01 (GMT)"
    )  # when the payment came back, not when it was exported
    assert "Amount credited" not in shown
    entity = Entity("xero", "invoice", document["InvoiceID"])
    world.app.lanes.mark(world.connection.id, [entity], due_at=world.clock.now())
    assert dict(explained(world, invoice_id).work)["Due"].startswith("since ")


def test_rows_of_one_second_stand_in_the_order_in_which_they_were_written(world: World) -> None:
    """Dynamics keeps times to the second: a payment that is made and removed at once is told in that order."""
    world.choose(status="Authorised")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.settle()
    (document,) = world.documents_of(invoice_id)
    person = world.xero.user(world.org)
    for amount in ("1.00", "2.00", "3.00"):
        person.pay(document["InvoiceID"], amount)
        world.settle()

    told = [text for _, text in explained(world, invoice_id).xero if "paid in part" in text]

    assert [text.split(", ")[1] for text in told] == ["6.00 GBP paid", "3.00 GBP paid", "1.00 GBP paid"]
