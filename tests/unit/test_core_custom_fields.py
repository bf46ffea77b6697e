"""The setting of custom fields: what it may say, and every mistake told with its place and what is possible."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.custom_fields import (
    ACCOUNT,
    CONTACT,
    CONTACT_FIELDS,
    EMPTY,
    INVOICE,
    ITEM_FIELDS,
    LINE,
    PRODUCT,
    CustomFields,
    OfCustomer,
    WrongCustomFields,
    columns_of,
    parse,
)
from core.templates import Column, Template, read_template

WHOLE = """{
  "reference": "{new_ponumber} / {name}",
  "due_date": "new_promisedon",
  "number": "new_supplierinvoice",
  "line_description": "{productname} SN {new_serial} of {invoice.name}",
  "tracking": {"Region": "new_region", "Sales  person": "line.new_salesperson"},
  "contact": {"CompanyNumber": "new_companyno", "TaxNumber": {"account": "new_vat", "contact": "new_taxid"}},
  "item": {"PurchaseDescription": "new_longtext"}
}"""
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


def of(table: str, *parts: str) -> Template:
    """A template of columns of one table."""
    return Template(tuple(Column(table, part) for part in parts))


def mistakes(setting: Any) -> tuple[str, ...]:
    with pytest.raises(WrongCustomFields) as wrong:
        parse(setting if isinstance(setting, str) else json.dumps(setting))
    return wrong.value.mistakes


def read(setting: str) -> tuple[CustomFields, tuple[str, ...]]:
    """The custom fields, or none and what is wrong."""
    try:
        return parse(setting), ()
    except WrongCustomFields as wrong:
        return EMPTY, wrong.mistakes


# -- what it may say ---------------------------------------------------------------------------------------


def test_every_key_is_read() -> None:
    assert parse(WHOLE) == CustomFields(
        reference=Template((Column(INVOICE, "new_ponumber"), " / ", Column(INVOICE, "name"))),
        due_date=of(INVOICE, "new_promisedon"),
        number=of(INVOICE, "new_supplierinvoice"),
        line_description=Template(
            (
                Column(LINE, "productname"),
                " SN ",
                Column(LINE, "new_serial"),
                " of ",
                Column(INVOICE, "name"),
            )
        ),
        tracking=(("Region", of(INVOICE, "new_region")), ("Sales person", of(LINE, "new_salesperson"))),
        contact=(
            (
                "CompanyNumber",
                OfCustomer(of(ACCOUNT, "new_companyno"), of(CONTACT, "new_companyno"), whichever=True),
            ),
            ("TaxNumber", OfCustomer(of(ACCOUNT, "new_vat"), of(CONTACT, "new_taxid"))),
        ),
        item=(("PurchaseDescription", of(PRODUCT, "new_longtext")),),
    )


def test_the_columns_that_it_needs_are_named_by_table() -> None:
    assert columns_of(parse(WHOLE)) == {
        ACCOUNT: ["new_companyno", "new_vat"],
        CONTACT: ["new_companyno", "new_taxid"],
        INVOICE: ["name", "new_ponumber", "new_promisedon", "new_region", "new_supplierinvoice"],
        LINE: ["new_salesperson", "new_serial", "productname"],
        PRODUCT: ["new_longtext"],
    }


@pytest.mark.parametrize("setting", ["", "  \n", "{}", '{"reference": null, "tracking": {}, "contact": null}'])
def test_nothing_said_is_no_custom_field(setting: str) -> None:
    assert parse(setting) == EMPTY
    assert columns_of(EMPTY) == {}


def test_a_contact_field_may_come_from_one_table_alone() -> None:
    (found,) = parse('{"contact": {"TaxNumber": {"contact": "new_taxid"}}}').contact

    assert found == ("TaxNumber", OfCustomer(contact=of(CONTACT, "new_taxid")))


def test_every_field_that_is_allowed_is_taken() -> None:
    setting = {"contact": dict.fromkeys(CONTACT_FIELDS, "new_a"), "item": dict.fromkeys(ITEM_FIELDS, "new_b")}

    custom = parse(json.dumps(setting))

    assert [name for name, _ in custom.contact] == list(CONTACT_FIELDS)
    assert [name for name, _ in custom.item] == list(ITEM_FIELDS)


# -- templates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("new_po", (Column("t", "new_po"),)),
        (" new_po ", (Column("t", "new_po"),)),
        ("{new_po}", (Column("t", "new_po"),)),
        ("{ new_po }", (Column("t", "new_po"),)),
        ("PO {new_po}!", ("PO ", Column("t", "new_po"), "!")),
        ("{{{new_po}}}", ("{", Column("t", "new_po"), "}")),
        ("{{x}} {p.a}{b}", ("{x} ", Column("other", "a"), Column("t", "b"))),
        ("p.a", (Column("other", "a"),)),
    ],
)
def test_a_value_is_a_column_or_a_text_with_columns(text: str, parts: tuple[str | Column, ...]) -> None:
    assert read_template(text, {"": "t", "p": "other"}) == (Template(parts), [])


@given(pieces=st.lists(st.tuples(TEXT, NAME), min_size=1, max_size=4), end=TEXT)
def test_any_text_can_stand_around_columns(pieces: list[tuple[str, str]], end: str) -> None:
    doubled = [(text.replace("{", "{{").replace("}", "}}"), name) for text, name in pieces]
    written = "".join(f"{text}{{{name}}}" for text, name in doubled) + end.replace("{", "{{").replace("}", "}}")

    template, wrong = read_template(written, {"": "t"})

    assert wrong == []
    shown = "".join(part if isinstance(part, str) else f"<{part.name}>" for part in template.parts)
    assert shown == "".join(f"{text}<{name}>" for text, name in pieces) + end


@given(text=st.text(max_size=30))
def test_whatever_is_written_is_read_or_told_in_words(text: str) -> None:
    template, wrong = read_template(text, {"": "t"})

    assert bool(template.columns) or wrong
    assert all(words.endswith((".", "?")) for words in wrong)


# -- mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('{"reference": "new_a",}', "This is not JSON: "),
        ('{"reference": "new_a",}', "(line 1, column 2"),
        ('{\n  "reference": new_a\n}', "(line 2, column 16)"),
        ("[" * 100_000, "This is not JSON that can be read."),
        ('{"number": ' + "9" * 5000 + "}", "This is not JSON that can be read."),
        ([], "This must be an object in braces; possible in it: reference, due_date"),
        ("7", "This must be an object in braces"),
        ({"referance": "new_a"}, "referance: is not known. Did you mean reference? Possible are reference, due_date"),
        ({"Reference": "new_a"}, "Reference: is not known. Did you mean reference?"),
        ({"zzz": "new_a"}, "zzz: is not known. Possible are reference"),
        ('{"reference": "new_a", "reference": "new_b"}', "“reference” stands there twice."),
        ({"reference": 7}, "reference: must be a text in quotes"),
        ({"reference": ["new_a"]}, "reference: must be a text in quotes"),
        ({"reference": ""}, "reference: “” is neither the logical name of a column"),
        ({"reference": "PO number"}, "reference: “PO number” is neither the logical name of a column"),
        ({"reference": "New_PO"}, "reference: “New_PO” is not the logical name of a column"),
        ({"reference": "New_PO"}, "Is it new_po?"),
        ({"reference": "{new-po} x"}, "reference: “new-po” is not the logical name of a column"),
        ({"reference": "a" * 129}, "is not the logical name of a column"),
        (
            {"reference": "{new_a"},
            "reference: the brace at character 1 of “{new_a” is not closed. A brace of the text",
        ),
        ({"reference": "{new_a} }"}, "reference: the brace at character 9 of “{new_a} }” closes nothing."),
        ({"reference": "{{new_a}}"}, "reference: “{{new_a}}” has no column in braces"),
        ({"reference": "{}"}, "reference: “” is not the logical name of a column"),
        ({"reference": "line.new_a"}, "the prefix “line.” is not possible here. Columns stand here without one."),
        ({"line_description": "{line.new_a}"}, "the prefix “line.” is not possible here. Possible is “invoice.”."),
        ({"due_date": "{new_a} {new_b}"}, "due_date: is one column that holds a date, without other text."),
        ({"due_date": "on {new_a}"}, "due_date: is one column that holds a date"),
        ({"tracking": "new_a"}, "tracking: must be an object: the names of tracking categories"),
        ({"tracking": dict.fromkeys("ABC", "new_a")}, "tracking: has 3 categories; Xero takes at most 2 on a line."),
        ({"tracking": {"Region": "new_a", "REGION ": "new_b"}}, "“REGION ” is the same category as another one."),
        ({"tracking": {" ": "new_a"}}, "tracking: “ ” cannot be the name of a category"),
        ({"tracking": {"x" * 101: "new_a"}}, "cannot be the name of a category (100 characters)."),
        ({"tracking": {"Region": "invoice.new_a"}}, "tracking.Region: “invoice.new_a”: the prefix “invoice.”"),
        ({"contact": "new_a"}, "contact: must be an object in braces; possible in it: FirstName, LastName"),
        ({"contact": {"AccountNumber": "new_a"}}, "contact.AccountNumber: is not possible, as the connector finds"),
        ({"contact": {"ContactNumber": "new_a"}}, "contact.ContactNumber: is not possible"),
        ({"contact": {"Name": "new_a"}}, "contact.Name: is not possible"),
        ({"contact": {"taxnumber": "new_a"}}, "contact.taxnumber: is not known. Did you mean TaxNumber?"),
        ({"contact": {"TaxNumber": {"accounts": "new_a"}}}, "contact.TaxNumber.accounts: is not known. Did you mean"),
        ({"contact": {"TaxNumber": {}}}, "contact.TaxNumber: names no column."),
        ({"contact": {"TaxNumber": {"account": 7}}}, "contact.TaxNumber.account: must be a text in quotes"),
        ({"contact": {"TaxNumber": "New"}}, "contact.TaxNumber: “New” is not the logical name"),
        (
            {"item": {"Code": "new_a"}},
            "item.Code: is not known. Possible are Name, Description, PurchaseDescription.",
        ),
        ({"item": {"Name": "x y"}}, "item.Name: “x y” is neither the logical name of a column"),
    ],
)
def test_a_mistake_is_told_with_its_place(setting: Any, words: str) -> None:
    assert any(words in mistake for mistake in mistakes(setting))


def test_all_mistakes_are_told_at_once_each_once() -> None:
    setting = {
        "colour": "new_a",
        "reference": "{New_A} {new-b} {",
        "due_date": 7,
        "contact": {"TaxNumber": "New_C"},
    }

    found = mistakes(setting)

    assert len(found) == len(set(found)) == 6
    assert [mistake.split(":")[0] for mistake in found] == [
        "colour",
        "reference",
        "reference",
        "reference",
        "due_date",
        "contact.TaxNumber",
    ]


def test_the_error_says_all_of_it() -> None:
    with pytest.raises(ValueError, match=r"colour: is not known\. .* number: must be a text"):
        parse('{"colour": "a", "number": 1}')


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["reference", "due_date", "number", "tracking", "contact", "item", "TaxNumber", "account", "Name"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_in_words(document: Any) -> None:
    custom, found = read(json.dumps(document))

    assert found or custom == EMPTY or columns_of(custom)
    assert all(mistake.endswith((".", "?")) for mistake in found)


# -- the document ------------------------------------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[2] / "docs" / "custom-fields.md").read_text("utf-8")


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))
def test_an_example_of_the_document_is_right(example: str) -> None:
    assert parse(example) != EMPTY


def test_the_document_explains_every_key_and_field() -> None:
    table = DOCUMENT.split("## Every key")[1].split("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(json.loads(WHOLE))
    for name in (*CONTACT_FIELDS, *ITEM_FIELDS):
        assert f"`{name}`" in table
