"""The page of one's own account, and the end of all of one's sessions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_security import auth_required, login_user, logout_user
from werkzeug.wrappers import Response

from portal.current import me, people

account_pages = Blueprint("account", __name__)


@account_pages.get("/account")
@auth_required("session")
def show() -> str:
    return render_template("account.html", me=me(), codes_left=len(me().mf_recovery_codes or ()))


@account_pages.post("/account/sessions/end")
@auth_required("session")
def end_sessions() -> Response:
    """End all sessions of this account but the one that asks."""
    person = me()
    logout_user()
    people().set_uniquifier(person)
    people().commit()
    login_user(person)
    people().commit()
    flash("Every other browser is logged out.", "success")
    return redirect(url_for("account.show"))
