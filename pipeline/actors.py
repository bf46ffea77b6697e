"""The Dramatiq actors: shells without decisions around `work` and `poll`."""

from __future__ import annotations

import threading

import dramatiq
import structlog
from dramatiq.worker import Worker

from core.errors import ConnectorError
from core.settings import Settings
from pipeline.app import App, build_app
from pipeline.broker import LANES, POLL_ACTOR, POLLS, WORK_ACTOR, open_broker, wake_lane
from pipeline.poll import poll
from pipeline.work import work

IDLE_POLL_MS = 100  # how long an idle worker waits between two looks at its queues: the largest part of the latency

log = structlog.get_logger()


def declare_actors(broker: dramatiq.Broker, app: App) -> None:
    """Tell the broker what to do with its messages."""

    @dramatiq.actor(broker=broker, queue_name=LANES, actor_name=WORK_ACTOR)
    def work_lane(connection_id: str) -> None:
        try:
            work(app, connection_id)
        except ConnectorError as error:
            log.warning("lane.interrupted", connection=connection_id, error=type(error).__name__)

    @dramatiq.actor(broker=broker, queue_name=POLLS, actor_name=POLL_ACTOR)
    def poll_connection(connection_id: str) -> None:
        try:
            poll(app, connection_id)
        except ConnectorError as error:
            log.warning("poll.interrupted", connection=connection_id, error=type(error).__name__)


def run_worker(settings: Settings, stopping: threading.Event, *, threads: int) -> None:
    """Work until `stopping`; then finish what is in hand (at most 10 s) and hand the rest back."""
    broker = open_broker(settings.redis_url)
    app = build_app(settings, wake=lambda connection_id: wake_lane(broker, connection_id))
    declare_actors(broker, app)
    worker = Worker(broker, worker_threads=threads, worker_timeout=IDLE_POLL_MS)
    worker.start()
    log.info("worker.started", threads=threads)
    stopping.wait()
    worker.stop(timeout=10_000)
    broker.close()
    log.info("worker.stopped")
