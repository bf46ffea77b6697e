"""Pages for what went wrong: in words, with a reference by which the log tells more."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, render_template
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

log = structlog.get_logger()

WORDS = {
    400: ("This was not understood", "Go back, and send it again."),
    403: ("Not allowed", "Ask an owner of your team."),
    404: ("There is no such page", "It may be gone, or belong to another team."),
    405: ("This cannot be opened like that", "Go back, and use the buttons there."),
    413: ("This is too much", "What was sent is larger than any form here."),
    429: ("Too many tries", "Wait a quarter of an hour, then try again."),
}
EXPIRED = (
    "This page had been open for too long, or cookies are switched off. Go back, load it again and send it once more."
)


def show_errors(app: Flask) -> None:
    """Answer every error with a page of the portal; nothing of the error itself is on it."""

    @app.errorhandler(CSRFError)
    def expired(_error: CSRFError) -> tuple[str, int]:
        return render_template("error.html", title="This page had expired", words=EXPIRED), 400

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int, dict[str, str]]:
        code = error.code or 500
        title, words = WORDS.get(code, ("This did not work", "Go back, and try again."))
        if code == 403 and error.description != type(error).description:
            words = error.description or words
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return render_template("error.html", title=title, words=words), code, {"Allow": allowed} if allowed else {}

    @app.errorhandler(SQLAlchemyError)
    def without_database(error: SQLAlchemyError) -> tuple[str, int]:
        log.warning("portal.no_database", error=type(error).__name__)
        return render_template(
            "error.html", title="Not now", words="The database does not answer. Try again soon."
        ), 503

    @app.errorhandler(InternalServerError)
    def failed(error: InternalServerError) -> tuple[str, int]:
        reference = secrets.token_hex(4)
        log.error("portal.failed", reference=reference, exc_info=error.original_exception)
        words = "This is our fault. Nothing is lost: what was to be synchronised will be."
        return render_template("error.html", title="Something broke", words=words, reference=reference), 500
