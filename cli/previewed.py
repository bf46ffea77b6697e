"""A preview for people: the answer in a line, what stands in the way, the document, totals, what comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.printing import print_rows
from core.gates import waiting_text
from core.invoice import Invoice
from mappers.arithmetic import Reckoned, ReckonedLine
from mappers.lines import XeroLine
from mappers.standing import OPEN_STATUSES
from mappers.xero import XeroInvoice
from pipeline.previewing import Addressee, InXero, Preview

Row = tuple[str, str]
COLUMNS = ("Description", "Quantity", "Price", "Discount", "Item", "Account", "Tax type", "Amount", "Tax")
NUMBERS = frozenset({"Quantity", "Price", "Discount", "Amount", "Tax"})
ROOMY = 7  # columns that leave room for the texts on a terminal of 80 characters


def in_xero(shown: Preview) -> str:
    """Return what to say of a document that is there already; empty if there is none."""
    details = shown.present.details
    if details is None or not details.xero_invoice_id:
        return ""
    number, there = details.xero_number or "without a number", shown.in_xero
    said = f"It is in Xero already: {number} ({details.xero_invoice_id})"
    if there is None:
        return f"{said}. This is what an update would send."
    many = "1 difference" if len(there.differs) == 1 else f"{len(there.differs)} differences"
    told = many if there.differs else "it says what the invoice says"
    kept = " Nothing of it would be overwritten." if there.differs and there.status not in OPEN_STATUSES else ""
    return f"{said}, {there.status.lower()}; {told}.{kept}"


def answer(shown: Preview) -> str:
    """Return in a line what would happen if the invoice went now."""
    details = shown.present.details
    if shown.present.invoice is None:
        return "Nothing can be sent: it is gone from Dynamics, or the connector may not read it any more."
    if said := in_xero(shown):
        return said
    if shown.problems:
        more = f" And {len(shown.problems) - 1} more." if len(shown.problems) > 1 else ""
        return f"It cannot be sent. {shown.problems[0]}{more}"
    if doubts := [said for _, said in _doubts(shown)]:
        return f"Xero is likely to refuse it. {' '.join(doubts)}"
    if details is not None and details.export_status == "Failed":
        return "It failed before. This would be sent again, once Export status is set to No."
    if waiting := waiting_text(list(shown.closed)):
        return f"It waits: {waiting}. Then this would be sent."
    return "It may go. This would be sent."


def show(console: Console, shown: Preview) -> None:
    """Print it for people: the answer, what stands in the way, the document, its totals, what would be created."""
    console.print(Text(answer(shown), style="bold"))
    print_rows(console, "", list(_heading(shown)))
    print_rows(console, "It cannot be sent", [("✗", problem) for problem in shown.problems])
    held = [(f"✗ {gate.rule} {gate.question}", gate.remedy) for gate in shown.closed]
    print_rows(console, "Gates that are closed", held)
    if shown.document is not None and shown.reckoned is not None and shown.present.invoice is not None:
        print_rows(console, "Document", list(_header(shown)))
        console.print(_lines(shown.document, shown.reckoned))
        console.print(Text("In brackets: what Xero takes from the item or the account by itself; it is not sent."))
        console.print(_totals(shown.reckoned, shown.present.invoice))
        print_rows(console, "", list(_remarks(shown)))
    if shown.in_xero is not None:
        print_rows(console, "What differs from the document in Xero", list(_differing(shown.in_xero)))
    if shown.addressee is not None and shown.addressee.document is not None:
        print_rows(console, "Contact that would be created", list(_flat(shown.addressee.document)))
    for item in shown.new_items:
        print_rows(console, "Item that would be created", list(_flat(item)))
    mapped = [(each.place, f"{each.value} ({each.of})") for each in shown.mapped]
    print_rows(console, "Custom fields", mapped)


def _heading(shown: Preview) -> Iterator[Row]:
    invoice = shown.present.invoice
    yield "Connection", f"{shown.connection.name} ({shown.connection.id})"
    name = f"{invoice.number} {invoice.name}".strip() if invoice else "gone from Dynamics, or it cannot be read"
    yield "Invoice", f"{name} ({shown.present.invoice_id})"
    if shown.addressee is not None:
        yield "Contact", _told(shown.addressee)


def _told(addressee: Addressee) -> str:
    if addressee.document is not None:
        return f"{addressee.name}: Xero does not know it, it would be created"
    by = "the customer's earlier documents" if addressee.step == "Xero details" else f"its {addressee.step}"
    return f"{addressee.name} ({addressee.id}), found by {by}"


def _differing(there: InXero) -> Iterator[Row]:
    for one in there.differs:
        yield one.what, f"{one.in_xero} in Xero, {one.in_dynamics} in Dynamics"


def _header(shown: Preview) -> Iterator[Row]:
    there = shown.in_xero
    for name, value in (shown.body or {}).items():
        if name == "Contact":
            yield name, str(value["ContactID"])
        elif name == "Status" and there is not None:
            yield name, f"{there.status}, as it is in Xero"  # rule B5
        elif name != "LineItems":
            yield name, str(value)


def _lines(document: XeroInvoice, reckoned: Reckoned) -> Table:
    """Texts are folded; numbers are never cut, and a column in which nothing stands is left out."""
    every = [_cells(line, sums) for line, sums in zip(document.lines, reckoned.lines, strict=True)]
    filled = [place for place in range(len(COLUMNS)) if place == 0 or any(cells[place] for cells in every)]
    table = Table("", title="Lines", title_justify="left", padding=0 if len(filled) > ROOMY else (0, 1))
    for place in filled:
        is_number = COLUMNS[place] in NUMBERS
        table.add_column(COLUMNS[place], justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for number, cells in enumerate(every, start=1):
        table.add_row(str(number), *(Text(cells[place]) for place in filled))
    return table


def _cells(line: XeroLine, sums: ReckonedLine | None) -> tuple[str, ...]:
    tracking = "".join(f"\n{category}: {option}" for category, option in line.tracking)
    if sums is None:
        return (line.description + tracking, *[""] * (len(COLUMNS) - 1))
    return (
        line.description + tracking,
        _plain(line.quantity),
        _plain(line.unit_amount),
        _plain(line.discount),
        line.item_code or "",
        _or_implied(line.account_code, sums.account),
        _or_implied(line.tax_type, sums.tax_type),
        _plain(sums.amount),
        _plain(sums.tax),
    )


def _or_implied(sent: str | None, in_force: str) -> str:
    return sent or (f"({in_force})" if in_force else "")


def _totals(reckoned: Reckoned, invoice: Invoice) -> Table:
    """Compared is what rule C40 compares; the tax in Dynamics is written after the export (rule C52)."""
    table = Table("", title=f"Totals, {invoice.currency}", title_justify="left")
    for name in ("Xero", "Dynamics", "Difference"):
        table.add_column(name, justify="right", no_wrap=True)
    if invoice.line_amount_types == "Inclusive":
        # Prices contain the tax, so Dynamics has a total only.
        table.add_row("Net", _plain(reckoned.net))
        table.add_row("Tax", _plain(reckoned.tax))
        table.add_row("Total", _plain(reckoned.total), _plain(invoice.net), _remark(reckoned.total - invoice.net))
        return table
    table.add_row("Net", _plain(reckoned.net), _plain(invoice.net), _remark(reckoned.net - invoice.net))
    for name, theirs, ours in (("Tax", reckoned.tax, invoice.total_tax), ("Total", reckoned.total, invoice.total)):
        remark = _remark(theirs - ours) if theirs == ours else Text("")
        table.add_row(name, _plain(theirs), _plain(ours), remark)
    return table


def _remark(difference: Decimal) -> Text:
    return Text(f"✗ {_plain(difference)}", style="red") if difference else Text("✓ none", style="green")


def _remarks(shown: Preview) -> Iterator[Row]:
    invoice, reckoned = shown.present.invoice, shown.reckoned
    if shown.difference:
        yield "✗ Differs", shown.difference
    elif invoice is not None and reckoned is not None and _lacks_tax(invoice, reckoned):
        yield "Tax", "Dynamics gets Xero's tax after the export; until then the totals differ by it."
    yield from _doubts(shown)


def _lacks_tax(invoice: Invoice, reckoned: Reckoned) -> bool:
    """Whether the tax that Dynamics gets after the export is still missing there (rule C52)."""
    return invoice.line_amount_types != "Inclusive" and reckoned.tax != invoice.total_tax


def _doubts(shown: Preview) -> Iterator[Row]:
    """What Xero would refuse, as far as it can be told beforehand."""
    if shown.unknown_accounts:
        yield "✗ Unknown", f"Xero has no active account {', '.join(shown.unknown_accounts)} for lines."
    if shown.reckoned is not None and shown.reckoned.unknown:
        unknown = ", ".join(shown.reckoned.unknown)
        yield "✗ Unknown", f"Xero has no active tax rate {unknown}; reckoned without its tax."


def _flat(document: dict[str, Any], before: str = "") -> Iterator[Row]:
    """Yield the fields of a body, inner ones with their path."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            for number, each in enumerate(value, start=1):
                yield from _flat(each, f"{before}{name}[{number}].")
        else:
            yield f"{before}{name}", str(value)


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
