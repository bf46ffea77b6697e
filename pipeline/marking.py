"""Marks records due and wakes a worker for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pipeline.app import App
from pipeline.lanes import Entity


def mark(app: App, connection_id: str, entities: Iterable[Entity], *, after: timedelta = timedelta(0)) -> None:
    """Mark them due, now or after a while, and wake a worker. Raises Transient when Redis does not answer."""
    if app.lanes.mark(connection_id, sorted(entities), due_at=app.lanes.now() + after):
        app.wake(connection_id)
