"""Pages of a team: who belongs to it, who is invited, and what an owner may change of that."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_security import auth_required
from werkzeug.wrappers import Response

from portal.current import here, me, people
from portal.forms import Invite, Rename
from portal.people import INVITED_FOR, ROLES, User

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


def owners_only(view: Callable[Args, Answer]) -> Callable[Args, Answer]:
    """Refuse a view to members."""

    @wraps(view)
    def refused_to_members(*args: Args.args, **kwargs: Args.kwargs) -> Answer:
        if not me().is_owner:
            abort(403, "Only an owner of the team may do this.")
        return view(*args, **kwargs)

    return refused_to_members


team_pages = Blueprint("team", __name__)


@team_pages.get("/team")
@auth_required("session")
def show() -> str:
    return _page(Invite(formdata=None), Rename(formdata=None, name=people().team_of(me()).name))


@team_pages.post("/team/name")
@auth_required("session")
@owners_only
def rename() -> Response | str:
    form = Rename()
    if not form.validate_on_submit():
        return _page(Invite(formdata=None), form)
    people().team_of(me()).name = form.name.data
    people().commit()
    return _back("The company has its new name.")


@team_pages.post("/team/invitations")
@auth_required("session")
@owners_only
def invite() -> Response | str:
    form = Invite()
    if not form.validate_on_submit():
        return _page(form, Rename(formdata=None, name=people().team_of(me()).name))
    token = people().invite(me().team_id, form.email.data, form.role.data)
    link = url_for("security.register", invitation=token, _external=True)
    if not here().post.sends:
        people().commit()
        return _back(f"Give {form.email.data} this link, which is good for {INVITED_FOR.days} days: {link}")
    here().post.send(
        "invitation",
        form.email.data,
        f"{me().email} invites you to the Connector for Dynamics 365 and Xero",
        inviting=me().email,
        company=people().team_of(me()).name,
        link=link,
        days=INVITED_FOR.days,
    )
    return _back(f"{form.email.data} gets a mail with a link that is good for {INVITED_FOR.days} days.")


@team_pages.post("/team/invitations/<invitation_id>/withdraw")
@auth_required("session")
@owners_only
def withdraw(invitation_id: str) -> Response:
    people().withdraw(me().team_id, invitation_id)
    people().commit()
    return _back("The invitation is withdrawn.")


@team_pages.post("/team/members/<int:user_id>/role/<role>")
@auth_required("session")
@owners_only
def change_role(user_id: int, role: str) -> Response:
    member = _member(user_id)
    if role not in ROLES:
        abort(404)
    if role != member.role and people().is_last_owner(member):
        return _back("A team needs an owner: make somebody else one first.", "warning")
    member.role = role
    people().commit()
    return _back(f"{member.email} is {'an owner' if member.is_owner else 'a member'} now.")


@team_pages.post("/team/members/<int:user_id>/remove")
@auth_required("session")
@owners_only
def remove(user_id: int) -> Response:
    member = _member(user_id)
    if people().is_last_owner(member):
        return _back("A team needs an owner: make somebody else one first.", "warning")
    email = member.email
    people().remove(member)
    people().commit()
    return _back(f"{email} is removed and cannot log in any more.")


def _member(user_id: int) -> User:
    found = people().find_member(me().team_id, user_id)
    if found is None:
        abort(404)
    return found


def _page(invite: Invite, rename: Rename) -> str:
    team_id = me().team_id
    return render_template(
        "team.html",
        team=people().team_of(me()),
        members=people().list_members(team_id),
        invitations=people().list_invitations(team_id),
        invite_form=invite,
        rename_form=rename,
    )


def _back(words: str, kind: str = "success") -> Response:
    flash(words, kind)
    return redirect(url_for("team.show"))
