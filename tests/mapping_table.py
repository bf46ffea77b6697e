"""The tables and the example of `docs/mapping.md`, from the code; `python -m tests.mapping_table` renews them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from core.books import Item, Side
from core.invoice import Invoice
from mappers import totals
from mappers.arithmetic import Reckoned, reckon
from mappers.basis import Basis
from mappers.contacts import ContactSchema
from mappers.items import ItemSchema
from mappers.xero import InvoiceSchema, LineSchema, XeroInvoice, to_xero
from tests.unit.arithmetic import Pricing, calculated
from tests.unit.generated import BOOKS
from tests.unit.made import basis, chosen, invoice, line, product

DOCUMENT = Path(__file__).parent.parent / "docs" / "mapping.md"
BEGIN, END = "<!-- {} -->", "<!-- end of {} -->"

SCHEMAS: dict[str, type[Schema]] = {
    "invoice": InvoiceSchema,
    "lines": LineSchema,
    "contact": ContactSchema,
    "item": ItemSchema,
}
RATES = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5)}


# -- the tables --------------------------------------------------------------------------------------------


def table(schema: type[Schema]) -> str:
    """Return a row a field: its name in Xero, where it comes from, by which rules."""
    rows = [f"| {named} | {source} | {rules} |" for named, source, rules in _rows(schema())]
    return "\n".join(["| In Xero | Comes from | Rules |", "|---|---|---|", *rows])


def named_paths(schema: Schema, before: str = "") -> set[str]:
    """Return every field that the tables name, inner ones behind a point."""
    found: set[str] = set()
    for field in schema.fields.values():
        path = f"{before}{field.data_key}"
        inner = [f"{path}.{name}" for name in field.metadata.get("inner", ())]
        found |= {path, *inner}
        if nested := _nested(field):
            found |= named_paths(nested, f"{path}.")
    return found


def paths_of(document: Any, before: str = "") -> set[str]:
    """Return every field that a document has, named as by `named_paths`."""
    if isinstance(document, list):
        return {path for each in document for path in paths_of(each, before)}
    if not isinstance(document, dict):
        return set()
    found = {f"{before}{name}" for name in document}
    return found.union(*(paths_of(value, f"{before}{name}.") for name, value in document.items()))


def fields_of(schema: Schema, before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path and the metadata of each field, inner schemas included."""
    for field in schema.fields.values():
        path = f"{before}{field.data_key}"
        yield path, field.metadata
        if nested := _nested(field):
            yield from fields_of(nested, f"{path}.")


def _nested(field: fields.Field) -> Schema | None:
    if isinstance(field, fields.List):
        field = field.inner
    return field.schema if isinstance(field, fields.Nested) else None


def _rows(schema: Schema, before: str = "") -> Iterator[tuple[str, str, str]]:
    for field in schema.fields.values():
        named = f"`{before}{field.data_key}`"
        if inner := field.metadata.get("inner"):
            named += ": " + ", ".join(f"`{name}`" for name in inner)
        yield named, field.metadata["source"], field.metadata["rules"]
        if isinstance(field, fields.Nested):  # the lines have a table of their own
            yield from _rows(field.schema, f"{before}{field.data_key}.")


# -- the example -------------------------------------------------------------------------------------------


def example() -> tuple[Invoice, Basis]:
    """Return an invoice with everything that makes totals difficult, as Dynamics shows it before the export."""
    chair = product(id="p-1", number="CHAIR-01", name="Office chair")
    lines = (
        line(id="1", product=chair, quantity=Decimal(3), price=Decimal("19.99"), manual_discount=Decimal("7.77")),
        line(
            id="2",
            text="Delivery",
            quantity=Decimal("1.5"),
            price=Decimal("35.50"),
            tax_type=chosen("RROUTPUT"),
        ),
        line(id="3", text="Thank you", quantity=Decimal(0), price=Decimal(0)),
    )
    typed = replace(invoice(*lines), discount_percentage=Decimal("12.5"), freight=Decimal("4.99"))
    return calculated(typed, Pricing()), basis(books=BOOKS, items={"CHAIR-01": Item("CHAIR-01", Side("200"))})


def mapped() -> tuple[Invoice, XeroInvoice, Reckoned, dict[str, Decimal]]:
    """Return the example, its document, what that adds up to, and the tax that its lines in Dynamics get."""
    made, mapped_with = example()
    document = to_xero(made, contact_id="c-1", basis=mapped_with, url="https://contoso.example/1")
    reckoned = reckon(document, mapped_with, RATES)
    return made, document, reckoned, totals.line_taxes(made, reckoned.as_answer(), document.line_ids)


def worked() -> str:
    """Return the example in words and tables."""
    made, document, reckoned, taxes = mapped()
    theirs = [
        "| | Description | Quantity | UnitAmount | DiscountAmount | Tax type | Amount | Tax |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, (sent, sums) in enumerate(zip(document.lines, reckoned.lines, strict=True), start=1):
        cells = [
            sent.description,
            _plain(sent.quantity),
            _plain(sent.unit_amount),
            _plain(sent.discount),
            f"{sums.tax_type}, {sums.rate} %" if sums else "",
            _plain(sums.amount if sums else None),
            _plain(sums.tax if sums else None),
        ]
        theirs.append(f"| {number} | {' | '.join(cells)} |")
    theirs.append(f"| | **Net {reckoned.net}, tax {reckoned.tax}, total {reckoned.total}** | | | | | | |")
    return "\n\n".join([_in_dynamics(made), "In Xero:", "\n".join(theirs), _back(made, reckoned, taxes)])


def _in_dynamics(made: Invoice) -> str:
    rows = ["| | Line | Quantity | Price | Manual discount | Net |", "|---|---|---|---|---|---|"]
    for number, each in enumerate(made.lines, start=1):
        name = each.product.name if each.product else each.text
        cells = [name, *(_plain(n) for n in (each.quantity, each.price, each.manual_discount, each.extended_amount))]
        rows.append(f"| {number} | {' | '.join(cells)} |")
    sums = (
        f"Lines {made.total_lines}; {made.discount_percentage} % discount on the invoice "
        f"{made.total_lines - (made.total_less_freight or Decimal(0))}; freight {made.freight}; net {made.net}."
    )
    return "\n\n".join(["In Dynamics:", "\n".join(rows), sums])


def _back(made: Invoice, reckoned: Reckoned, taxes: dict[str, Decimal]) -> str:
    own = [line.tax if line else Decimal(0) for line in reckoned.lines]
    told = ", ".join(f"line {key}: {tax}" for key, tax in taxes.items())
    rest = reckoned.tax - sum(own[: len(made.lines)])
    return (
        f"Written back to Dynamics as tax: {told}. Discount and freight have no line there that could carry theirs, "
        f"together {rest}: it is added to the largest line, so that Dynamics' total tax is {reckoned.tax} and its "
        f"total {reckoned.total}, as in Xero."
    )


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"


# -- the page ----------------------------------------------------------------------------------------------


def parts() -> dict[str, str]:
    """Return what stands between each pair of marks."""
    return {name: table(schema) for name, schema in SCHEMAS.items()} | {"example": worked()}


def written(name: str) -> str:
    """Return what stands between the marks of that name now."""
    behind = DOCUMENT.read_text("utf-8").split(BEGIN.format(name), 1)[1]
    return behind.split(END.format(name), 1)[0].strip()


def renew() -> None:
    """Write every part between its marks."""
    text = DOCUMENT.read_text("utf-8")
    for name, part in parts().items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin, 1)
        text = f"{before}{begin}\n\n{part}\n\n{end}{rest.split(end, 1)[1]}"
    DOCUMENT.write_text(text, "utf-8")


if __name__ == "__main__":
    renew()
