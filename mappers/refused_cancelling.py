"""Why a document could not be ended in Xero → what a person reads: the reason, its meaning, the remedy (rule C60)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from mappers.cancelled_texts import TRY_AGAIN
from mappers.cancelling_catalogue import CATALOGUE, LOCKS, OWN, UNKNOWN
from mappers.explanations import explain, find_explanation

Doing = Literal["delete", "void", "credit", "apply"]

WHAT = {
    "delete": "delete the {document}",
    "void": "void the {document}",
    "credit": "make the credit note",
    "apply": "apply the credit note",
}
DATED = {
    "delete": "the date of the {document}",
    "void": "the date of the {document}",
    "credit": "the credit note's date, which is the day of the cancellation or the {document}'s,",
    "apply": "the date of one of the two documents",
}
NEW_DAY = " The credit note of an invoice that is activated and cancelled again gets the day of that."


def explain_refused(messages: Iterable[str], *, doing: Doing, sales: bool) -> str:
    """Return for each reason Xero's words, or ours, what they mean here and what to do; then how it is tried again.

    `sales`: it is a sales invoice, otherwise a bill.
    """
    told = [_explain(words, doing, sales=sales) for words in dict.fromkeys(messages) or ("nothing",)]
    return "\n".join([*told, TRY_AGAIN])


def is_locked(messages: Iterable[str]) -> bool:
    """Whether Xero refuses because of a lock date (rule E12)."""
    return any(find_explanation(words, LOCKS) for words in messages)


def _explain(words: str, doing: Doing, *, sales: bool) -> str:
    document = "invoice" if sales else "bill"
    also = {
        "what": WHAT[doing].format(document=document),
        "dated": DATED[doing].format(document=document),
        "new_day": NEW_DAY if doing == "credit" else "",
    }
    if find_explanation(words, OWN):
        return explain(f"{words.rstrip('.')}.", sales=sales, catalogue=OWN, also=also, before="")
    return explain(words, sales=sales, catalogue=(*CATALOGUE, UNKNOWN), also=also)
