"""Sessions: in a signed cookie, that ends when nobody uses it, after half a day, and when somebody logs out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from flask import Flask, redirect, request, session, url_for
from flask_login import current_user, user_logged_in, user_logged_out
from flask_security import logout_user
from werkzeug.wrappers import Response

from portal.people import People, User

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
CODES_ASKED_FOR = ("security.two_factor_token_validation", "security.mf_recovery", "security.two_factor_select")
ID, BEGAN = "sid", "began"


def watch_sessions(app: Flask, people: People) -> None:
    """Give each session an id and a beginning, and end those that are too old or were ended before.

    The library's own sessions live as long as their cookie does, wherever a copy of it is kept.
    """

    def begin(_app: Flask, user: User) -> None:  # noqa: ARG001 - what the signal gives
        session.permanent = True
        session[ID] = secrets.token_urlsafe(18)
        session[BEGAN] = int(people.now().timestamp())

    def end(_app: Flask, user: User) -> None:  # noqa: ARG001
        if session_id := session.pop(ID, None):
            people.end_session(session_id, people.now() + LONGEST)
            people.commit()
        session.pop(BEGAN, None)

    user_logged_in.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)

    @app.before_request
    def end_what_has_to_end() -> None:
        if not current_user.is_authenticated:
            return
        began, session_id = session.get(BEGAN), session.get(ID)
        is_young = began is not None and people.now() - datetime.fromtimestamp(began, UTC) < LONGEST
        if not is_young or not session_id or people.has_ended(session_id):
            logout_user()

    @app.before_request
    def keep_in() -> Response | None:
        """Whoever is logged in needs no code: the library would log them out, by a mere link from anywhere."""
        is_asked = request.endpoint in CODES_ASKED_FOR and current_user.is_authenticated
        return redirect(url_for("account.show")) if is_asked else None
