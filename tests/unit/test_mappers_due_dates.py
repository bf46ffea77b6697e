"""When a document is due (rule C11): by its own date, its terms, the contact's, the organisation's, or its date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.books import Terms
from mappers.due_dates import due_on, is_due_in_dynamics
from tests.unit.made import books, invoice, mapped

DATED = date(2026, 11, 24)
AFTER_DATE, AFTER_MONTH = "DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH"
THIS_MONTH, NEXT_MONTH = "OFCURRENTMONTH", "OFFOLLOWINGMONTH"
TYPES = [AFTER_DATE, AFTER_MONTH, THIS_MONTH, NEXT_MONTH]


def due(dated: date, of_xero: Terms | None, **different: Any) -> date | None:
    return due_on(invoice(**different), dated, is_draft=False, terms=of_xero)


@pytest.mark.parametrize(
    ("kind", "day", "dated", "expected"),
    [
        (AFTER_DATE, 0, date(2026, 11, 24), date(2026, 11, 24)),
        (AFTER_DATE, 14, date(2026, 12, 24), date(2027, 1, 7)),
        (AFTER_DATE, 30, date(2027, 1, 31), date(2027, 3, 2)),
        (AFTER_DATE, 31, date(2028, 1, 31), date(2028, 3, 2)),
        (AFTER_MONTH, 0, date(2026, 11, 1), date(2026, 11, 30)),
        (AFTER_MONTH, 10, date(2026, 11, 30), date(2026, 12, 10)),
        (AFTER_MONTH, 20, date(2026, 12, 1), date(2027, 1, 20)),
        (AFTER_MONTH, 31, date(2027, 1, 15), date(2027, 3, 3)),
        (AFTER_MONTH, 1, date(2028, 2, 29), date(2028, 3, 1)),
        (THIS_MONTH, 28, date(2026, 11, 24), date(2026, 11, 28)),
        (THIS_MONTH, 31, date(2026, 11, 24), date(2026, 11, 30)),
        (THIS_MONTH, 31, date(2027, 2, 1), date(2027, 2, 28)),
        (THIS_MONTH, 30, date(2028, 2, 1), date(2028, 2, 29)),
        (THIS_MONTH, 15, date(2026, 11, 24), date(2026, 11, 24)),  # that day is past
        (NEXT_MONTH, 20, date(2026, 11, 24), date(2026, 12, 20)),
        (NEXT_MONTH, 1, date(2026, 12, 31), date(2027, 1, 1)),
        (NEXT_MONTH, 31, date(2027, 1, 31), date(2027, 2, 28)),
        (NEXT_MONTH, 31, date(2028, 1, 31), date(2028, 2, 29)),
        (NEXT_MONTH, 31, date(2026, 12, 5), date(2027, 1, 31)),
        (NEXT_MONTH, 0, date(2026, 11, 24), date(2026, 12, 1)),
        ("SOMETHING NEW", 20, date(2026, 11, 24), date(2026, 11, 24)),
    ],
)
def test_xeros_terms_count_days_as_xero_does(kind: str, day: int, dated: date, expected: date) -> None:
    """Rule C11: a day that a month does not have is its last."""
    assert due(dated, Terms(day, kind)) == expected


@given(kind=st.sampled_from(TYPES), day=st.integers(0, 31), dated=st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_nothing_is_due_before_its_date_or_much_later(kind: str, day: int, dated: date) -> None:
    found = due(dated, Terms(day, kind))

    assert found is not None
    assert dated <= found <= dated + timedelta(days=62)


@given(day=st.integers(1, 31), dated=st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_of_the_following_month_means_that_month(day: int, dated: date) -> None:
    found = due(dated, Terms(day, NEXT_MONTH))

    assert found is not None
    assert (found.year * 12 + found.month) - (dated.year * 12 + dated.month) == 1
    assert found.day == day or (found + timedelta(days=1)).day == 1


@pytest.mark.parametrize(("terms", "days"), [(1, 30), (2, 30), (3, 45), (4, 60)])
def test_the_terms_of_dynamics_are_days_after_the_date(terms: int, days: int) -> None:
    """Rule C11: Net 30, 2% 10 Net 30, Net 45, Net 60; they come before those of Xero."""
    assert due(DATED, Terms(7, AFTER_DATE), terms=terms) == DATED + timedelta(days=days)


def test_the_due_date_of_dynamics_comes_first() -> None:
    """Rule C11."""
    assert due(DATED, Terms(7, AFTER_DATE), terms=1, due_on=date(2026, 12, 1)) == date(2026, 12, 1)


@pytest.mark.parametrize("terms", [None, 5, 10, 38])
def test_terms_that_a_customer_added_say_nothing(terms: int | None) -> None:
    assert due(DATED, Terms(7, AFTER_DATE), terms=terms) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        ({"due_on": date(2026, 12, 1), "terms": 1}, date(2026, 12, 1)),
        ({"terms": 3}, date(2027, 1, 8)),
        ({}, None),
    ],
)
def test_a_draft_is_due_only_where_dynamics_says_so(different: dict[str, Any], expected: date | None) -> None:
    """Rule C11: somebody may still complete it."""
    assert due_on(invoice(**different), DATED, is_draft=True, terms=Terms(7, AFTER_DATE)) == expected


def test_what_dynamics_says_needs_no_terms_of_xero() -> None:
    assert is_due_in_dynamics(invoice(due_on=DATED))
    assert is_due_in_dynamics(invoice(terms=4))
    assert not is_due_in_dynamics(invoice())
    assert not is_due_in_dynamics(invoice(terms=10))


# -- in the document ---------------------------------------------------------------------------------------

SALES_TERMS, BILL_TERMS = Terms(10, AFTER_DATE), Terms(20, AFTER_DATE)
WITH_TERMS = books(sales_terms=SALES_TERMS, bill_terms=BILL_TERMS)


@pytest.mark.parametrize("status", ["SUBMITTED", "AUTHORISED"])
@pytest.mark.parametrize(
    ("kind", "of_contact", "expected"),
    [
        ("Sales Invoice", {("contact-1", True): Terms(5, AFTER_DATE)}, "2026-11-29"),
        ("Sales Invoice", {("contact-1", False): Terms(5, AFTER_DATE)}, "2026-12-04"),
        ("Sales Invoice", {("contact-2", True): Terms(5, AFTER_DATE)}, "2026-12-04"),
        ("Sales Invoice", {}, "2026-12-04"),
        ("Purchase Invoice", {("contact-1", False): Terms(5, AFTER_DATE)}, "2026-11-29"),
        ("Purchase Invoice", {("contact-1", True): Terms(5, AFTER_DATE)}, "2026-12-14"),
        ("Purchase Invoice", {}, "2026-12-14"),
    ],
)
def test_the_contacts_terms_for_that_side_come_before_the_organisations(
    status: str, kind: str, of_contact: dict[tuple[str, bool], Terms], expected: str
) -> None:
    """Rule C11."""
    document = mapped(invoice(kind=kind), status=status, books=WITH_TERMS, contact_terms=of_contact)

    assert document.as_payload()["DueDate"] == expected


def test_without_any_terms_it_is_due_on_its_date() -> None:
    """Rule C11: an approved document without due date is refused by Xero."""
    typed = invoice(delivered_at=datetime(2026, 6, 30, 22, tzinfo=UTC))

    assert mapped(typed, status="AUTHORISED").as_payload()["DueDate"] == "2026-07-01"


def test_a_draft_has_no_due_date_of_xeros_terms() -> None:
    assert "DueDate" not in mapped(invoice(), books=WITH_TERMS).as_payload()
