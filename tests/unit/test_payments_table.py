"""`docs/payments.md` says what the code decides and tells."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.payments_table import ACTS, PAGE, Act, table, told, written

ROOT = Path(__file__).parents[2]
TELLING = (
    "pipeline/writeback.py",
    "pipeline/parking.py",
    "pipeline/from_xero.py",
    "pipeline/balance_rows.py",
    "pipeline/strays.py",
)
QUOTED = (
    "Dynamics did not let the connector ",
    "set the invoice to Paid",
    "make the invoice active again",
    "Do it by hand.",
    "What happened to the document ",
    " in Xero could not be followed. ",
    "This is our fault, not yours. ",
    " owes could not be written to the ",
    " that the Xero details of this invoice name is not found in Xero, ",
    "What a customer owes could not be brought from Xero",
    "A second document of this invoice, ",
    ", was found in Xero beside ",
    "It is left as it is: ",
    "its status is ",
)


def texts_of(path: str) -> str:
    """Every piece of text in a module, between those that are filled in."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return "\n".join(
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_the_table_is_what_the_code_says() -> None:
    """`make docs` renews it."""
    assert written() == table()


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.words)
def test_each_act_is_told(act: Act) -> None:
    """What happens in Xero leaves a row of history."""
    assert told(act)


@pytest.mark.parametrize("words", QUOTED)
def test_what_the_page_quotes_is_said(words: str) -> None:
    """Whoever searches for the words of a row finds them on the page."""
    page = " ".join(PAGE.read_text("utf-8").split())

    assert words.strip() in page
    assert any(words in texts_of(path) for path in TELLING)
