"""Watches synchronisations of reference data until they end, or until it is known why they do not."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from core.connections import NEEDS_ATTENTION, PAUSED, Connection
from pipeline.app import App
from pipeline.memory import Memory
from pipeline.progress import Progress, find_progress
from pipeline.reference import REFERENCE

LOOK_S = 0.2
STALLED_S = 10.0
STAYS_DUE = "The synchronisation stays due."
WITH_FAILURES = "Not everything could be done; see above."


@dataclass(frozen=True, slots=True)
class Watched:
    """A connection and the progress of its synchronisation; `said` is why it is not done, or not all of it."""

    connection: Connection
    progress: Progress | None = None
    said: str = ""


@dataclass(slots=True)
class Watch:
    """One that is not over yet, since it was marked; `idle_s` is for how long nothing about it has changed.

    `was_left`: it stood in the lane at the last look. One look may miss what is on its way from work to due.
    """

    connection: Connection
    marked_at: datetime
    progress: Progress | None = None
    idle_s: float = 0.0
    was_left: bool = True
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def look(self, app: App) -> Watched | None:
        """Return the end of it, if it is over or will not go on now."""
        is_left = _is_left(app, self.connection)  # before the progress: what leaves the lane now has told it by then
        found = find_progress(Memory(app.redis, self.connection.id))
        ours = found if found is not None and found.started_at >= self.marked_at else None
        self.idle_s = self.idle_s + LOOK_S if ours == self.progress else 0.0
        self.progress = ours
        if ours is not None and ours.has_ended:
            return Watched(self.connection, ours, WITH_FAILURES if ours.state == "failed" else "")
        why = _why_not(app, self.connection, ours, is_left=is_left or self.was_left)
        self.was_left = is_left
        return Watched(self.connection, ours, why) if why else None


def watch(app: App, marked: Sequence[tuple[Connection, datetime]]) -> list[Watched]:
    """Show how far they are until all are over; a lane that rests is said so and not waited for."""
    pause, console = threading.Event(), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    watches = [Watch(connection, marked_at) for connection, marked_at in marked]
    over: list[Watched] = []
    is_told = False
    with Bars(*columns, transient=True, console=console, disable=not console.is_terminal) as bars:
        while watches:
            for each in list(watches):
                end = each.look(app)
                _draw(bars, each)
                if end is not None:
                    over.append(end)
                    watches.remove(each)
            if not is_told and any(each.idle_s >= STALLED_S for each in watches):
                is_told = True
                console.print("Nothing moves. Does `connector work` run? Ctrl-C ends the waiting; it stays due.")
            if watches:
                pause.wait(LOOK_S)
    return over


def looked_at(app: App, connection: Connection) -> Watched:
    """Return the progress that is known now; `said` is why one that is asked for has not begun."""
    due_at = app.lanes.due_at(connection.id, REFERENCE)
    progress = find_progress(Memory(app.redis, connection.id))
    if due_at is None:
        return Watched(connection, progress)
    waits = f"Due since {due_at:%H:%M:%S} UTC; no worker has begun. Does `connector work` run?"
    return Watched(connection, progress, _why_not(app, connection, progress, is_left=True) or waits)


def _is_left(app: App, connection: Connection) -> bool:
    lane = connection.id
    return app.lanes.due_at(lane, REFERENCE) is not None or app.lanes.is_working(lane, REFERENCE)


def _why_not(app: App, connection: Connection, progress: Progress | None, *, is_left: bool) -> str:
    """Return why it will not go on now; empty while it may."""
    known = app.connections.find(connection.id)
    if known is None:
        return "The connection has been removed."
    rests = app.lanes.rests_until(connection.id)
    if rests is not None and known.state == NEEDS_ATTENTION:
        return f"The connection has stopped. {known.state_reason} {STAYS_DUE}"
    if rests is not None:
        reason = f" ({progress.reason})" if progress is not None and progress.reason else ""
        return f"The lane rests until {rests:%H:%M:%S} UTC{reason}. {STAYS_DUE}"
    if is_left:
        return ""
    if known.state == PAUSED:
        return "The connection is paused; nothing was done."
    return "It was put aside, because it failed each time."


def _draw(bars: Bars, each: Watch) -> None:
    for step in each.progress.steps if each.progress is not None else ():
        if step.name not in each.tasks:
            each.tasks[step.name] = bars.add_task(f"{each.connection.name[:30]}  {step.name}", total=None)
        bars.update(each.tasks[step.name], total=step.total, completed=step.counts.total)
