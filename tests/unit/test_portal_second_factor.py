"""The second factor: set up, asked for, each code once, recovery codes, secrets sealed by keys that rotate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from passlib.totp import TOTP
from sqlalchemy import select

from core.schema import users
from core.vault import Vault, new_key
from portal.second_factor import second_factor
from tests.unit.portal_world import Browser, PortalWorld, open_portal_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


@pytest.fixture
def ann(world: PortalWorld) -> Browser:
    return world.registered()


def set_up(ann: Browser) -> TOTP:
    page = ann.submit("/tf-setup", setup="authenticator").text
    key = re.search(r"<code[^>]*>([^<]+)</code>", page)
    action = re.search(r'action="(/tf-setup/[^"]+)"', page)
    token = re.search(r'id="code-csrf"[^>]*value="([^"]+)"', page)
    assert key
    assert action
    assert token
    app = TOTP(key=key[1])
    done = ann.post(action[1], {"csrf_token": token[1], "code": app.generate().token})
    assert done.location == "/account"
    return app


def recovery_codes(ann: Browser) -> list[str]:
    page = ann.submit("/mf-recovery-codes", generate_new_codes="1").text
    return re.findall(r"<li>([0-9a-f-]{14})</li>", page)


def test_logging_in_asks_for_a_code_and_takes_each_once(world: PortalWorld, ann: Browser) -> None:
    app = set_up(ann)
    assert "An authenticator app" in ann.get("/account").text
    world.pass_time(minutes=1)
    visitor = world.browser()

    page = visitor.log_in()
    assert page.status_code == 302
    assert "/tf-validate" in page.location
    assert not visitor.is_logged_in
    visitor.submit(page.location, code="000000")
    assert not visitor.is_logged_in
    code = app.generate().token
    visitor.submit(page.location, code=code)
    assert visitor.is_logged_in

    overlooker = world.browser()
    again = overlooker.log_in()
    overlooker.submit(again.location, code=code)
    assert not overlooker.is_logged_in


def test_the_code_that_set_it_up_is_used_up(world: PortalWorld, ann: Browser) -> None:
    app = set_up(ann)
    visitor = world.browser()

    page = visitor.log_in()
    visitor.submit(page.location, code=app.generate().token)

    assert not visitor.is_logged_in


def test_a_recovery_code_lets_in_once(world: PortalWorld, ann: Browser) -> None:
    set_up(ann)
    code, *others = recovery_codes(ann)
    assert len(others) == 4

    for is_first in (True, False):
        visitor = world.browser()
        visitor.log_in()
        visitor.submit("/mf-recovery", code=code)
        assert visitor.is_logged_in is is_first
    assert "4 left" in ann.get("/account").text


def test_setting_it_up_asks_for_the_password_when_that_was_long_ago(world: PortalWorld, ann: Browser) -> None:
    world.pass_time(minutes=40)

    assert ann.get("/tf-setup").location.startswith("/verify")


def test_neither_secret_nor_recovery_codes_stand_in_the_database(world: PortalWorld, ann: Browser) -> None:
    app = set_up(ann)
    codes = recovery_codes(ann)

    with world.engine.connect() as database:
        row = database.execute(select(users)).mappings().one()

    assert row["tf_totp_secret"]
    assert len(row["mf_recovery_codes"]) == 5
    for secret in (app.base32_key, app.hex_key, *codes):
        assert secret not in str(dict(row))


def test_keys_can_be_rotated() -> None:
    old, new = new_key(), new_key()
    factor = second_factor(Vault([old]))({}, "")
    sealed = factor.generate_totp_secret()

    rotated = second_factor(Vault([new, old]))({}, "")

    assert rotated.get_totp_b32_key(sealed) == factor.get_totp_b32_key(sealed)
    assert rotated.generate_totp_password(sealed) == factor.generate_totp_password(sealed)
