"""What the application that answers just now has, and who asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app
from flask_login import current_user

from clients.xero_consent import XeroLogin
from core.connections import Connections
from core.consents import Consents
from pipeline.lanes import Lanes
from portal.mailing import Post
from portal.people import People, User

NAME = "portal"


@dataclass(frozen=True, slots=True)
class Here:
    """What pages work with."""

    people: People
    post: Post
    connections: Connections
    consents: Consents
    lanes: Lanes
    xero: XeroLogin | None
    support_email: str


def here() -> Here:
    return cast("Here", current_app.extensions[NAME])


def people() -> People:
    return here().people


def me() -> User:
    """Return who is logged in."""
    return cast("User", current_user._get_current_object())  # noqa: SLF001 - the library's own way to it
