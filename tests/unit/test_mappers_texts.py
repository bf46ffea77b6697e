"""How long a text is for both systems, and what is left of one that is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.texts import clip, cut, first_line, width

TEXTS = st.text(alphabet=st.sampled_from("ab é😀\n"), max_size=60)


@given(text=TEXTS)
def test_the_width_is_that_of_utf_16(text: str) -> None:
    assert width(text) == len(text.encode("utf-16-le")) // 2


@given(text=TEXTS, length=st.integers(1, 40))
def test_a_clipped_text_is_the_longest_beginning_that_fits(text: str, length: int) -> None:
    kept = clip(text, length)

    assert text.startswith(kept)
    assert width(kept) <= length
    assert kept == text or width(text[: len(kept) + 1]) > length


@given(text=TEXTS, length=st.integers(2, 40))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, length: int) -> None:
    """Rule C33."""
    kept = cut(text, length)

    assert width(kept) <= length
    assert kept == text or (kept.endswith("…") and text.startswith(kept[:-1]))


@pytest.mark.parametrize(
    ("text", "length", "kept"),
    [
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀", 5, "…"),
        ("a 😀😀😀", 5, "a…"),
    ],
)
def test_texts_one_by_one(text: str, length: int, kept: str) -> None:
    assert cut(text, length) == kept


def test_the_first_line_has_no_blanks_around_it() -> None:
    assert (first_line("\n  PO 99 \nmore"), first_line(" \n ")) == ("PO 99", "")
