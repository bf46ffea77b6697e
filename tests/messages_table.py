"""The table of `docs/messages.md`, made from the catalogue: `python -m tests.messages_table` renews it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mappers.catalogue import (
    ACCOUNTS,
    CONTACTS,
    CURRENCIES,
    DATES,
    DOCUMENTS,
    ITEMS,
    LINES,
    TAXES,
    Explanation,
)

DOCUMENT = Path(__file__).parent.parent / "docs" / "messages.md"
BEGIN, END = "<!-- made from mappers/catalogue.py -->", "<!-- end -->"
GROUPS = {
    "Accounts": ACCOUNTS,
    "Taxes": TAXES,
    "Dates": DATES,
    "Currencies": CURRENCIES,
    "Contacts": CONTACTS,
    "Items": ITEMS,
    "Lines": LINES,
    "The document": DOCUMENTS,
}
SPOKEN = {
    "document": "invoice or bill",
    "a_document": "an invoice or bill",
    "side": "sales or purchase",
    "trade": "sell or purchase",
}


def tables(groups: Mapping[str, Sequence[Explanation]] = GROUPS, spoken: Mapping[str, str] = SPOKEN) -> str:
    """Return a table a group, with what Xero fills in written *so*; `spoken` are the words for our own values."""
    parts = []
    for name, entries in groups.items():
        rows = [_row(entry, spoken) for entry in entries]
        parts.append(
            "\n".join([f"### {name}", "", "| Xero says | What it means | What to do |", "|---|---|---|", *rows])
        )
    return "\n\n".join(parts)


def written() -> str:
    """Return what stands between the marks now."""
    return DOCUMENT.read_text("utf-8").split(BEGIN, 1)[1].split(END, 1)[0].strip()


def renew() -> None:
    """Write the tables between the marks."""
    before, rest = DOCUMENT.read_text("utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}", "utf-8")


def _row(entry: Explanation, spoken: Mapping[str, str]) -> str:
    return f"| {' | '.join(_shown(text, spoken) for text in (entry.words, entry.meaning, entry.remedy))} |"


def _shown(text: str, spoken: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: spoken.get(found[1], f"*{found[1].replace('_', ' ')}*"), text)


if __name__ == "__main__":
    renew()
