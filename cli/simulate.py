"""`connector simulate`: the simulated Xero and Dynamics on loopback ports."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import click

from cli.running import stop_on_signals
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.outbox import Sender
from simulators.serve import Server
from simulators.tls import create_loopback_tls
from simulators.xero import XeroSimulator

DIRECTORY = "5f0d1c8a-0000-4000-8000-00000000d1ec"
SENDERS = 2


@dataclass
class Running:
    """What was started, and under which addresses."""

    addresses: dict[str, str] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    def stop(self) -> None:
        for sender in self.senders:
            sender.stop()
        for server in self.servers:
            server.stop()


@click.command()
@click.argument("which", type=click.Choice(["xero", "dataverse", "all"]))
@click.option("--port", default=0, help="Port of the first simulator; 0: a free one.")
@click.option("--tls-dir", type=click.Path(path_type=Path), default=Path("var/simulators"), show_default=True)
@click.option("--organisation", default=None, help="The Dynamics organization id; otherwise a new one.")
def simulate(which: str, port: int, tls_dir: Path, organisation: str | None) -> None:
    """Run a simulated Xero, a simulated Dynamics with Microsoft's log-in, or both.

    Prints the addresses as one line of JSON, then serves until Ctrl-C. Tests and demos act on a simulator through
    its control API below /_control.
    """
    stopping = stop_on_signals()
    running = start_simulators(which, port=port, tls_dir=tls_dir, organisation=organisation)
    click.echo(json.dumps(running.addresses))
    stopping.wait()
    running.stop()


def start_simulators(which: str, *, port: int, tls_dir: Path, organisation: str | None = None) -> Running:
    """Start what `which` names; the address of Dynamics is also that of Microsoft's log-in."""
    clock, chance, running = Clock(), random.Random(), Running()  # noqa: S311 - a simulator's ids, not secrets
    if which in ("xero", "all"):
        xero = XeroSimulator(clock, chance)
        server = Server(xero.wire, port=port).start()
        running.servers.append(server)
        running.addresses["xero"] = server.url
        running.senders += [Sender(xero.outbox, xero.settle, name=f"xero {number}") for number in range(SENDERS)]
        port = port + 1 if port else 0
    if which in ("dataverse", "all"):
        tls = create_loopback_tls(tls_dir, clock)
        dynamics = DataverseSimulator(
            clock,
            chance,
            MicrosoftLogin(clock, chance),
            url="https://localhost",
            tenant_id=DIRECTORY,
            organization_id=organisation,
        )
        server = Server(dynamics.wire, port=port, certificate=(tls.certificate, tls.key)).start()
        dynamics.url = server.url
        running.servers.append(server)
        running.addresses |= {
            "dynamics": server.url,
            "login": server.url,
            "directory": DIRECTORY,
            "organization": dynamics.organization_id,
            "ca_bundle": str(tls.ca.absolute()),
        }
        running.senders += [
            Sender(dynamics.outbox, dynamics.settle, name=f"dynamics {number}") for number in range(SENDERS)
        ]
    for sender in running.senders:
        sender.start()
    return running
