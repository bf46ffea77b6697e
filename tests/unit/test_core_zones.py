"""Zones are found by their IANA names alone; other names get words that help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.zones import find_zone, unknown_zone


@pytest.mark.parametrize("name", ["Europe/London", "Pacific/Kiritimati", "UTC", "Etc/GMT+2", "EST5EDT"])
def test_an_iana_name_finds_its_zone(name: str) -> None:
    """Rule B9."""
    found = find_zone(name)

    assert found is not None
    assert found.key == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Europe",
        "europe/london",
        "Europe/London ",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
    ],
)
def test_anything_else_finds_none(name: str) -> None:
    """Folders, files elsewhere and zones that say nothing included."""
    assert find_zone(name) is None


@given(name=st.text(max_size=80))
def test_no_text_breaks_the_search_or_the_words_about_it(name: str) -> None:
    found = find_zone(name)

    assert found is None or found.key == name
    assert name in unknown_zone(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("europe/london", "Europe/London"),
        ("Europe/Londn", "Europe/London"),
        ("America/New York", "America/New_York"),
        (" Pacific/Auckland", "Pacific/Auckland"),
        ("London", "Europe/London"),
        ("utc", "UTC"),
    ],
)
def test_a_name_that_is_nearly_right_gets_the_right_one(name: str, meant: str) -> None:
    assert unknown_zone(name) == f"“{name}” is not a time zone: did you mean {meant}?"


@pytest.mark.parametrize("name", ["GMT Standard Time", "BST", "England", "Mars/Olympus", "../../etc/passwd", ""])
def test_any_other_name_gets_an_example(name: str) -> None:
    """The name that Windows uses, say, or an abbreviation."""
    assert unknown_zone(name) == f"“{name}” is not a time zone: write an IANA name such as Europe/London."
