"""What a finance user reads in the history when Xero refuses an invoice."""

from __future__ import annotations

from datetime import date

from mappers.explanations import AGAIN
from tests.world import Line, World


def told(world: World, invoice_id: str) -> list[str]:
    (row,) = world.history(invoice_id)
    lines: list[str] = row["stl3_details"].splitlines()
    return lines


def test_a_locked_date_fails_with_the_lock_date_and_the_remedy(world: World) -> None:
    """Rule C41: no date is moved to get past it; a later Date Delivered goes."""
    world.org.period_lock_on = date(2026, 11, 24)
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    world.settle()

    assert world.status(invoice_id) == "Failed"
    words, meaning, remedy, again = told(world, invoice_id)
    assert words.startswith("Xero says: The document date cannot be before the period lock date")
    assert "24 November 2026" in meaning
    assert remedy.startswith("Set Date Delivered to a day after the lock date")
    assert again == AGAIN
    assert world.all_documents() == []

    world.pass_time(days=1)
    world.edit(invoice_id, datedelivered="2026-11-25T00:00:00Z")
    world.try_again(invoice_id)
    world.settle()
    assert [document["Date"] for document in world.documents()] == [date(2026, 11, 25)]


def test_all_reasons_are_told_at_once_and_the_way_back_once(world: World) -> None:
    """Rule C60: one repair is enough."""
    world.org.period_lock_on = date(2026, 11, 24)
    world.choose(sales_account="nope")
    invoice_id = world.save_invoice(Line("Work", "10.00"), Line("More work", "20.00"))

    world.settle()

    lines = told(world, invoice_id)
    assert sorted(line for line in lines if line.startswith("Xero says: ")) == [
        "Xero says: Account code 'nope' is not a valid code for this document.",
        "Xero says: The document date cannot be before the period lock date, currently set at 24 November 2026",
    ]
    assert any(line.startswith("Xero has no account nope") for line in lines)
    assert lines.count(AGAIN) == 1
    assert lines[-1] == AGAIN
