"""The Dramatiq actors: shells without decisions around `work` and `poll`."""

from __future__ import annotations

import threading

import dramatiq
import redis
import structlog
from dramatiq.worker import Worker

from core.errors import ConnectorError
from core.settings import Settings
from pipeline.app import App, build_app
from pipeline.broker import LANES, POLL_ACTOR, POLLS, WORK_ACTOR, open_broker, wake_lane
from pipeline.poll import poll
from pipeline.schedule import begin_poll
from pipeline.work import work

IDLE_POLL_MS = 100  # how long an idle worker waits between two looks at its queues: the largest part of the latency
IN_HAND_MS = 7_000  # how long a worker that stops waits for the work in hand ...
STOPPED_S = 9.0  # ... and until when it has ended, whatever Redis does

log = structlog.get_logger()


def declare_actors(broker: dramatiq.Broker, app: App, *, poll_interval_s: int) -> None:
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
            if begin_poll(app.redis, connection_id, interval_s=poll_interval_s):
                poll(app, connection_id)
        except ConnectorError as error:
            log.warning("poll.interrupted", connection=connection_id, error=type(error).__name__)


def run_worker(settings: Settings, stopping: threading.Event, *, threads: int) -> None:
    """Build the parts of a worker and work until `stopping`, as `work_until` says."""
    broker = open_broker(settings.redis_url)
    app = build_app(settings, wake=lambda connection_id: wake_lane(broker, connection_id))
    declare_actors(broker, app, poll_interval_s=settings.poll_interval_s)
    work_until(stopping, broker, threads=threads)


def work_until(stopping: threading.Event, broker: dramatiq.Broker, *, threads: int) -> None:
    """Work until `stopping`; then finish what is in hand and hand the rest back, in less than 10 s.

    What is not finished by then is still in work in its lane, whose lease ends by itself; the outcome of a call that
    is under way counts as unknown.
    """
    broker.emit_after("process_boot")  # from here on the time limit is watched
    worker = Worker(broker, worker_threads=threads, worker_timeout=IDLE_POLL_MS)
    worker.start()
    log.info("worker.started", threads=threads)
    stopping.wait()
    # Without Redis Dramatiq waits for it to come back; its threads end with this process.
    ending = threading.Thread(target=_end, args=(worker,), name="ending", daemon=True)
    ending.start()
    ending.join(STOPPED_S)
    log.info("worker.stopped", in_order=not ending.is_alive())


def _end(worker: Worker) -> None:
    try:
        worker.stop(timeout=IN_HAND_MS)
        worker.broker.close()
    except (dramatiq.errors.BrokerConnectionError, redis.RedisError) as error:
        # The wake-ups that it had fetched come to another worker as soon as its heartbeat is old.
        log.warning("worker.wakes_kept", error=type(error).__name__)
