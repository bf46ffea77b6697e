"""The customer's own columns → the fields of Xero's documents that they fill; an empty result is nobody's wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from core.custom_fields import CONTACT_FIELDS, INVOICE, ITEM_FIELDS, LINE, CustomFields
from core.invoice import Customer, Invoice, Line, Product
from core.templates import Template
from core.tracking import Tracking, folded
from mappers.basis import Unmappable
from mappers.texts import cut, width

REFERENCE_MAX = NUMBER_MAX = 255
LINE_TEXT_MAX = 4000
# Cut, one of these would be another one.
_WHOLE_OR_NOT = frozenset({"EmailAddress", "CompanyNumber", "TaxNumber"})


def reference_of(custom: CustomFields, invoice: Invoice) -> str:
    """Return the reference of a sales invoice, cut at a word; empty leaves it to rule C12."""
    return cut(_line(custom.reference, {INVOICE: invoice.custom}), REFERENCE_MAX)


def due_on_of(custom: CustomFields, invoice: Invoice) -> date | None:
    """Return when it is due; None leaves it to rule C11. A column with a time gives the day of that time."""
    text = _line(custom.due_date, {INVOICE: invoice.custom})
    return date.fromisoformat(text[:10]) if text else None


def number_of(custom: CustomFields, invoice: Invoice) -> str:
    """Return the supplier's number of a bill; empty leaves it to rule C13. Raises Unmappable if it is too long."""
    number = _line(custom.number, {INVOICE: invoice.custom})
    if width(number) > NUMBER_MAX:
        raise Unmappable(
            f"The supplier's invoice number is longer than a number in Xero ({NUMBER_MAX} characters). Shorten it: "
            f"“{cut(number, 60)}”."
        )
    return number


def line_text_of(custom: CustomFields, invoice: Invoice, line: Line) -> str:
    """Return the text of a line, with its line breaks, cut at a word; empty leaves it to rule C33."""
    text = _lines(custom.line_description, {INVOICE: invoice.custom, LINE: line.custom})
    return cut(text, LINE_TEXT_MAX)


def tracking_of(custom: CustomFields, invoice: Invoice, line: Line | None) -> tuple[tuple[str, str], ...]:
    """Return the category and option of each category that has one, as they are written in Dynamics.

    Without a line, those of what belongs to the invoice as a whole: its discount, its freight.
    """
    sources = {INVOICE: invoice.custom, LINE: line.custom if line else {}}
    named = ((category, _line(template, sources)) for category, template in custom.tracking)
    return tuple((category, option) for category, option in named if option)


def tracking_in_xero(wanted: Sequence[tuple[str, str]], known: Tracking) -> tuple[tuple[str, str], ...]:
    """Return the same in Xero's spelling. Raises Unmappable, naming every option that Xero doesn't have."""
    if missing := missing_tracking(wanted, known):
        raise Unmappable(" ".join(missing))
    categories = ((known[folded(category)], option) for category, option in wanted)
    return tuple((category.name, category.options[folded(option)]) for category, option in categories)


def missing_tracking(wanted: Sequence[tuple[str, str]], known: Tracking) -> list[str]:
    """Return in words what of it can't be used in Xero."""
    problems = []
    for name, option in wanted:
        category = known.get(folded(name))
        if category is None:
            problems.append(f"Xero has no active tracking category “{name}”. Add it in Xero.")
        elif folded(option) in category.archived:
            problems.append(
                f"The option “{option}” of Xero's tracking category “{category.name}” is archived. "
                f"Restore it in Xero, or correct {category.name} on the invoice."
            )
        elif folded(option) not in category.options:
            problems.append(
                f"Xero's tracking category “{category.name}” has no option “{option}”. "
                f"Add it in Xero, or correct {category.name} on the invoice."
            )
    return problems


def contact_fields_of(custom: CustomFields, customer: Customer) -> dict[str, str]:
    """Return the fields of a new contact that have a value, to put over the standard ones (rules B2, C21).

    A name that is too long is cut; an address or number is left out, as the standard rule has one or none.
    """
    found = {}
    for name, both in custom.contact:
        template = both.account if customer.kind == "account" else both.contact
        text = _line(template, {customer.kind: customer.custom})
        if text and not (name in _WHOLE_OR_NOT and width(text) > CONTACT_FIELDS[name]):
            found[name] = cut(text, CONTACT_FIELDS[name])
    return found


def item_fields_of(custom: CustomFields, product: Product) -> dict[str, str]:
    """Return the fields of a new item that have a value, cut at a word, to put over the standard ones (rule C30)."""
    made = {
        name: (_line if name == "Name" else _lines)(template, {"product": product.custom})
        for name, template in custom.item
    }
    return {name: cut(text, ITEM_FIELDS[name]) for name, text in made.items() if text}


def _line(template: Template, sources: Mapping[str, Mapping[str, str]]) -> str:
    """One line, single spaces."""
    return " ".join(_filled(template, sources).split())


def _lines(template: Template, sources: Mapping[str, Mapping[str, str]]) -> str:
    """Line breaks stay, single spaces within lines."""
    return "\n".join(" ".join(line.split()) for line in _filled(template, sources).splitlines()).strip()


def _filled(template: Template, sources: Mapping[str, Mapping[str, str]]) -> str:
    """Return the text; empty where all columns are, as what stands around them says nothing alone."""
    values = {column: sources.get(column.table, {}).get(column.name, "").strip() for column in template.columns}
    if not any(values.values()):
        return ""
    return "".join(part if isinstance(part, str) else values[part] for part in template.parts)
