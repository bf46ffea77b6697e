"""The preview is what is sent afterwards, with the totals that Xero then has; and looking changes nothing."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from cli.preview import as_plain, previews
from cli.previewed import answer, show
from core import columns
from core.errors import Disconnected, Misconfigured
from pipeline.previewing import Preview
from tests.simulation.onlooking import nothing_changes
from tests.world import Line, World

INCLUSIVE = columns.LINE_AMOUNT_TYPES["Inclusive"]
NO_TAX = columns.LINE_AMOUNT_TYPES["No Tax"]
PURCHASE = columns.INVOICE_TYPE["Purchase Invoice"]


def preview_of(world: World, invoice_id: str) -> Preview:
    (shown,), failures = previews(world.app, invoice_id, None)
    assert failures == []
    return shown


def number_of(world: World, invoice_id: str) -> str:
    number: str = world.invoice(invoice_id)["invoicenumber"]
    return number


def printed(shown: Preview) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(console, shown)
    return console.file.getvalue()  # type: ignore[attr-defined]


def sent(world: World, kind: str) -> list[dict[str, Any]]:
    """The documents that went out in PUT calls."""
    path = f"/api.xro/2.0/{kind}"
    calls = [call for call in world.xero.wire.calls if (call.method, call.path) == ("PUT", path)]
    return [
        document for call in calls for document in json.loads(call.body, parse_float=Decimal, parse_int=Decimal)[kind]
    ]


def same(document: Any) -> Any:
    """As it is read back from JSON."""
    return json.loads(json.dumps(document, default=str), parse_float=str, parse_int=str)


KINDS: list[dict[str, Any]] = [
    {},
    {"stl3_lineamounttypes": INCLUSIVE},
    {"stl3_lineamounttypes": NO_TAX},
    {"stl3_invoicetype": PURCHASE},
    {"discountpercentage": Decimal("12.5"), "freightamount": Decimal("4.99")},
    {"discountamount": Decimal("3.33"), "stl3_lineamounttypes": INCLUSIVE, "stl3_invoicetype": PURCHASE},
]


@pytest.mark.parametrize("row", KINDS)
def test_what_is_shown_is_what_is_sent_and_what_xero_then_reckons(world: World, row: dict[str, Any]) -> None:
    """Document, new contact, new item and totals, to the cent; for a contact that has no id yet none is invented."""
    invoice_id = world.save_invoice(
        Line("Black", "19.99", quantity="3", product="CHAIR-01", discount="7.77"),
        Line("Delivery", "35.5055", quantity="1.5"),
        Line("Thank you", "0", quantity="0"),
        **row,
    )
    with nothing_changes(world):
        shown = preview_of(world, number_of(world, invoice_id))

    assert shown.problems == shown.closed == ()
    assert shown.document is not None
    assert shown.reckoned is not None
    assert shown.document.as_payload()["Contact"] == {"ContactID": "(new contact)"}
    world.mark(invoice_id)
    world.work()
    (document,) = world.documents_of(invoice_id)
    assert shown.addressee is not None
    assert same([shown.addressee.document]) == same(sent(world, "Contacts"))
    assert same(list(shown.new_items)) == same(sent(world, "Items"))
    expected = shown.document.as_payload() | {"Contact": {"ContactID": document["Contact"]["ContactID"]}}
    assert same([expected]) == same(sent(world, "Invoices"))
    assert (shown.reckoned.net, shown.reckoned.tax, shown.reckoned.total) == (
        document["SubTotal"],
        document["TotalTax"],
        document["Total"],
    )
    assert shown.difference == ""


def test_a_known_contact_is_named_with_the_step_that_found_it(world: World) -> None:
    """Rule C20: by account number at first, by the earlier document afterwards."""
    person = world.xero.user(world.org)
    contact = person.create_contact(Name="Fourth Coffee Ltd", AccountNumber="AC-100")
    first, second = world.save_invoices(2)

    shown = preview_of(world, first)
    world.mark(first)
    world.work()
    later = preview_of(world, second)

    assert shown.addressee is not None
    assert later.addressee is not None
    assert (shown.addressee.id, shown.addressee.name, shown.addressee.step) == (
        contact["ContactID"],
        "Fourth Coffee Ltd",
        "account number",
    )
    assert later.addressee.step == "Xero details"
    assert "found by its account number" in printed(shown)


def test_a_name_that_is_taken_is_told_apart_as_it_will_be(world: World) -> None:
    """Rule C20: the account number behind the name, or the reason why there is none."""
    person = world.xero.user(world.org)
    person.create_contact(Name="Fourth Coffee", ContactNumber="somebody else")
    world.customers["Nameless"] = world.add_customer("fourth coffee")
    numbered, alike = (
        world.save_invoice(Line("Work", "1")),
        world.save_invoice(Line("Work", "1"), customer="Nameless"),
    )

    shown, refused = preview_of(world, numbered), preview_of(world, alike)
    world.mark(numbered)
    world.settle()

    assert shown.addressee is not None
    assert shown.addressee.name == "Fourth Coffee (AC-100)"
    assert world.documents_of(numbered)[0]["Contact"]["Name"] == "Fourth Coffee (AC-100)"
    assert "has no account number to tell them apart" in refused.problems[0]


def test_an_archived_name_is_free_and_an_archived_customer_is_not(world: World) -> None:
    """Rule C22: what creating would meet is looked up before."""
    person = world.xero.user(world.org)
    person.archive_contact(person.create_contact(Name="Fourth Coffee")["ContactID"])
    free = world.save_invoice(Line("Work", "1"))
    world.customers["Gone"] = world.add_customer("Gone Coffee")
    gone = person.create_contact(Name="Gone Coffee", ContactNumber=world.customers["Gone"])
    person.archive_contact(gone["ContactID"])
    refused = world.save_invoice(Line("Work", "1"), customer="Gone")

    assert preview_of(world, free).problems == ()
    assert "archived in Xero" in preview_of(world, refused).problems[0]


def test_all_that_stands_in_the_way_is_told_at_once(world: World) -> None:
    """The export stops at the first; whoever mends an invoice wants the whole list, gates beside it."""
    world.choose(use_xero_number=False, create_products=False, require_products=True)
    invoice_id = world.save_invoice(
        Line("Black", "1", product="CHAIR-01"),
        Line("White", "1", product="DESK-02"),
        connect=False,
        datedelivered=None,
    )
    with nothing_changes(world):
        shown = preview_of(world, invoice_id)

    assert shown.document is None
    text = "\n".join(shown.problems)
    assert "item CHAIR-01" in text
    assert "item DESK-02" in text
    assert "Date Delivered is empty" in text
    assert [gate.rule for gate in shown.closed] == ["C1", "C5"]
    assert "It cannot be sent" in printed(shown)
    assert "✗ C1" in printed(shown)
    assert as_plain(shown)["document"] is None


def test_an_invoice_without_customer_names_the_gate_only(world: World) -> None:
    """C4 says what to do; that an empty customer cannot be read says nothing."""
    invoice_id = world.save_invoice(Line("Work", "1"), **{"customerid_account@odata.bind": None})

    shown = preview_of(world, invoice_id)

    assert (shown.document, shown.problems) == (None, ())
    assert [gate.rule for gate in shown.closed] == ["C4"]


def test_a_future_invoice_is_shown_all_the_same(world: World) -> None:
    """A gate that is closed does not hide the document."""
    invoice_id = world.save_invoice(Line("Work", "1"), datedelivered="2026-12-24T00:00:00Z")

    shown = preview_of(world, invoice_id)

    assert shown.document is not None
    assert shown.document.as_payload()["Date"] == "2026-12-24"
    assert "goes on 24 Dec 2026" in shown.closed[0].waiting


def test_a_difference_that_xero_will_have_is_marked(world: World) -> None:
    """Rule C40, before the export: a currency with three decimals has amounts that Xero cannot hold."""
    dinar = world.dynamics.add_currency("KWD", rate=Decimal("0.4"), precision=3)
    currency = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({dinar})"}
    price_list = world.sales.create("pricelevel", {"name": "In dinar", **currency})
    row = currency | {"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    invoice_id = world.save_invoice(Line("Work", "1.01", quantity="0.5"), **row)

    shown = preview_of(world, invoice_id)

    assert shown.difference == (
        "Net total in Xero 0.510 KWD, in Dynamics 0.505: difference 0.005 (line 1, Work: 0.510 instead of 0.505)."
    )
    assert "✗ Differs" in printed(shown)
    assert "✗ 0.005" in printed(shown)


def test_an_exported_invoice_says_so_and_shows_an_update(world: World) -> None:
    """The document as the invoice stands now, and the number that it has in Xero."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.work()
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": Decimal("11.00")})

    with nothing_changes(world):
        shown = preview_of(world, invoice_id)

    assert shown.closed == ()
    assert shown.document is not None
    assert shown.document.lines[0].unit_amount == Decimal("11")
    assert f"It is in Xero already: {world.details(invoice_id)['stl3_xeronumber']}" in printed(shown)


def test_what_an_update_would_change_is_told(world: World) -> None:
    """Rule C61: an approved document is not overwritten, and a person sees beforehand what differs."""
    world.choose(status="AUTHORISED")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.settle()
    assert "says what the invoice says" in printed(preview_of(world, invoice_id))
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"quantity": Decimal(3)})

    shown = preview_of(world, invoice_id)

    assert shown.in_xero is not None
    assert (shown.in_xero.status, [str(one) for one in shown.in_xero.differs]) == (
        "AUTHORISED",
        [
            "Line 1 “Work”, quantity: 1.00 in Xero, 3.00 in Dynamics",
            "Line 1 “Work”, amount: 10.00 in Xero, 30.00 in Dynamics",
        ],
    )
    assert "authorised; 2 differences. Nothing of it would be overwritten." in printed(shown)
    assert shown.body is not None
    assert shown.body["InvoiceID"] == world.documents_of(invoice_id)[0]["InvoiceID"]
    assert shown.body["Status"] == "AUTHORISED"


def test_a_tax_type_that_xero_does_not_have_is_told(world: World) -> None:
    """Its tax is not guessed."""
    world.xero.user(world.org).archive_tax_rate("OUTPUT2")
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    shown = preview_of(world, invoice_id)

    assert shown.reckoned is not None
    assert shown.reckoned.unknown == ("OUTPUT2",)
    assert "no active tax rate OUTPUT2" in printed(shown)


def test_an_account_that_xero_does_not_have_is_told(world: World) -> None:
    """Before Xero refuses the invoice for it."""
    world.choose(sales_account="999")
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    shown = preview_of(world, invoice_id)

    assert shown.unknown_accounts == ("999",)
    assert answer(shown) == "Xero is likely to refuse it. Xero has no active account 999 for lines."


def test_the_first_line_is_the_answer(world: World) -> None:
    """Whether it may go, waits, cannot be sent or is in Xero; each in a line."""
    may = preview_of(world, world.save_invoice(Line("Work", "10.00")))
    waits = preview_of(world, world.save_invoice(Line("Work", "10.00"), connect=False))

    assert printed(may).startswith("It may go. This would be sent.\n")
    assert printed(waits).startswith("It waits: connector. Then this would be sent.\n")


def test_before_the_export_only_the_net_is_compared(world: World) -> None:
    """Rule C40: tax comes from Xero, so that its lack is no difference; with tax in the prices none is missing."""
    without = printed(preview_of(world, world.save_invoice(Line("Work", "10.00"))))
    within = printed(preview_of(world, world.save_invoice(Line("Work", "10.00"), stl3_lineamounttypes=INCLUSIVE)))

    assert "✗" not in without
    assert "Dynamics gets Xero's tax after the export" in without
    assert "✗" not in within
    assert "Dynamics gets Xero's tax" not in within


@pytest.mark.parametrize("width", [60, 80, 200])
def test_amounts_are_never_cut(world: World, width: int) -> None:
    """On a narrow terminal texts are folded instead; the columns in which nothing stands are left out."""
    line = Line(
        "A long name that has to be folded somewhere", "123456.78", quantity="12", product="CHAIR-01", discount="3"
    )
    shown = preview_of(world, world.save_invoice(line))
    console = Console(file=io.StringIO(), width=width)

    show(console, shown)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert all(number in text for number in ("123456.78", "1481478.36", "296295.67"))
    assert "Discount" not in printed(preview_of(world, world.save_invoice(Line("Work", "10.00"))))


def test_custom_fields_that_have_an_effect_are_shown_with_their_values(world: World) -> None:
    """Each mapped target, what it is the value for, and the value; what is empty is not."""
    world.dynamics.customise(
        {
            "columns": {
                "invoice": [{"name": "new_po", "type": "string"}],
                "invoicedetail": [{"name": "new_serial", "type": "string"}],
            }
        }
    )
    world.choose(custom_fields={"reference": "new_po", "line_description": "SN {new_serial}"})
    invoice_id = world.save_invoice(Line("Work", "10.00"), Line("More", "5.00"), new_po="PO 7")
    world.sales.update("invoicedetail", world.lines(invoice_id)[0]["invoicedetailid"], {"new_serial": "S-1"})

    with nothing_changes(world):
        shown = preview_of(world, invoice_id)

    assert [(each.place, each.value) for each in shown.mapped] == [
        ("reference", "PO 7"),
        ("line_description", "SN S-1"),
    ]
    assert "SN S-1 (line “" in printed(shown)


def test_a_setting_that_is_wrong_is_an_error_in_words(world: World) -> None:
    """Nothing could be sent either."""
    world.choose(timezone="Mars/Olympus")
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    with pytest.raises(Disconnected, match="Mars/Olympus"):
        previews(world.app, invoice_id, None)


def test_an_unknown_invoice_is_an_error(world: World) -> None:
    with pytest.raises(Misconfigured, match="Not found in Dynamics: INV-NONE"):
        previews(world.app, "INV-NONE", None)


def test_a_due_date_by_the_terms_of_a_contact_is_the_one_that_is_sent(world: World) -> None:
    """Rule C11: of a known contact its own terms, of a new one the organisation's."""
    world.choose(status="Authorised")
    person = world.xero.user(world.org)
    person.set_payment_terms(sales={"Day": 10, "Type": "DAYSAFTERBILLDATE"})
    known = person.create_contact(Name="Known Coffee")
    person.set_contact_terms(known["ContactID"], sales={"Day": 5, "Type": "DAYSAFTERBILLDATE"})
    world.customers["Known"] = world.add_customer("Known Coffee")
    invoice_ids = [world.save_invoice(Line("Work", "1")), world.save_invoice(Line("Work", "1"), customer="Known")]

    shown = [preview_of(world, invoice_id).document for invoice_id in invoice_ids]
    world.mark(*invoice_ids)
    world.settle()

    due = [document.due_on.isoformat() for document in shown if document and document.due_on]
    assert due == ["2026-12-04", "2026-11-29"]
    assert [world.documents_of(each)[0]["DueDateString"][:10] for each in invoice_ids] == due
