"""Every refusal is told with Xero's own words, their meaning and the remedy (rule C60)."""

from __future__ import annotations

import pytest

from mappers.explanations import AGAIN, CATALOGUE, explain


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("Account code '299' is not a valid code for this document.", "another account code"),
        ("The TaxType code 'INPUT2' cannot be used with account code '200'.", "another tax type"),
        ("The document date cannot be before the period lock date, currently set at 31 January 2026", "lock date"),
        ("Organisation is not subscribed to currency EUR", "currency"),
        ("Invoice # must be unique.", "renumber"),
    ],
)
def test_a_known_refusal_is_told_with_its_remedy(words: str, remedy: str) -> None:
    """Xero's words stand first, unchanged."""
    told = explain(words)

    assert told.startswith(f"Xero says: {words}\n")
    assert remedy in told.splitlines()[-1]
    assert told.endswith(AGAIN)


def test_an_unknown_refusal_still_says_what_to_do() -> None:
    """Nobody is left with a bare message."""
    assert explain("Something new.").splitlines()[-1] == f"Correct what Xero names. {AGAIN}"


def test_no_explanation_hides_another() -> None:
    """A fragment within another would never be reached."""
    fragments = [one.fragment for one in CATALOGUE]

    assert all(fragment == fragment.lower() for fragment in fragments)
    hidden = [(a, b) for n, a in enumerate(fragments) for b in fragments[n + 1 :] if a in b]
    assert hidden == []
