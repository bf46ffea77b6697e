"""The portal as it is hosted: a real web server, mails by a real poller, Redis that may be gone (rule G1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
import requests

from demo.stack import Stack, free_port, wait_until
from tests.mail_server import MailServer, running_mail_server

ANN = "ann@contoso.com"
PASSWORD = "four sturdy umbrellas walk"
pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def mailing() -> Iterator[tuple[MailServer, str]]:
    with running_mail_server() as (server, address):
        yield server, address


@pytest.fixture(scope="module")
def stack(mailing: tuple[MailServer, str]) -> Iterator[Stack]:
    _, address = mailing
    stack = Stack(settings={"MAIL_URL": f"smtp://{address}", "MAIL_FROM": "us@connector.example"})
    stack.web = f"http://127.0.0.1:{free_port()}"
    try:
        for name in ("redis", "web", "poll"):
            stack.start(name)
        wait_until(stack.is_ready, stack, "web")
        yield stack
    finally:
        stack.stop()
        stack.remove_data()


def send(session: requests.Session, stack: Stack, page: str, **fields: str) -> requests.Response:
    """Fill in the form of a page and send it."""
    form = session.get(f"{stack.web}{page}", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token, form
    return session.post(f"{stack.web}{page}", data={"csrf_token": token[1], **fields}, timeout=30)


def test_somebody_registers_and_logs_in_with_redis_or_without(stack: Stack, mailing: tuple[MailServer, str]) -> None:
    server, _ = mailing
    session = requests.Session()
    assert send(session, stack, "/register", email=ANN, company="Contoso", password=PASSWORD).status_code == 200
    wait_until(lambda: server.got, stack, "the mail")
    message = message_from_bytes(server.got[-1], policy=policy.default)
    (text, _) = message.iter_parts()
    (link,) = re.findall(r"http://\S+", text.get_content())
    assert (message["To"], link.startswith(stack.web)) == (ANN, True)

    session.get(link, timeout=30)
    assert "no connection yet" in send(session, stack, "/login", email=ANN, password=PASSWORD).text
    assert ANN in stack.run("teams", "list")

    stack.kill("redis")
    other = requests.Session()
    assert "no connection yet" in send(other, stack, "/login", email=ANN, password=PASSWORD).text
    assert requests.get(f"{stack.web}/readyz", timeout=30).status_code == 503
    for name in ("web", "poll"):
        log = stack.log_of(name).read_text()
        assert link.rpartition("/")[2] not in log
        assert PASSWORD not in log
        assert ANN not in log


def test_an_operator_makes_a_team_without_a_mail_server(stack: Stack) -> None:
    made = stack.run("teams", "create", "Fabrikam", "Eve@Fabrikam.com")
    (link,) = re.findall(r"http://\S+", made)
    session = requests.Session()
    page = session.get(link, timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    invitation = link.partition("invitation=")[2]
    form = {"csrf_token": token[1], "email": "eve@fabrikam.com", "password": PASSWORD, "invitation": invitation}
    session.post(f"{stack.web}/register", data=form, timeout=30)

    assert "no connection yet" in send(session, stack, "/login", email="eve@fabrikam.com", password=PASSWORD).text
