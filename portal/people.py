"""Users and their teams, as the library that logs them in wants to find them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

from flask_security import RoleMixin, SQLAlchemySessionUserDatastore, UserMixin
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, registry, scoped_session

from core import ids
from core.schema import ended_sessions, invitations, teams, users

OWNER, MEMBER = "owner", "member"
ROLES = (OWNER, MEMBER)
INVITED_FOR = timedelta(days=7)


class Team:
    """The people of one company, who share its connections."""

    id: str
    name: str
    created_at: datetime


class Invitation:
    """Somebody may join a team; `id` is the digest of what the link in the mail says."""

    id: str
    team_id: str
    email: str
    role: str
    until: datetime


class User(UserMixin):
    """A person who may log in. `company` and `invitation` are what is typed or brought at registration only."""

    id: int
    team_id: str
    role: str
    email: str
    confirmed_at: datetime | None
    created_at: datetime
    tf_primary_method: str | None
    tf_totp_secret: str | None
    tf_last_counter: int | None

    company: ClassVar[str] = ""
    invitation: ClassVar[str] = ""
    roles: list[Any] = []  # noqa: RUF012 - ours is the word above

    @property
    def is_owner(self) -> bool:
        return self.role == OWNER


class Role(RoleMixin):
    """The library wants one; ours is a word on the user."""


_models = registry()
_models.map_imperatively(Team, teams)
_models.map_imperatively(Invitation, invitations)
_models.map_imperatively(User, users)


class People(SQLAlchemySessionUserDatastore):
    """Users, teams and invitations, in SQL. `now` and `new_token` are where times and secrets come from."""

    def __init__(
        self,
        session: scoped_session[Session],
        now: Callable[[], datetime],
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        super().__init__(session, User, Role)
        self.session = session
        self.now = now
        self.new_token = new_token

    def create_user(self, **kwargs: Any) -> User:
        """Make a user, in a new team of which they are the owner, or in the one that has invited them."""
        company, token = kwargs.pop("company", ""), kwargs.pop("invitation", "")
        invitation = self.find_invitation(token) if token else None
        if invitation is not None:
            team_id, role = invitation.team_id, invitation.role
            kwargs["confirmed_at"] = self.now()  # the link came to this very address
            self.session.delete(invitation)
        else:
            team_id, role = self.create_team(company).id, OWNER
        made = super().create_user(**kwargs, team_id=team_id, role=role, created_at=self.now())
        return cast("User", made)

    def create_team(self, name: str) -> Team:
        team = Team()
        team.id, team.name, team.created_at = ids.derived_id("team", self.new_token()), name, self.now()
        self.session.add(team)
        self.session.flush()
        return team

    def commit(self) -> None:
        self.session.commit()

    def list_teams(self) -> list[Team]:
        return list(self.session.scalars(select(Team).order_by(teams.c.name, teams.c.id)))

    def team_of(self, user: User) -> Team:
        team = self.session.get(Team, user.team_id)
        assert team is not None
        return team

    def list_members(self, team_id: str) -> list[User]:
        found = self.session.scalars(select(User).where(users.c.team_id == team_id).order_by(users.c.email))
        return list(found)

    def find_member(self, team_id: str, user_id: int) -> User | None:
        return self.session.scalar(select(User).where(users.c.team_id == team_id, users.c.id == user_id))

    def is_last_owner(self, user: User) -> bool:
        owners = [one for one in self.list_members(user.team_id) if one.is_owner]
        return [one.id for one in owners] == [user.id]

    def invite(self, team_id: str, email: str, role: str) -> str:
        """Keep an invitation for seven days, in place of an earlier one; return what its link says."""
        token = self.new_token()
        self.session.execute(delete(Invitation).where(invitations.c.team_id == team_id, invitations.c.email == email))
        invitation = Invitation()
        invitation.id, invitation.team_id, invitation.email = ids.digest(token), team_id, email
        invitation.role, invitation.until = role, self.now() + INVITED_FOR
        self.session.add(invitation)
        return token

    def find_invitation(self, token: str) -> Invitation | None:
        """Return the invitation of this link, unless it has ended."""
        found = self.session.get(Invitation, ids.digest(token))
        return found if found is not None and found.until > self.now() else None

    def list_invitations(self, team_id: str) -> list[Invitation]:
        query = select(Invitation).where(invitations.c.team_id == team_id, invitations.c.until > self.now())
        return list(self.session.scalars(query.order_by(invitations.c.email)))

    def withdraw(self, team_id: str, invitation_id: str) -> None:
        self.session.execute(
            delete(Invitation).where(invitations.c.team_id == team_id, invitations.c.id == invitation_id)
        )

    def remove(self, user: User) -> None:
        self.session.delete(user)

    def end_session(self, session_id: str, until: datetime) -> None:
        """Remember until then that this session was ended, for whoever may have kept its cookie."""
        self.session.execute(delete(ended_sessions).where(ended_sessions.c.until < self.now()))
        key = ids.digest(session_id)
        if self.session.scalar(select(ended_sessions.c.id).where(ended_sessions.c.id == key)) is None:
            self.session.execute(ended_sessions.insert().values(id=key, until=until))

    def has_ended(self, session_id: str) -> bool:
        found = select(ended_sessions.c.id).where(ended_sessions.c.id == ids.digest(session_id))
        return self.session.scalar(found) is not None
