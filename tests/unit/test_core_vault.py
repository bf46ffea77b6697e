"""The vault: a secret opens in its own row, with a key we hold, unchanged, or not at all."""

from __future__ import annotations

import base64
import string
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Misconfigured
from core.vault import Vault, new_key

OLD, NEW = new_key(lambda size: b"o" * size), new_key(lambda size: b"n" * size)


@given(secret=st.text(), owner=st.text())
def test_what_is_sealed_opens_for_its_owner(secret: str, owner: str) -> None:
    vault = Vault([OLD])

    try:
        (secret + owner).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is no text that a vendor can send
    sealed = vault.seal(secret, owner=owner)

    assert vault.open(sealed, owner=owner) == secret
    assert sealed.isascii()


def test_another_owner_does_not_open_it() -> None:
    vault = Vault([OLD])
    sealed = vault.seal("secret", owner="consent-1")

    with pytest.raises(Misconfigured, match="does not belong to its row"):
        vault.open(sealed, owner="consent-2")


def test_the_secret_cannot_be_seen_and_two_seals_differ() -> None:
    vault = Vault([OLD])
    one, other = vault.seal("secret", owner="a"), vault.seal("secret", owner="a")

    assert one != other
    assert b"secret" not in base64.urlsafe_b64decode(one.partition(".")[2])


def test_entropy_comes_in_as_a_parameter() -> None:
    numbers = count()
    vault = Vault([OLD], entropy=lambda size: next(numbers).to_bytes(size, "big"))
    again = Vault([OLD], entropy=bytes)

    assert vault.seal("secret", owner="a") == again.seal("secret", owner="a")
    assert vault.seal("secret", owner="a") != again.seal("secret", owner="a")


def test_keys_rotate() -> None:
    """The newest stands first and seals; older ones open until they are taken away."""
    sealed_before = Vault([OLD]).seal("secret", owner="a")
    rotated = Vault([NEW, OLD])
    sealed_after = rotated.seal("secret", owner="a")

    assert rotated.open(sealed_before, owner="a") == "secret"
    assert Vault([NEW]).open(sealed_after, owner="a") == "secret"
    assert rotated.count == 2
    with pytest.raises(Misconfigured, match="not in TOKEN_KEYS"):
        Vault([NEW]).open(sealed_before, owner="a")


@given(place=st.integers(0, 200), to=st.sampled_from(string.ascii_letters + string.digits + "-_=.!é"))
def test_a_changed_character_never_opens_as_another_secret(place: int, to: str) -> None:
    vault = Vault([OLD])
    sealed = vault.seal("secret", owner="a")
    place %= len(sealed)
    changed = sealed[:place] + to + sealed[place + 1 :]

    try:
        opened = vault.open(changed, owner="a")
    except Misconfigured:
        return
    assert opened == "secret"


@pytest.mark.parametrize("cut", [0, 1, 8, 9, 10, 20, 30])
def test_a_sealed_secret_cut_short_is_told_as_such(cut: int) -> None:
    vault = Vault([OLD])

    with pytest.raises(Misconfigured):
        vault.open(vault.seal("secret", owner="a")[:cut], owner="a")


@pytest.mark.parametrize("key", ["", "short", "!" * 44, base64.urlsafe_b64encode(bytes(31)).decode(), "é" * 32])
def test_a_key_of_a_wrong_size_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(Misconfigured, match="32 bytes") as refused:
        Vault([NEW, key])

    assert not key or key not in str(refused.value)


def test_no_keys_say_how_to_make_one() -> None:
    with pytest.raises(Misconfigured, match="TOKEN_KEYS is empty"):
        Vault([])


def test_a_new_key_fits() -> None:
    assert new_key() != new_key()
    assert Vault([new_key()]).count == 1
