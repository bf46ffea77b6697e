"""Sends mails by SMTP: one attempt, TLS with checked certificates everywhere but on this machine (rule H6)."""

from __future__ import annotations

import smtplib
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TextIO
from urllib.parse import unquote, urlsplit

from core.clock import Clock
from core.errors import Rejected, Transient
from core.mails import Mail
from core.settings import CONSOLE_MAIL, LOOPBACK_HOSTS

TIMEOUT_S = 20.0
PORTS = {"smtp": 587, "smtps": 465}

Send = Callable[[Mail], None]


@dataclass(frozen=True, slots=True)
class Address:
    """What MAIL_URL says: smtp://user:password@host:587 (STARTTLS), or smtps://… (TLS from the first byte)."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)


def read_address(mail_url: str) -> Address:
    """Return its parts, which `core.settings` has looked at."""
    parts = urlsplit(mail_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], user, password)


def open_mailer(
    mail_url: str, sender: str, clock: Clock, *, ca_bundle: str | None, out: TextIO | None = None
) -> Send:
    """Return what sends a mail; with `console:` it is written to `out` (standard error), as a person would read it.

    Sending raises Transient (not sent, or nobody knows) or Rejected (this server will never take this mail).
    """
    if mail_url.partition(":")[0] == CONSOLE_MAIL:
        return lambda mail: print(_shown(mail), file=out or sys.stderr, flush=True)
    address = read_address(mail_url)
    return lambda mail: _send(address, _message(mail, sender, clock), ca_bundle)


def _shown(mail: Mail) -> str:
    return f"\n----- Mail to {mail.recipient}: {mail.subject}\n{mail.text.strip()}\n-----\n"


def _message(mail: Mail, sender: str, clock: Clock) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _send(address: Address, message: EmailMessage, ca_bundle: str | None) -> None:
    context = ssl.create_default_context(cafile=ca_bundle)
    try:
        with _connected(address, context) as server:
            if address.user:
                server.login(address.user, address.password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        raise _refused(max(codes, default=550)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Transient(f"the mail server refuses user or password of MAIL_URL ({error.smtp_code})") from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Transient(f"the mail server of MAIL_URL: {type(error).__name__}") from error


def _connected(address: Address, context: ssl.SSLContext) -> smtplib.SMTP:
    if address.scheme == "smtps":
        return smtplib.SMTP_SSL(address.host, address.port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(address.host, address.port, timeout=TIMEOUT_S)
    if address.host not in LOOPBACK_HOSTS:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _refused(code: int) -> Rejected | Transient:
    """What an SMTP server answers with 5xx it answers for ever; 4xx is for now (RFC 5321, 4.2.1)."""
    if 500 <= code < 600:
        return Rejected(f"the mail server refused the mail ({code})", status=code)
    return Transient(f"the mail server did not take the mail ({code})")
