"""Each race and fault of the catalogue has a test that bears its number, and the document says which."""

from __future__ import annotations

from tests import catalogue


def test_every_race_and_fault_has_a_test_that_bears_its_number() -> None:
    """And no test bears a number that is none."""
    assert catalogue.problems() == []


def test_all_numbers_are_there_or_are_said_not_to_apply() -> None:
    """R1 to R21; F01 to F76 as far as they were given out."""
    numbers = {*catalogue.RACES, *catalogue.FAULTS, *catalogue.NOT_HERE}

    assert {f"R{number}" for number in range(1, 22)} <= numbers
    groups = (range(1, 18), range(20, 36), range(40, 56), range(60, 69), range(70, 77))
    assert {f"F{number:02}" for group in groups for number in group} == {each for each in numbers if each[0] == "F"}


def test_the_document_is_as_the_code_makes_it() -> None:
    """`make docs` renews it."""
    text = catalogue.DOCUMENT.read_text()

    assert catalogue.renewed(text) == text
