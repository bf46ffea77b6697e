"""The settings row ↔ our preferences: every setting, its default, and what is not possible."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import columns
from core.preferences import Preferences
from mappers.preferences import SELECT, to_preferences, to_row

SWITCHES = [field.name for field in fields(Preferences) if field.type == "bool"]
TEXTS = ["sales_account", "purchase_account", "timezone", "freight_account"]
CUSTOM = '{"reference": "new_ponumber"}'
CODE = st.text(alphabet="0123456789ABC", max_size=10)
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SWITCHES, st.booleans()),
        **dict.fromkeys(TEXTS, CODE),
        "status": st.sampled_from(["DRAFT", "SUBMITTED", "AUTHORISED"]),
        "cancel_by": st.sampled_from(["Credit note", "Void"]),
        "custom_fields": st.just(CUSTOM),
    },
)


def test_an_empty_row_has_the_defaults_of_the_rules() -> None:
    expected = Preferences(
        use_xero_number=True,
        create_contacts=True,
        create_products=True,
        require_products=False,
        status="DRAFT",
        sales_account="",
        purchase_account="",
        create_credit_notes=False,
        timezone="",
        cancel_by="Credit note",
        freight_account="",
        custom_fields="",
    )

    assert to_preferences({}) == to_preferences(dict.fromkeys(SELECT.split(","))) == Preferences() == expected


def test_the_columns_start_with_the_same_defaults() -> None:
    """What a new row shows in Dynamics is what the code takes for an empty one."""
    row = {column.name: column.default for column in columns.SETTINGS.columns if column.default is not None}

    assert to_preferences(row) == Preferences()
    assert len(row) == len(SWITCHES) + 2


@given(chosen=CHOSEN)
def test_what_is_chosen_comes_back(chosen: dict[str, Any]) -> None:
    assert asdict(to_preferences(to_row(chosen))) == asdict(Preferences()) | chosen
    assert len(to_row(chosen)) == len(chosen)


def test_every_setting_can_be_chosen_and_is_read() -> None:
    other: dict[str, Any] = {name: not getattr(Preferences(), name) for name in SWITCHES}
    other |= dict.fromkeys(TEXTS, "400") | {"status": "AUTHORISED", "cancel_by": "Void", "custom_fields": CUSTOM}

    assert set(other) == {field.name for field in fields(Preferences)}
    assert to_preferences(to_row(other)) == Preferences(**other)
    assert set(to_row(other)) == set(SELECT.split(","))


@pytest.mark.parametrize(("typed", "meant"), [("draft", "DRAFT"), ("Authorised", "AUTHORISED"), ("SUBMITTED",) * 2])
def test_a_status_is_taken_in_any_case(typed: str, meant: str) -> None:
    assert to_preferences(to_row({"status": typed})).status == meant


def test_spaces_around_a_code_do_not_count() -> None:
    assert to_preferences({"stl3_salesaccount": " 400 ", "stl3_purchaseaccount": "  "}).sales_account == "400"
    assert to_preferences({"stl3_purchaseaccount": "  "}).purchase_account == ""


def test_an_option_that_nobody_knows_is_the_default() -> None:
    assert to_preferences({"stl3_defaultstatus": 1, "stl3_usexeronumber": 7}) == Preferences()


@pytest.mark.parametrize(
    "chosen",
    [
        {"invented": True},
        {"usexeronumber": True},
        {"use_xero_number": "yes"},
        {"use_xero_number": 1},
        {"use_xero_number": None},
        {"status": "PAID"},
        {"status": True},
        {"cancel_by": "Deleting"},
        {"sales_account": 400},
        {"sales_account": None},
        {"sales_account": "12345678901"},
        {"custom_fields": 7},
        {"custom_fields": ["new_ponumber"]},
        {"custom_fields": "new_ponumber"},
        {"custom_fields": {"reference": "{" + "x" * 4000 + "}"}},
        {"custom_fields": {"reference": "x" * 4000 + "{new_ponumber}"}},
    ],
    ids=str,
)
def test_what_is_not_possible_is_refused_by_name(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="settings: "):
        to_row(chosen)


def test_the_message_names_what_is_possible() -> None:
    with pytest.raises(ValueError, match=r"settings are .*cancel_by.*use_xero_number"):
        to_row({"invented": 1})
    with pytest.raises(ValueError, match="choose one of Draft, Submitted, Authorised"):
        to_row({"status": "PAID"})


def test_custom_fields_are_taken_as_an_object_and_laid_out_for_people() -> None:
    """Whoever opens the settings in Dynamics reads and corrects them there."""
    row = to_row({"custom_fields": {"reference": "Größe {new_ponumber}", "tracking": {"Region": "new_region"}}})

    assert row["stl3_customfields"] == (
        '{\n  "reference": "Größe {new_ponumber}",\n  "tracking": {\n    "Region": "new_region"\n  }\n}'
    )
    assert to_row({"custom_fields": ""}) == {"stl3_customfields": ""}


def test_custom_fields_that_are_wrong_are_refused_with_every_mistake() -> None:
    with pytest.raises(
        ValueError, match=r"^settings: custom_fields: colour: is not known\..* number: must be a text"
    ):
        to_row({"custom_fields": {"colour": "new_a", "number": 7}})


def test_what_cancelling_does_is_chosen_in_the_settings() -> None:
    """Rules B8 and B10: what is empty means no credit note by itself, and credit notes rather than voids."""
    note, void = to_row({"create_credit_notes": True}), to_row({"cancel_by": "Void"})

    assert (to_preferences(note).create_credit_notes, to_preferences(void).cancel_by) == (True, "Void")
    assert (to_preferences({}).create_credit_notes, to_preferences({}).cancel_by) == (False, "Credit note")
