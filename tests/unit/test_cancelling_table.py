"""`docs/cancelling.md`, and the part on cancelling of `docs/messages.md`, say what the code decides and tells."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.columns import SETTINGS
from mappers.cancelled_texts import AFTER_VOID, TRY_AGAIN
from mappers.cancelling import TABLE, Row, Step, case_of, row_of
from mappers.cancelling_catalogue import CATALOGUE, OWN, Explanation
from mappers.credit_notes import PREFIX, credit_note_of, dated_on, numbers_of
from mappers.standing import SEND_IT_AGAIN
from pipeline.attempts import CLOSE_AFTER
from pipeline.cancelling import AGAIN_AFTER, OUT_OF_SERVICE
from pipeline.deletion_guard import DELETIONS_MAX, ROUND
from tests.cancelling_table import (
    BLOCKS,
    CREDITED,
    DELETED,
    DRAFT,
    FREE,
    IN_PART,
    NOTE_ID,
    NOTE_NUMBER,
    OPEN,
    PAGE,
    PAID,
    STORIES,
    VOIDED,
    Block,
    Story,
    document,
    refusals,
)
from tests.unit.made import NOON, connection

ROOT = Path(__file__).parents[2]
CREDITED_BY_OTHERS = document(
    "PAID", AmountCredited="120.00", CreditNotes=[{"CreditNoteID": "another", "AppliedAmount": "120.00"}]
)
# A document for each row of the table, in its order.
EXAMPLES = (
    (VOIDED, DELETED),
    (CREDITED,),
    (DRAFT, document("SUBMITTED")),
    (FREE, CREDITED_BY_OTHERS),
    (PAID,),
    (IN_PART,),
    (OPEN,),
    (OPEN,),
)
NAMES = [row.document for row in TABLE]


def page() -> str:
    return " ".join(PAGE.read_text("utf-8").split())


def label_of(name: str) -> str:
    return next(column.label for column in SETTINGS.columns if column.name.endswith(name))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.make.__name__)
def test_a_table_is_what_the_code_says(block: Block) -> None:
    """`make docs` renews it."""
    assert block.written() == block.make()


@pytest.mark.parametrize(("row", "examples"), list(zip(TABLE, EXAMPLES, strict=True)), ids=NAMES)
def test_a_row_means_the_documents_that_it_names(row: Row, examples: tuple[dict[str, object], ...]) -> None:
    """Rule E1, rule E2, rule E3, rule E4, rule E5, rule E6: the first row that holds is this one."""
    for example in examples:
        case = case_of(example, note_id=NOTE_ID if row.rule == "E0" else "", by_void=row.rule == "E4")

        assert row_of(case) is row


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.words)
def test_a_story_tells_something_and_no_other_tells_the_same(story: Story) -> None:
    """What becomes of a cancellation leaves a row of history."""
    text = story.told.text

    assert text
    assert [other.words for other in STORIES if other.told.text == text] == [story.words]


def test_every_step_of_the_table_is_told() -> None:
    """Each way in which it may end is on the page; what is done already is told as what did it."""
    told = "\n".join(story.told.text for story in STORIES)

    signs = {
        Step.DELETE: "has been deleted in Xero - ",
        Step.VOID: "has been voided in Xero - ",
        Step.APPLY: "was made and applied",
        Step.CREDIT: "was made but not applied",
        Step.LEAVE_DRAFT: "Delete INV-0042 by hand",
        Step.LEAVE_OPEN: "Make the credit note for INV-0042 by hand",
        Step.LEAVE: "its total is 0",
        Step.REFUSE: "is fully paid in Xero",
        Step.NOTHING: "there is nothing to do",
        Step.DONE: "was made and applied",
    }
    assert set(signs) == set(Step)
    for words in (*signs.values(), TRY_AGAIN, AFTER_VOID, SEND_IT_AGAIN):
        assert words in told


def test_what_the_page_says_of_settings_and_limits_is_so() -> None:
    """Rule B8, rule B10: whoever looks for their names finds them; times and numbers are those of the code."""
    for name in ("createcreditnotes", "cancelby"):
        assert f"*{label_of(name)}*" in page()
    assert f"More than {'ten' if DELETIONS_MAX == 10 else DELETIONS_MAX} at a time" in page()
    assert "in the last five minutes" in page()
    assert ROUND.total_seconds() == 300
    assert "after seven minutes" in page()
    assert CLOSE_AFTER.total_seconds() == AGAIN_AFTER.total_seconds() == 420
    assert f"“{OUT_OF_SERVICE}”" in page()


def test_the_credit_note_is_as_the_page_describes_it() -> None:
    """Rule E9, rule E11: its number, date, reference and status."""
    dated = dated_on(OPEN | {"Date": "2026-12-01"}, cancelled_at=NOON, zone=connection().zone)
    note = credit_note_of(OPEN, number=numbers_of(OPEN)[0], dated=dated)

    assert f"`{PREFIX}` and the number of the document, such as {NOTE_NUMBER}" in page()
    assert (note["CreditNoteNumber"], note["Reference"], note["Status"]) == (NOTE_NUMBER, "INV-0042", "DRAFT")
    assert note["Date"] == "2026-12-01"


@pytest.mark.parametrize("entry", [*CATALOGUE, *OWN], ids=lambda entry: entry.words)
def test_every_explanation_is_listed(entry: Explanation) -> None:
    """Rule C60: and each once."""
    shown = refusals().splitlines()

    meaning = entry.meaning.split("{")[0]
    assert [line for line in shown if meaning in line]
    assert len([line for line in shown if line.startswith("| ")]) == len(CATALOGUE) + len(OWN) + refusals().count(
        "####"
    )


def test_the_columns_that_the_page_names_exist() -> None:
    """A person finds them on the Xero details and the settings."""
    source = (ROOT / "core" / "columns.py").read_text("utf-8")
    labels = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}

    for label in ("Export status", "Xero status", "Xero credit note number"):
        assert label in labels
        assert label in page()
