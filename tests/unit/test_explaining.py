"""What `connector explain` says of the facts: the verdict, the dates with their rule, what Xero details say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.connections import NEEDS_ATTENTION
from core.invoice import PAID
from pipeline.dead import DeadLetter
from pipeline.explaining import NOTHING_TO_DO, explain
from pipeline.facts import Entry, Facts, InXero, Work
from pipeline.lanes import Entity
from tests.unit.made import CONNECTION_ID, INVOICE_ID, NOON, connection, details, invoice

ELSEWHERE = "99999999-9999-5999-8999-999999999999"


def facts(**different: object) -> Facts:
    made = Facts(connection(), NOON, INVOICE_ID, invoice(), None)
    return replace(made, **different)  # type: ignore[arg-type]


def delivered(text: str, timezone: str = "Europe/London") -> dict[str, str]:
    """What is said of a Date Delivered that is stored like this."""
    stored = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return dict(explain(facts(invoice=invoice(delivered_at=stored), connection=connection(timezone=timezone))).date)


# -- the verdict -------------------------------------------------------------------------------------------


def test_an_invoice_that_waits_says_for_what() -> None:
    """Rule C3, among others: each closed gate with what is missing."""
    found = explain(facts(invoice=invoice(price_list_id="", delivered_at=None)))

    assert found.verdict == "It waits: price list; Date Delivered."
    assert [gate.rule for gate in found.gates if not gate.is_open] == ["C3", "C5"]


def test_what_to_do_stands_below_the_verdict() -> None:
    """What opens the closed gates; after a failure the rest of what the history says; else nothing."""
    waits = explain(facts(invoice=invoice(price_list_id="", delivered_at=None)))
    words = "Xero says: No.\nIt means no.\nSay yes."
    history = (Entry(NOON, "Create", words, worked=False),)
    failed = explain(facts(details=details(export_status="Failed"), history=history))
    change = details(export_status="Yes", waiting_for="its change waits for: customer")
    there = explain(facts(invoice=invoice(customer_id="", price_list_id=""), details=change))

    assert waits.advice == ("Choose a price list.", "Fill in Date Delivered.")
    assert (failed.verdict, failed.advice) == ("It failed: Xero says: No.", ("It means no.", "Say yes."))
    assert there.advice == ("Choose a customer.",)
    assert explain(facts(details=details(export_status="Yes"))).advice == ()
    assert explain(facts(details=details(attempt_started=NOON))).advice == ()


def test_every_gate_is_listed_in_order() -> None:
    assert [gate.rule for gate in explain(facts()).gates] == [f"C{number}" for number in range(1, 9)]


def test_an_exported_invoice_is_named_as_xero_names_it() -> None:
    there = details(export_status="Yes", xero_invoice_id="x-1", xero_number="INV-0042")

    found = explain(facts(details=there, in_xero=InXero(status="DRAFT")))

    assert found.verdict == "It is in Xero: INV-0042, Draft."
    (closed,) = (gate for gate in found.gates if not gate.is_open)
    assert (closed.rule, closed.remedy) == ("C7", "Nothing: it has been exported.")


def test_nobody_is_told_to_activate_an_invoice_that_is_paid() -> None:
    """Rule D2: the gates are about going to Xero; one that is there needs none of them, unless a change waits."""
    there = details(export_status="Yes", xero_invoice_id="x-1", xero_number="INV-0042")
    change = replace(there, waiting_for="its change waits for: customer")
    closed = invoice(state=PAID, customer_id="")

    settled = explain(facts(invoice=closed, details=there, in_xero=InXero(status="PAID")))
    waits = explain(facts(invoice=closed, details=change))
    stopped = explain(facts(invoice=closed, details=there, connection=connection(state=NEEDS_ATTENTION)))

    remedies = {gate.rule: gate.remedy for gate in settled.gates if not gate.is_open}
    assert remedies == dict.fromkeys(("C2", "C4", "C7"), NOTHING_TO_DO)
    assert next(gate.remedy for gate in waits.gates if gate.rule == "C4") == "Choose a customer."
    assert next(gate.remedy for gate in stopped.gates if gate.rule == "C8") != NOTHING_TO_DO


def test_a_change_that_waits_is_told_beside_the_document() -> None:
    """Rule C61: the gates of a change are closed while its document stands in Xero."""
    there = details(export_status="Yes", xero_number="INV-0042", waiting_for="its change waits for: customer")

    assert explain(facts(details=there)).verdict == "It is in Xero: INV-0042. Its change waits for: customer."


def test_one_that_is_gone_from_dynamics_is_explained_by_its_details() -> None:
    there = details(export_status="Yes", xero_invoice_id="x-1", xero_number="INV-0042")

    found = explain(facts(invoice=None, details=there, in_xero=InXero(status="AUTHORISED")))

    assert found.verdict.startswith("It was deleted in Dynamics. Next for INV-0042, Authorised")
    assert found.gates == found.date == ()
    assert explain(facts(invoice=None, details=details())).verdict.endswith("it was not in Xero.")


def test_a_failure_is_told_in_the_words_of_its_newest_failed_row() -> None:
    """A later success of something else does not hide it."""
    history = (
        Entry(NOON, "Create", "Invoice has been created in Xero - x-1", worked=True),
        Entry(NOON, "Create", "Xero says: Account code '299' is not valid.\nWhat to do.", worked=False),
    )

    found = explain(facts(details=details(export_status="Failed"), history=history))

    assert found.verdict == "It failed: Xero says: Account code '299' is not valid."
    assert ("24 Nov 2026 12:00:00 (GMT) Create", f"Failed: {history[1].text}") in found.xero
    assert "set Export status to No" in explain(facts(details=details(export_status="Failed"))).verdict


def test_an_open_attempt_comes_before_the_gates() -> None:
    opened = details(attempt_started=NOON - timedelta(minutes=2), attempt_key="k")

    found = explain(facts(details=opened, invoice=invoice(price_list_id="")))

    assert found.verdict.startswith("An attempt to create it in Xero is open since 24 Nov 2026 11:58:00 (GMT)")
    assert ("Open attempt", "since 24 Nov 2026 11:58:00 (GMT)") in found.xero


def test_a_document_of_another_connection_is_said_to_be_elsewhere() -> None:
    """Rule C63."""
    elsewhere = details(export_status="Yes", xero_invoice_id="x-1", connection_id=ELSEWHERE)

    found = explain(facts(details=elsewhere))

    assert ELSEWHERE in found.verdict
    assert ("Xero details", f"of another connection ({ELSEWHERE})") in found.invoice


def test_another_connector_on_the_invoice_is_named() -> None:
    found = explain(facts(invoice=invoice(connector_id=ELSEWHERE)))

    assert found.verdict == "It waits: connector."
    assert ("Connector on it", f"another one ({ELSEWHERE})") in found.invoice


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (Work(), "nothing has marked it yet"),
        (Work(due_at=NOON), "It is due and goes within seconds"),
        (Work(due_at=NOON + timedelta(hours=1)), "looked at again at 24 Nov 2026 13:00:00"),
        (Work(is_claimed=True), "It is being worked on now"),
        (Work(due_at=NOON, rests_until=NOON + timedelta(minutes=3)), "It waits, next try 24 Nov 2026 12:03:00"),
    ],
)
def test_an_invoice_that_may_go_says_what_it_is_waiting_on_here(work: Work, words: str) -> None:
    """Lane, lease and rest: nothing of it is the invoice's fault."""
    assert words in explain(facts(work=work)).verdict


def test_a_connection_that_has_stopped_says_why() -> None:
    """C8: with what the administrator has to repair; also where only the settings are wrong."""
    stopped = connection(state=NEEDS_ATTENTION, state_reason="The consent has ended.")

    found = explain(facts(connection=stopped))

    assert found.verdict == "It waits: the connection to be in service."
    assert ("Its state", "needs attention: The consent has ended.") in found.invoice
    assert (
        explain(facts(trouble="Time zone: unknown.")).verdict == "It waits for the administrator: Time zone: unknown."
    )


def test_a_closed_invoice_waits_for_an_active_one() -> None:
    assert explain(facts(invoice=invoice(state=PAID))).verdict == "It waits: an active invoice."


def test_dead_letters_are_named_by_their_reference() -> None:
    letter = DeadLetter(CONNECTION_ID, Entity("dynamics", "invoice", INVOICE_ID), "abc123", "KeyError", "trace", NOON)

    assert ("Put aside", "24 Nov 2026 12:00:00 (GMT), KeyError, reference abc123") in explain(
        facts(work=Work(dead=(letter,)))
    ).work


def test_a_customer_that_cannot_be_read_is_told_from_none() -> None:
    chosen, none = invoice(customer=None), invoice(customer=None, customer_id="")

    assert dict(explain(facts(invoice=chosen)).invoice)["Customer"] == "chosen, but it is deleted or cannot be read"
    assert dict(explain(facts(invoice=none)).invoice)["Customer"] == "none"


# -- the date (rule C11) -----------------------------------------------------------------------------------


def test_midnight_in_the_connections_zone_is_its_day() -> None:
    said = delivered("2026-07-01T23:00:00")

    assert said["Taken for"].startswith("2 Jul 2026: this is midnight in Europe/London")
    assert said["Stored"] == "2026-07-01 23:00:00 UTC"


def test_midnight_in_utc_is_the_day_as_written() -> None:
    """Rule C11: in New York that moment is an evening."""
    assert delivered("2026-07-02T00:00:00", "America/New_York")["Taken for"].startswith(
        "2 Jul 2026: this is midnight in UTC (and not in America/New_York)"
    )


def test_another_zones_midnight_says_which_side_it_was_typed_on() -> None:
    """Rule C11: the offset that it was typed at follows from it."""
    east, west = delivered("2026-07-01T22:00:00"), delivered("2026-07-01T05:00:00")

    assert "from 12:00 UTC on one in the east (UTC+02:00), a day on" in east["Taken for"]
    assert east["Taken for"].startswith("2 Jul 2026")
    assert "before 12:00 UTC one in the west (UTC-05:00), the same day" in west["Taken for"]
    assert west["Taken for"].startswith("1 Jul 2026")
    assert "But" not in east
    assert "But" not in west


@pytest.mark.parametrize(
    ("stored", "offset"),
    [
        ("2026-07-01T10:00:00", "UTC+14:00"),
        ("2026-07-01T11:00:00", "UTC+13:00"),
        ("2026-07-01T10:15:00", "UTC+13:45"),
    ],
)
def test_what_may_have_been_typed_more_than_twelve_hours_ahead_is_said(stored: str, offset: str) -> None:
    """Rule C11: nobody can tell Kiribati from Hawaii by the moment alone."""
    said = delivered(stored)

    assert said["Taken for"].startswith("1 Jul 2026")
    assert offset in said["But"]
    assert "2 Jul 2026 was meant" in said["But"]


def test_twelve_hours_ahead_is_not_beyond() -> None:
    """Rule C11: at noon UTC the day in the east is taken."""
    assert "But" not in delivered("2026-07-01T12:00:00")
    assert "But" not in delivered("2026-07-01T09:59:00")


def test_a_zone_beyond_twelve_hours_that_is_the_connections_own_is_no_doubt() -> None:
    """Rule C11: its own midnight comes first."""
    said = delivered("2026-01-01T11:00:00", "Pacific/Auckland")

    assert said["Taken for"].startswith("2 Jan 2026: this is midnight in Pacific/Auckland")
    assert "But" not in said


def test_a_future_day_says_when_it_begins() -> None:
    assert delivered("2026-12-24T00:00:00")["Goes"].startswith("just after 24 Dec 2026 00:00:00 (GMT)")
    assert "Goes" not in delivered("2026-11-24T00:00:00")
