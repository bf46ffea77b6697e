"""The gates C1 to C8: each one closed and open, what "waiting for" says, and when the date gate opens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from core import connections
from core.gates import billed_lines, delivered_on, gates_of, opens_at, start_of, waiting_text
from tests.unit.made import NOON, connection, details, invoice, line

CLOSED: dict[str, tuple[dict[str, Any], str]] = {
    "C1 none": ({"connector_id": ""}, "connector"),
    "C1 another": ({"connector_id": "99999999-9999-4999-8999-999999999999"}, "connector"),
    "C2 paid": ({"state": 2}, "an active invoice"),
    "C2 cancelled": ({"state": 3}, "an active invoice"),
    "C2 closed": ({"state": 1}, "an active invoice"),
    "C3": ({"price_list_id": ""}, "price list"),
    "C4": ({"customer": None, "customer_id": ""}, "customer"),
    "C5 empty": ({"delivered_at": None}, "Date Delivered"),
    "C5 future": ({"delivered_at": datetime(2027, 2, 3, tzinfo=UTC)}, "goes on 3 Feb 2027 (Date Delivered)"),
    "C6": ({"lines": ()}, "at least one line"),
    "C6 parts only": ({"lines": (line(product_type=3), line(product_type=4))}, "at least one line"),
}


def closed_rules(gates: list[Any]) -> list[str]:
    return [gate.rule for gate in gates if not gate.is_open]


def test_a_plain_invoice_passes_every_gate() -> None:
    gates = gates_of(invoice(), None, connection(), NOON)

    assert [gate.rule for gate in gates] == ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]
    assert closed_rules(gates) == []
    assert waiting_text(gates) == ""


@pytest.mark.parametrize("case", CLOSED)
def test_each_gate_closes_alone_says_what_is_missing_and_what_to_do(case: str) -> None:
    different, waiting = CLOSED[case]

    gates = gates_of(invoice(**different), None, connection(), NOON)

    assert closed_rules(gates) == [case[:2]]
    assert waiting_text(gates) == waiting
    (shut,) = (gate for gate in gates if not gate.is_open)
    assert shut.remedy.endswith(".")


@pytest.mark.parametrize(("status", "is_open"), [("No", True), ("Yes", False), ("Failed", False)])
def test_the_export_status_decides_c7(status: str, is_open: bool) -> None:
    gates = gates_of(invoice(), details(export_status=status), connection(), NOON)

    assert closed_rules(gates) == ([] if is_open else ["C7"])


@pytest.mark.parametrize("state", [connections.PAUSED, connections.NEEDS_ATTENTION])
def test_a_connection_out_of_service_closes_c8_with_its_own_words(state: str) -> None:
    told = gates_of(invoice(), None, connection(state=state, state_reason="Xero's consent ended."), NOON)
    untold = gates_of(invoice(), None, connection(state=state), NOON)

    assert closed_rules(told) == ["C8"]
    assert told[-1].remedy == "Xero's consent ended."
    assert untold[-1].remedy != ""
    assert waiting_text(told) == "the connection to be in service"


def test_everything_that_is_missing_is_named_in_the_order_of_the_rules() -> None:
    empty = invoice(price_list_id="", customer=None, customer_id="", delivered_at=None, lines=())

    gates = gates_of(empty, None, connection(), NOON)

    assert waiting_text(gates) == "price list; customer; Date Delivered; at least one line"


def test_components_of_a_bundle_are_not_counted_twice() -> None:
    """Rule C38: the bundle's own line counts, its parts do not."""
    lines = [line(id=f"line-{kind}", product_type=kind) for kind in (1, 2, 3, 4, 5)]

    assert [each.product_type for each in billed_lines(invoice(*lines))] == [1, 2, 5]


def test_a_note_alone_is_a_line() -> None:
    note = line(quantity=Decimal(0), price=Decimal(0))

    assert closed_rules(gates_of(invoice(note), None, connection(), NOON)) == []


# -- the date gate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timezone", "day", "opens"),
    [
        ("Europe/London", date(2027, 2, 3), datetime(2027, 2, 3, 0, tzinfo=UTC)),
        ("Europe/London", date(2027, 6, 3), datetime(2027, 6, 2, 23, tzinfo=UTC)),
        ("Europe/London", date(2027, 3, 28), datetime(2027, 3, 28, 0, tzinfo=UTC)),  # clocks go forward that night
        ("Europe/London", date(2027, 10, 31), datetime(2027, 10, 30, 23, tzinfo=UTC)),  # and back
        ("Pacific/Auckland", date(2027, 1, 5), datetime(2027, 1, 4, 11, tzinfo=UTC)),
        ("Pacific/Auckland", date(2027, 4, 4), datetime(2027, 4, 3, 11, tzinfo=UTC)),
        ("America/New_York", date(2027, 3, 14), datetime(2027, 3, 14, 5, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2027, 1, 5), datetime(2027, 1, 4, 10, tzinfo=UTC)),
        ("America/Santiago", date(2027, 9, 5), datetime(2027, 9, 5, 4, tzinfo=UTC)),  # midnight does not exist
        ("Africa/Cairo", date(2027, 4, 30), datetime(2027, 4, 29, 22, tzinfo=UTC)),  # nor there
        ("Asia/Beirut", date(2027, 3, 28), datetime(2027, 3, 27, 22, tzinfo=UTC)),
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),  # midnight comes twice
        ("Asia/Beirut", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),  # at midnight it is 23:00 again
        ("Pacific/Apia", date(2027, 1, 5), datetime(2027, 1, 4, 11, tzinfo=UTC)),
        ("Pacific/Pago_Pago", date(2027, 1, 5), datetime(2027, 1, 5, 11, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2027, 1, 5), datetime(2027, 1, 4, 18, 15, tzinfo=UTC)),
    ],
)
def test_the_date_gate_opens_at_the_first_moment_of_the_day(timezone: str, day: date, opens: datetime) -> None:
    zone = ZoneInfo(timezone)
    dated = invoice(delivered_at=start_of(day, zone))
    joined = connection(timezone=timezone)
    just_before = opens - timedelta(milliseconds=1)

    assert start_of(day, zone) == opens
    assert opens_at(dated, joined, just_before) == opens
    assert closed_rules(gates_of(dated, None, joined, just_before)) == ["C5"]
    assert f"goes on {day.day} {day:%b %Y}" in waiting_text(gates_of(dated, None, joined, just_before))
    assert opens_at(dated, joined, opens) is None
    assert closed_rules(gates_of(dated, None, joined, opens)) == []


def test_without_a_date_nothing_opens_by_itself() -> None:
    assert opens_at(invoice(delivered_at=None), connection(), NOON) is None


def test_today_begins_earlier_in_the_east() -> None:
    """25 November has begun in Auckland at noon UTC of the 24th, in London it has not."""
    dated = invoice(delivered_at=datetime(2026, 11, 25, tzinfo=UTC))

    assert closed_rules(gates_of(dated, None, connection(timezone="Pacific/Auckland"), NOON)) == []
    assert closed_rules(gates_of(dated, None, connection(timezone="Europe/London"), NOON)) == ["C5"]


@pytest.mark.parametrize(
    ("timezone", "stored"),
    [
        ("America/Santiago", datetime(2027, 9, 5, 3, tzinfo=UTC)),  # 23:00 of the day before
        ("America/Santiago", datetime(2027, 9, 5, 4, tzinfo=UTC)),  # 01:00
        ("Africa/Cairo", datetime(2027, 4, 29, 21, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2027, 4, 29, 22, tzinfo=UTC)),
        ("Asia/Beirut", datetime(2027, 3, 27, 21, tzinfo=UTC)),
        ("Asia/Beirut", datetime(2027, 3, 27, 22, tzinfo=UTC)),
    ],
)
def test_a_day_without_midnight_is_recognised_either_way_that_it_may_be_stored(
    timezone: str, stored: datetime
) -> None:
    """Rule C11: whoever converts a midnight that does not exist has two moments to choose from."""
    days = {"America/Santiago": date(2027, 9, 5), "Africa/Cairo": date(2027, 4, 30), "Asia/Beirut": date(2027, 3, 28)}

    assert delivered_on(stored, ZoneInfo(timezone)) == days[timezone]


@pytest.mark.parametrize(
    "timezone",
    ["Pacific/Auckland", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Chatham", "Pacific/Pago_Pago", "Etc/GMT+12"],
)
def test_the_day_that_was_typed_in_the_connections_zone_comes_back_all_year(timezone: str) -> None:
    """Rule C11: beyond twelve hours too, on days when clocks change as well."""
    zone, first = ZoneInfo(timezone), date(2026, 12, 1)
    days = [first + timedelta(days=number) for number in range(400)]

    assert [delivered_on(start_of(day, zone), zone) for day in days] == days


def test_each_day_of_every_zone_begins_once_and_comes_back() -> None:
    """No zone makes an invoice go a day early or late, whatever its clocks do within a year."""
    days = [date(2026, 11, 1) + timedelta(days=number) for number in range(366)]

    def is_sound(zone: ZoneInfo, day: date) -> bool:
        start = start_of(day, zone)
        before = start - timedelta(seconds=1)
        return (
            start.astimezone(zone).date() == day
            and before.astimezone(zone).date() < day
            and delivered_on(start, zone) == day
        )

    names = sorted(available_timezones() - {"Factory", "localtime"})
    wrong = [(name, day) for name in names for day in days if not is_sound(ZoneInfo(name), day)]

    assert len(names) > 400
    assert wrong == []
