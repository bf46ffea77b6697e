"""Mails: kept until a mail server has taken them, sent over TLS, given up when nobody waits for them any more."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from clients.smtp import open_mailer, read_address
from core.database import open_database
from core.errors import Misconfigured, Rejected, Transient
from core.mails import Mail, Mails
from core.schema import mails
from core.vault import Vault, new_key
from pipeline.mailing import send_due_mails
from tests.mail_server import MailServer, running_mail_server

START = datetime.fromisoformat("2026-12-01T09:00:00+00:00")
MAIL = Mail("ann@contoso.com", "A subject – with more", "Text: 7 €\n", "<p>Text: 7 €</p>")


@dataclass
class FixedClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def vault() -> Vault:
    return Vault([new_key()])


def put(engine: Engine, kept: Mails, mail: Mail = MAIL, at: datetime = START) -> str:
    with engine.begin() as database:
        return kept.put(mail, now=at, database=database)


def test_a_mail_is_sent_once(engine: Engine, vault: Vault) -> None:
    kept, sent = Mails(engine, vault), list[Mail]()
    put(engine, kept)

    assert send_due_mails(kept, sent.append, lambda: START) == 1
    assert send_due_mails(kept, sent.append, lambda: START + timedelta(days=1)) == 0
    assert sent == [MAIL]


def test_a_mail_of_what_was_not_committed_is_never_sent(engine: Engine, vault: Vault) -> None:
    kept = Mails(engine, vault)
    with engine.begin() as database:
        kept.put(MAIL, now=START, database=database)
        database.rollback()

    assert kept.take(now=START) is None


def test_what_waits_says_nothing_to_who_reads_the_database(engine: Engine, vault: Vault) -> None:
    put(engine, Mails(engine, vault))

    with engine.connect() as database:
        row = str(database.execute(select(mails)).mappings().one())

    assert "contoso" not in row
    assert "subject" not in row
    assert "contoso" not in repr(MAIL)


def test_whoever_dies_while_sending_leaves_it_to_others_a_minute_later(engine: Engine, vault: Vault) -> None:
    kept = Mails(engine, vault)
    put(engine, kept)
    assert kept.take(now=START) is not None  # and dies

    assert kept.take(now=START + timedelta(seconds=59)) is None
    again = kept.take(now=START + timedelta(seconds=60))
    assert again is not None
    assert (again.mail, again.tries) == (MAIL, 2)


def test_what_is_not_taken_is_tried_at_longer_and_longer_times_for_two_days(engine: Engine, vault: Vault) -> None:
    kept, tries, clock = Mails(engine, vault), list[datetime](), FixedClock()
    put(engine, kept)

    def refuse(_mail: Mail) -> None:
        tries.append(clock.now())
        raise Transient("the mail server is away")

    while clock.at < START + timedelta(days=3):
        send_due_mails(kept, refuse, clock.now)
        clock.at += timedelta(minutes=1)

    waits = [(b - a) // timedelta(minutes=1) for a, b in pairwise(tries)]
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[6:]) == {60}
    assert timedelta(hours=47) < tries[-1] - START <= timedelta(hours=48)
    assert kept.take(now=clock.at) is None


def test_one_that_is_refused_for_ever_holds_up_no_other(engine: Engine, vault: Vault) -> None:
    kept, sent = Mails(engine, vault), list[str]()
    put(engine, kept, Mail("nobody@nowhere.example", "1", "", ""))
    put(engine, kept, Mail("ann@contoso.com", "2", "", ""), START + timedelta(seconds=1))

    def send(mail: Mail) -> None:
        if mail.subject == "1":
            raise Rejected("no such person", status=550)
        sent.append(mail.subject)

    assert send_due_mails(kept, send, lambda: START + timedelta(minutes=1)) == 1
    assert sent == ["2"]
    assert kept.take(now=START + timedelta(days=1)) is None


def test_one_that_no_key_opens_holds_up_no_other(engine: Engine, vault: Vault) -> None:
    put(engine, Mails(engine, Vault([new_key()])))
    kept, sent = Mails(engine, vault), list[Mail]()
    put(engine, kept, at=START + timedelta(seconds=1))

    assert send_due_mails(kept, sent.append, lambda: START + timedelta(seconds=2)) == 1
    assert sent == [MAIL]


def test_two_senders_never_take_the_same(engine: Engine, vault: Vault) -> None:
    kept = Mails(engine, vault)
    ids = {put(engine, kept) for _ in range(20)}
    taken: list[str] = []

    def take_all() -> None:
        while (waiting := kept.take(now=START)) is not None:
            taken.append(waiting.id)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(ids)


def test_on_the_console_a_mail_is_there_to_be_read() -> None:
    out = io.StringIO()

    open_mailer("console:", "us@connector.example", FixedClock(), ca_bundle=None, out=out)(MAIL)

    assert "Mail to ann@contoso.com: A subject – with more\nText: 7 €" in out.getvalue()


@pytest.fixture
def server() -> Iterator[tuple[MailServer, str]]:
    with running_mail_server() as (kept, address):
        yield kept, address


def test_a_mail_arrives_as_it_was_written(server: tuple[MailServer, str]) -> None:
    kept, address = server

    open_mailer(f"smtp://user:p%40ss@{address}", "Us <us@connector.example>", FixedClock(), ca_bundle=None)(MAIL)

    message = message_from_bytes(kept.got[0], policy=policy.default)
    assert (message["From"], message["To"], message["Subject"]) == (
        "Us <us@connector.example>",
        MAIL.recipient,
        MAIL.subject,
    )
    assert message["Date"] == "Tue, 01 Dec 2026 09:00:00 +0000"
    assert message["Message-ID"].endswith("@connector.example>")
    text, html = message.iter_parts()
    assert [part.get_content().splitlines() for part in (text, html)] == [["Text: 7 €"], ["<p>Text: 7 €</p>"]]
    assert any(line.startswith("AUTH PLAIN") for line in kept.said)


@pytest.mark.parametrize(
    ("verb", "answer", "error"),
    [
        ("", "421 later", Transient),
        ("AUTH", "535 who are you", Transient),
        ("MAIL", "550 not you", Rejected),
        ("RCPT", "550 nobody of that name", Rejected),
        ("RCPT", "450 mailbox busy", Transient),
        (".", "554 spam", Rejected),
        (".", "452 full", Transient),
    ],
)
def test_what_the_server_says_decides_whether_it_is_tried_again(
    server: tuple[MailServer, str], verb: str, answer: str, error: type[Exception]
) -> None:
    kept, address = server
    kept.answers[verb] = answer

    with pytest.raises(error) as told:
        open_mailer(f"smtp://user:s3cret@{address}", "us@connector.example", FixedClock(), ca_bundle=None)(MAIL)

    assert "s3cret" not in str(told.value)
    assert "contoso" not in str(told.value)


def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(Transient, match="ConnectionRefusedError"):
        open_mailer(f"smtp://127.0.0.1:{port}", "us@connector.example", FixedClock(), ca_bundle=None)(MAIL)


def test_no_password_is_sent_where_there_is_no_tls(
    server: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule H6. A server elsewhere that offers no STARTTLS gets nothing, whoever took the offer out."""
    kept, address = server
    monkeypatch.setattr("clients.smtp.LOOPBACK_HOSTS", frozenset())

    with pytest.raises(Transient):
        open_mailer(f"smtp://user:s3cret@{address}", "us@connector.example", FixedClock(), ca_bundle=None)(MAIL)

    assert not any(line.startswith(("AUTH", "MAIL")) for line in kept.said)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("smtp://mail.example", "mail.example", 587),
        ("smtps://u:p@mail.example", "mail.example", 465),
        ("smtp://mail.example:25", "mail.example", 25),
    ],
)
def test_addresses_of_mail_servers(url: str, host: str, port: int) -> None:
    address = read_address(url)

    assert (address.host, address.port) == (host, port)


def test_nothing_of_a_secret_is_shown() -> None:
    assert "s3cret" not in repr(read_address("smtp://u:s3cret@mail.example"))


def test_without_keys_nothing_is_sent(engine: Engine) -> None:
    with pytest.raises(Misconfigured, match="TOKEN_KEYS"):
        Mails(engine, Vault([]))
