"""Opens the people of this installation for who is no web application."""

from __future__ import annotations

from sqlalchemy.orm import scoped_session, sessionmaker

from core.clock import SystemClock
from core.database import open_database
from core.settings import Settings
from portal.people import People


def open_people(settings: Settings) -> People:
    """Return them; whoever asks removes the session. Raises Misconfigured without a database."""
    return People(scoped_session(sessionmaker(open_database(settings.database_url))), SystemClock().now)
