"""Repeats refreshes of which nobody knows what became of them, before Xero forgets the token that they used.

A lost answer, or a death before what it gave was stored, leaves the old refresh token in the database. Xero takes
that one for half an hour more; later only a person can connect anew. Who works with the connection repeats the
refresh as well, but may have no work, or rest because of other troubles.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from clients.http import open_session
from clients.tokens import Tokens, XeroTokens
from core.clock import SystemClock
from core.consents import REFRESH_LOCK, Consents
from core.errors import ConnectorError
from core.settings import Settings
from core.vault import Vault
from pipeline.background import repeat

LOOK_S = 20.0
REPEATED_FOR = timedelta(minutes=35)  # a little longer than Xero takes the old token

log = structlog.get_logger()


def renew_unheard(consents: Consents, tokens_of: Callable[[str], Tokens], now: datetime) -> None:
    """Repeat the refreshes that nobody can be at any more; what fails is tried at the next look."""
    for consent_id in consents.list_unheard(began_after=now - REPEATED_FOR, began_before=now - REFRESH_LOCK):
        try:
            tokens_of(consent_id).get()
        except ConnectorError as error:
            log.warning("consent.unheard", consent=consent_id, error=type(error).__name__, reason=str(error))
        else:
            log.info("consent.renewed", consent=consent_id)


def start_renewing(settings: Settings, engine: Engine, stopping: threading.Event) -> None:
    """Do so in a thread of its own until `stopping`. Raises Misconfigured without keys."""
    consents = Consents(engine, Vault(settings.token_keys))
    session, clock = open_session(settings.ca_bundle), SystemClock()

    def tokens_of(consent_id: str) -> Tokens:
        return XeroTokens(consents, consent_id, identity_url=settings.xero_identity_url, session=session, clock=clock)

    repeat(
        lambda: renew_unheard(consents, tokens_of, clock.now()), every_s=LOOK_S, stopping=stopping, name="renewals"
    )
