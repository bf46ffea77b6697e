"""The processes that run all the time: web, dispatch, work, poll."""

from __future__ import annotations

import click

from cli.running import STOP_S, start, stop_on_signals, told
from core.connections import Connections
from core.database import open_database
from core.inbox import Inbox
from core.redis import inbox_url, open_redis
from core.settings import Settings
from pipeline.actors import run_worker
from pipeline.broker import open_broker, wake_lane, wake_poll
from pipeline.dispatch import Dispatcher
from pipeline.lanes import Lanes
from pipeline.mailing import start_mailing
from pipeline.renewing import start_renewing
from pipeline.schedule import Schedule, run_poller


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def web(host: str, port: int) -> None:
    """Receive webhooks, and serve the portal."""
    from portal.wsgi import beside, open_portal  # noqa: PLC0415 - only needed here, as gunicorn is
    from webhooks.wsgi import serve  # noqa: PLC0415

    with told():
        settings = start("web")
        portal = open_portal(settings)
        serve(settings, host, port, beside=lambda webhooks: beside(webhooks, portal))


@click.command()
def dispatch() -> None:
    """Take events from the inbox into the lanes."""
    with told():
        run_dispatcher(start("dispatch"))


@click.command("work")
@click.option("--threads", default=8, show_default=True, help="Lanes worked on at once.")
def work_command(threads: int) -> None:
    """Work the lanes. Start as many of these as you like, on as many machines."""
    with told():
        run_worker(start("work"), stop_on_signals(within_s=STOP_S), threads=threads)


@click.command("poll")
def poll_command() -> None:
    """Start the polls, wake lanes that nobody works on, repeat lost refreshes, and send mails."""
    with told():
        settings = start("poll")
        client = open_redis(settings.redis_url)
        broker = open_broker(settings.redis_url)
        engine = open_database(settings.database_url)
        stopping = stop_on_signals(within_s=STOP_S)
        start_mailing(settings, engine, stopping)
        start_renewing(settings, engine, stopping)
        run_poller(
            Lanes(client),
            Schedule(client, interval_s=settings.poll_interval_s),
            Connections(engine),
            wake_lane=lambda connection_id: wake_lane(broker, connection_id),
            wake_poll=lambda connection_id: wake_poll(broker, connection_id),
            stopping=stopping,
        )


def run_dispatcher(settings: Settings) -> None:
    """Dispatch until a signal."""
    client = open_redis(settings.redis_url)
    broker = open_broker(settings.redis_url)
    dispatcher = Dispatcher(
        Connections(open_database(settings.database_url)),
        Lanes(client),
        client,
        lambda connection_id: wake_lane(broker, connection_id),
    )
    stopping = stop_on_signals(within_s=STOP_S)
    Inbox(inbox_url(settings.redis_url)).consume(dispatcher.handle, stopping=stopping)
