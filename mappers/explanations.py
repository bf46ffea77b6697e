"""Xero's refusals → what a person reads: Xero's own words, what they mean and what to do (rule C60)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from mappers.catalogue import CATALOGUE, UNKNOWN, Explanation

AGAIN = "Then set Export status to No, and the invoice is sent again."
OF_SALES = {"document": "invoice", "a_document": "an invoice", "side": "sales", "trade": "sell"}
OF_BILLS = {"document": "bill", "a_document": "a bill", "side": "purchase", "trade": "purchase"}
XERO_SAYS = "Xero says: "
VALUE_MAX = 100


def explain_all(messages: Iterable[str], *, sales: bool = True) -> tuple[str, ...]:
    """Return a text for each of these messages; one that comes for several lines is told once.

    `sales`: it is a sales invoice, otherwise a bill.
    """
    return tuple(explain(words, sales=sales) for words in dict.fromkeys(messages))


def explain(
    words: str,
    *,
    sales: bool = True,
    catalogue: Sequence[Explanation] = CATALOGUE,
    also: Mapping[str, str] | None = None,
    before: str = XERO_SAYS,
) -> str:
    """Return the words, what they mean and what to do; `also` are more values for the catalogue's texts.

    `before` says whose words they are.
    """
    found, values = _first(words, catalogue)
    values = {**(OF_SALES if sales else OF_BILLS), **(also or {}), **values}
    return f"{before}{words}\n{found.meaning.format_map(values)}\n{found.remedy.format_map(values)}"


def find_explanation(words: str, catalogue: Sequence[Explanation] = CATALOGUE) -> Explanation | None:
    """Return the entry of the catalogue that fits; None if none does."""
    found, _ = _first(words, catalogue)
    return None if found is UNKNOWN else found


def _first(words: str, catalogue: Sequence[Explanation]) -> tuple[Explanation, Mapping[str, str]]:
    for one in catalogue:
        if match := _pattern(one.words).search(words):
            return one, {name: value.strip()[:VALUE_MAX] for name, value in match.groupdict().items()}
    return UNKNOWN, {}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """`{name}` takes what stands there, up to the words behind it, or to the end without its full stop.

    Quotation marks around a value may be there or not, and blanks be several: both differ between Xero's messages.
    """
    parts = re.split(r"'?\{(\w+)\}'?", template)
    made = []
    for number, part in enumerate(parts):
        if number % 2 == 0:
            made.append(r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)))
        else:
            last = number == len(parts) - 2 and not parts[-1]
            made.append(rf"['\"“”‘’]?(?P<{part}>[^\n]+?)['\"“”‘’]?" + (r"\.?\s*$" if last else ""))
    return re.compile("".join(made), re.IGNORECASE)
