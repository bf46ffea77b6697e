"""The first page after logging in, and the page of help."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_security import auth_required

from portal.current import here, me

home_pages = Blueprint("home", __name__)


@home_pages.get("/")
@auth_required("session")
def show() -> str:
    return render_template("home.html", connections=list(here().connections.list_of_team(me().team_id)))


@home_pages.get("/help")
def help_page() -> str:
    return render_template("help.html", support_email=here().support_email)
