"""Everything that work on one connection needs, bound to that connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clients.dataverse import Dataverse
from clients.xero import Xero
from core.connections import Connection
from pipeline.memory import Memory


@dataclass(frozen=True, slots=True)
class Tools:
    """`hold` makes sure of the lane's lease and returns the time; it is called before every external write.

    `public_url` is our own address in the world, for links that lead through us.
    """

    connection: Connection
    xero: Xero
    dataverse: Dataverse
    memory: Memory
    hold: Callable[[], datetime]
    public_url: str
