"""What is remembered of a document in Xero since we last wrote it: hashes and ids, never contents (rule C61)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core import ids
from core.money import round_to
from mappers.lines import XERO_DECIMALS
from mappers.xero import XeroInvoice

VERSION = "1"  # of what is hashed: a document hashed by another version counts as changed by somebody
NOBODY = "-"
CODES = ("Type", "LineAmountTypes", "CurrencyCode")
TEXTS = ("InvoiceNumber", "Reference", "BrandingThemeID")
LINE_CODES = ("LineItemID", "ItemCode", "AccountCode", "TaxType")
# What is not known of every document that is sent, with the sign that stands before the hash where it is.
SAID = {"d": "DueDate", "n": "InvoiceNumber", "b": "BrandingThemeID"}
SAID_OF_LINES = {"a": "AccountCode", "t": "TaxType", "c": "Tracking"}
LINE_NUMBERS = ("Quantity", "UnitAmount", "LineAmount", "TaxAmount")
_STAMP = re.compile(r"/Date\((-?\d+)")  # midnight UTC of the day, whatever zone it is shown in
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What stands on the Xero details row about the document.

    `document`: the hash of it as Xero returned it when we last wrote it; empty: nobody knows who changed it since.
    `sent`: the mark of what a write under way sends; empty: none is. `connector_id`: the invoice's connector of
    which the history tells, NOBODY for none (rule C63); empty: it does not say.
    """

    document: str = ""
    sent: str = ""
    connector_id: str = ""

    @property
    def text(self) -> str:
        return f"{VERSION}:{self.document}:{self.sent}:{self.connector_id}"

    def is_as_we_left_it(self, document: Mapping[str, Any]) -> bool:
        """Whether nobody but us changed it since; also where a write of ours arrived and its answer got lost."""
        if self.document and document_hash(document) == self.document:
            return True
        return is_as_sent(document, self.sent)

    def has_arrived(self, document: Mapping[str, Any]) -> bool:
        """Whether a write of ours arrived whose answer got lost."""
        return is_as_sent(document, self.sent) and document_hash(document) != self.document


def read_agreement(text: str) -> Agreement:
    """Return what the row says; what another version wrote says nothing of the document."""
    version, *parts = text.split(":")
    if len(parts) != 3:
        return Agreement()
    return Agreement(*parts) if version == VERSION else Agreement(connector_id=parts[2])


def document_hash(document: Mapping[str, Any]) -> str:
    """Return what changes exactly when somebody changes what the document says; not its status, not what was paid.

    Discounts are in it by the lines' amounts: lists show them otherwise than the answer to a write does.
    """
    content = {name: text_of(document.get(name)) for name in (*CODES, *TEXTS)}
    content |= {name: day_of(document, name) for name in ("Date", "DueDate")}
    lines = [_line_content(line) for line in document.get("LineItems") or ()]
    return ids.content_hash({**content, "Contact": contact_id_of(document), "LineItems": lines})


def mark_of(mapped: XeroInvoice, found: Mapping[str, Any] | None = None) -> str:
    """Return the mark of what is sent, by which `is_as_sent` knows it again: what is known of it, and a hash of that.

    `found` is the document that it changes: what is not said stays there. A new one has no due date then, and a line
    the account and the tax type that Xero gives it by itself.
    """
    kept: dict[str, Any] = {"DueDate": ""}
    if found is not None:
        kept = {name: found.get(name) for name in SAID.values()} | {"DueDate": day_of(found, "DueDate")}
    payload = kept | mapped.as_payload()
    rows = [
        row
        | {
            "AccountCode": line.account_code or line.given_account,
            "TaxType": line.tax_type or line.given_tax_type,
            "LineAmount": amount_of(row),
        }
        for line, row in zip(mapped.lines, payload["LineItems"], strict=True)
    ]
    said = [sign for sign, name in SAID.items() if name in payload]
    priced = [row for row in rows if row["LineAmount"] is not None]
    said += [sign for sign, name in SAID_OF_LINES.items() if priced and all(row.get(name) for row in priced)]
    return _mark("".join(said), payload | {"LineItems": rows})


def is_as_sent(document: Mapping[str, Any], mark: str) -> bool:
    """Whether the document says what was sent under this mark, all of it."""
    said, dot, _ = mark.partition(".")
    return bool(dot) and _mark(said, document) == mark


def contact_id_of(document: Mapping[str, Any]) -> str:
    return text_of((document.get("Contact") or {}).get("ContactID")).lower()


def day_of(document: Mapping[str, Any], name: str) -> str:
    """Return a date in ISO form, however it is written; empty where there is none."""
    text = str(document.get(f"{name}String") or document.get(name) or "")
    if stamp := _STAMP.match(text):
        return (_EPOCH + timedelta(milliseconds=int(stamp[1]))).date().isoformat()
    return text[:10]


def text_of(value: Any) -> str:
    """Return a text as it is compared: Xero trims, and writes line ends its own way."""
    return " ".join(str(value or "").split())


def number_of(line: Mapping[str, Any], name: str) -> Decimal | None:
    found = line.get(name)
    return None if found is None else Decimal(found)


def amount_of(line: Mapping[str, Any]) -> Decimal | None:
    """Return the amount that Xero will make of a line that is sent; None for a note."""
    exact = exact_amount_of(line)
    return None if exact is None else round_to(exact, XERO_DECIMALS)


def exact_amount_of(line: Mapping[str, Any]) -> Decimal | None:
    quantity, price, discount = (number_of(line, name) for name in ("Quantity", "UnitAmount", "DiscountAmount"))
    if price is None:
        return None
    return (Decimal(1) if quantity is None else quantity) * price - (discount or 0)


def _mark(said: str, document: Mapping[str, Any]) -> str:
    """Return the mark of a document of which these signs of `SAID` and `SAID_OF_LINES` are compared."""
    names = {name for sign, name in (SAID | SAID_OF_LINES).items() if sign in said}
    content = [text_of(document.get(name)) for name in CODES] + [contact_id_of(document)]
    if document.get("Type") == "ACCREC":
        content.append(text_of(document.get("Reference")))  # what we do not say is empty then
    content += [text_of(document.get(name)).casefold() for name in TEXTS if name in names]
    content += [day_of(document, name) for name in ("Date", "DueDate") if name == "Date" or name in names]
    lines = [_marked_line(line, names) for line in document.get("LineItems") or ()]
    return f"{said}.{ids.content_hash([content, lines])}"


def _marked_line(line: Mapping[str, Any], names: Collection[str]) -> list[Any]:
    numbers = (number_of(line, "Quantity"), number_of(line, "UnitAmount"), number_of(line, "LineAmount"))
    content: list[Any] = [text_of(line.get("Description")), *(plain(number) for number in numbers)]
    # A note has no account, whatever the lines around it have.
    codes = [name for name in ("AccountCode", "TaxType") if name in names and numbers[2] is not None]
    content += [text_of(line.get(name)).casefold() for name in ("ItemCode", *codes)]
    return [*content, tracking_of(line)] if "Tracking" in names else content


def _line_content(line: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {name: text_of(line.get(name)) for name in ("Description", *LINE_CODES)}
    content |= {name: plain(number_of(line, name)) for name in LINE_NUMBERS}
    return {**content, "Tracking": tracking_of(line)}


def tracking_of(line: Mapping[str, Any]) -> list[list[str]]:
    """Return the category and option of each, in one order and without case."""
    named = ((text_of(one.get("Name")), text_of(one.get("Option"))) for one in line.get("Tracking") or ())
    return sorted([category.casefold(), option.casefold()] for category, option in named)


def plain(number: Decimal | None) -> str:
    """One spelling for each number: 1.0 and 1.00 are the same price."""
    if number is None:
        return ""
    return f"{number.normalize():f}" if number else "0"
