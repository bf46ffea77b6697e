"""Mails of the portal: rendered here, kept in SQL, sent by the poller's process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask, Response, after_this_request, render_template
from flask_security import MailUtil
from sqlalchemy.orm import Session, scoped_session

from core.mails import Mail, Mails


class Post:
    """Where the portal puts its mails: beside what else a request writes, so that all of it is committed or none.

    Where there is no mail server (`sends`), nothing is put.
    """

    def __init__(
        self, mails: Mails, session: scoped_session[Session], now: Callable[[], datetime], *, sends: bool
    ) -> None:
        self._mails = mails
        self.sends = sends
        self._session = session
        self._now = now

    def put(self, recipient: str, subject: str, text: str, html: str) -> None:
        if not self.sends:
            return
        mail = Mail(recipient, subject, text, html)
        self._mails.put(mail, now=self._now(), database=self._session.connection())
        after_this_request(self._commit)

    def _commit(self, response: Response) -> Response:
        if response.status_code < 500:
            self._session.commit()
        return response

    def send(self, template: str, recipient: str, subject: str, **context: Any) -> None:
        """Render `mail/<template>.txt` and `.html`, and put the mail."""
        text, html = (
            render_template(f"mail/{template}.{kind}", subject=subject, **context) for kind in ("txt", "html")
        )
        self.put(recipient, subject, text, html)


def mail_util(post: Post) -> type[MailUtil]:
    """Return the class that the library makes one of, for the mails that it renders itself."""

    class Posting(MailUtil):
        def __init__(self, app: Flask) -> None:
            super().__init__(app)

        def send_mail(
            self,
            template: str,  # noqa: ARG002
            subject: str,
            recipient: str | tuple[str, str],
            sender: str | tuple[str, str],  # noqa: ARG002
            body: str | None,
            html: str | None,
            **kwargs: Any,  # noqa: ARG002
        ) -> None:
            assert isinstance(recipient, str)
            post.put(recipient, str(subject), body or "", html or "")

        def normalize(self, email: str) -> str:
            return str(super().normalize(email)).casefold()

        def validate(self, email: str) -> str:
            return str(super().validate(email)).casefold()

    return Posting
