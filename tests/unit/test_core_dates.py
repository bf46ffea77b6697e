"""Rule C11: Date Delivered comes back as the date that a person typed, wherever they sat."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.gates import delivered_on, start_of

ZONES = sorted(name for name in available_timezones() if name not in ("localtime", "Factory"))
DAYS = st.dates(date(2015, 1, 1), date(2040, 12, 31))
LONDON, AUCKLAND, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("Pacific/Auckland"), ZoneInfo("America/New_York")


def utc(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "zone", "typed"),
    [
        # midnight in the connection's own zone is that zone's day
        (utc(7, 1), LONDON, date(2026, 7, 1)),
        (utc(6, 30, 23), LONDON, date(2026, 7, 1)),
        (utc(6, 30, 12), AUCKLAND, date(2026, 7, 1)),
        (utc(12, 31, 11), AUCKLAND, date(2027, 1, 1)),  # summer time there: before noon UTC, still the next day
        (utc(7, 1, 4), NEW_YORK, date(2026, 7, 1)),
        (utc(1, 1, 5), NEW_YORK, date(2026, 1, 1)),
        # exactly 00:00:00Z is the UTC day, also where the connection's zone is elsewhere
        (utc(7, 1), NEW_YORK, date(2026, 7, 1)),
        (utc(7, 1), AUCKLAND, date(2026, 7, 1)),
        # midnight of some other zone: from noon UTC on it was typed east of Greenwich
        (utc(6, 30, 22), LONDON, date(2026, 7, 1)),  # Amsterdam
        (utc(6, 30, 18, 30), LONDON, date(2026, 7, 1)),  # India
        (utc(6, 30, 12), LONDON, date(2026, 7, 1)),  # Auckland
        (utc(6, 30, 11, 59, 59), LONDON, date(2026, 6, 30)),
        (utc(7, 1, 7), LONDON, date(2026, 7, 1)),  # Los Angeles
        (utc(7, 1, 10), LONDON, date(2026, 7, 1)),  # Honolulu
        # typed with a time of day: never the first ten characters, but the nearest day
        (utc(7, 1, 0, 0, 1), NEW_YORK, date(2026, 7, 1)),
        # the offset in which the moment is written does not matter
        (datetime(2026, 7, 1, 2, tzinfo=timezone(timedelta(hours=2))), NEW_YORK, date(2026, 7, 1)),
        (datetime(2026, 7, 1, 0, tzinfo=timezone(timedelta(hours=2))), NEW_YORK, date(2026, 7, 1)),
    ],
)
def test_the_rule_as_a_table(stored: datetime, zone: ZoneInfo, typed: date) -> None:
    assert delivered_on(stored, zone) == typed


@given(zone=st.sampled_from(ZONES), day=DAYS)
def test_a_date_typed_in_the_connections_zone_comes_back(zone: str, day: date) -> None:
    assert delivered_on(start_of(day, ZoneInfo(zone)), ZoneInfo(zone)) == day


@settings(max_examples=300)
@given(typing=st.sampled_from(ZONES), zone=st.sampled_from(ZONES), day=DAYS)
def test_a_date_typed_elsewhere_comes_back_within_twelve_hours(typing: str, zone: str, day: date) -> None:
    """Except where it is another day's midnight in the connection's own zone, which is always taken first."""
    stored = start_of(day, ZoneInfo(typing))
    offset = stored.astimezone(ZoneInfo(typing)).utcoffset()
    assume(offset is not None and timedelta(hours=-12) < offset <= timedelta(hours=12))
    local = stored.astimezone(ZoneInfo(zone))
    assume(local.hour or local.minute or local.date() == day)

    assert delivered_on(stored, ZoneInfo(zone)) == day


def test_every_day_of_clock_change_comes_back() -> None:
    """F68: All zones, all days of three years on which the clocks change there."""
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(3 * 365)]
    wrong, changes = [], 0
    for zone in map(ZoneInfo, ZONES):
        starts = [start_of(day, zone) for day in days]
        for day, start, following in zip(days, starts, starts[1:], strict=False):
            if following - start != timedelta(days=1):
                changes += 1
                wrong += [] if delivered_on(start, zone) == day else [(zone.key, day)]

    assert changes > 500
    assert wrong == []


@given(zone=st.sampled_from(ZONES), day=DAYS)
def test_a_day_starts_once_and_days_follow_one_another(zone: str, day: date) -> None:
    start, following = start_of(day, ZoneInfo(zone)), start_of(day + timedelta(days=1), ZoneInfo(zone))

    assert timedelta(hours=22) <= following - start <= timedelta(hours=26)
    assert start.astimezone(ZoneInfo(zone)).date() == day
    assert (start - timedelta(milliseconds=1)).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)
