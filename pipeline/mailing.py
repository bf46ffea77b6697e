"""Sends the mails that are due, one after the other; what the mail server does not take is tried again later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine

from clients.smtp import Send, open_mailer
from core.clock import SystemClock
from core.errors import Misconfigured, Rejected, Transient
from core.mails import Mails
from core.settings import Settings
from core.vault import Vault
from pipeline.background import repeat

LOOK_S = 2.0  # people wait for these mails

log = structlog.get_logger()


def start_mailing(settings: Settings, engine: Engine, stopping: threading.Event) -> None:
    """Send mails in a thread of its own until `stopping`, if there is a mail server: it may hang, a poll must not.

    Raises Misconfigured without keys.
    """
    if not settings.mail_url:
        return
    clock = SystemClock()
    mails = Mails(engine, Vault(settings.token_keys))
    send = open_mailer(settings.mail_url, settings.mail_from, clock, ca_bundle=settings.ca_bundle)

    repeat(lambda: send_due_mails(mails, send, clock.now), every_s=LOOK_S, stopping=stopping, name="mails")


def send_due_mails(mails: Mails, send: Send, now: Callable[[], datetime]) -> int:
    """Send what is due; return how many were sent. Stops at the first that the server does not take now.

    Raises nothing: who waits for a mail asks for it again, and the log says why it has not come, without names.
    """
    sent = 0
    while True:
        try:
            waiting = mails.take(now=now())
        except Misconfigured as error:
            log.warning("mail.unreadable", reason=str(error))
            continue
        if waiting is None:
            return sent
        try:
            send(waiting.mail)
        except Rejected as error:
            log.warning("mail.refused", mail=waiting.id, reason=str(error))
        except Transient as error:
            log.warning("mail.delayed", mail=waiting.id, tries=waiting.tries, reason=str(error), last=waiting.is_last)
            if waiting.is_last:
                mails.remove(waiting.id)
            return sent
        else:
            sent += 1
            log.info("mail.sent", mail=waiting.id, tries=waiting.tries)
        mails.remove(waiting.id)
