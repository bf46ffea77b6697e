"""A TCP proxy that passes bytes through, and now and then cuts a connection or lets somebody wait.

It understands nothing of what it passes but whose turn it is: what a client sends after an answer is a request. Of
TLS it knows the heads of records: a handshake is no request, and what the server sends of its own is no answer.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEFORE, AFTER, MIDDLE, DELAY = "before the request", "after the request", "in the answer", "delayed"
CUTS = (BEFORE, AFTER, MIDDLE)
PIECE_BYTES = 64 * 1024
DRAIN_S = 10.0
TLS_CHANGE_CIPHER, TLS_APPLICATION_DATA = (
    0x14,
    0x17,
)  # the first comes once, before a client's last word of a handshake
TLS_HEAD_BYTES = 5
TICKETS = 2  # records that a Python server sends unasked after a handshake (SSLContext.num_tickets)


@dataclass(frozen=True)
class Weather:
    """How likely it is, a request, that its connection is cut or that it is delayed, and for how long at most."""

    cut: float
    delay: float = 0.0
    delay_s: float = 0.0


@dataclass
class Proxy:
    """One listening address before one server. Nothing happens on it until `is_on` is set.

    A server or listener is a port of 127.0.0.1 or the path of a Unix socket. `counts` has cuts and delays by kind.
    """

    name: str
    target: int | Path
    weather: Weather
    chance: random.Random
    is_tls: bool = False
    is_on: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def draw(self) -> str:
        """Return what becomes of the next request; empty if it is simply passed on."""
        if not self.is_on:
            return ""
        drawn = self.chance.random()
        if drawn < self.weather.cut:
            return self.chance.choice(CUTS)
        return DELAY if drawn < self.weather.cut + self.weather.delay else ""


class Proxies:
    """The event loop in a thread of its own that serves all proxies."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self.all: list[Proxy] = []

    def listen(self, proxy: Proxy, path: Path | None = None) -> int:
        """Serve a proxy on a free port, or on a Unix socket; return the port, 0 for a socket."""
        server = self._run(_listen(proxy, path))
        self._servers.append(server)
        self.all.append(proxy)
        return 0 if path is not None else int(server.sockets[0].getsockname()[1])

    def switch(self, *, on: bool) -> None:
        for proxy in self.all:
            proxy.is_on = on

    def stop(self) -> None:
        self._run(_close(self._servers))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


async def _listen(proxy: Proxy, path: Path | None) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.connections += 1
        async with _closing(writer):
            try:
                theirs = await _connect(proxy.target)
            except OSError:
                return  # nobody is there: the client sees that its connection ends
            async with _closing(theirs[1]):
                with suppress(asyncio.CancelledError):  # the proxy is stopped, and asyncio would tell of it at length
                    await _Link(proxy, reader, writer, *theirs).run()

    if path is not None:
        return await asyncio.start_unix_server(serve, path)
    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def _connect(target: int | Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection("127.0.0.1", target)


async def _close(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    mine = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not mine]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


def end_of_handshake(piece: bytes) -> int:
    """Return where the two records end with which a TLS client ends its handshake."""
    end = 0
    for _ in range(2):
        end += TLS_HEAD_BYTES + int.from_bytes(piece[end + 3 : end + TLS_HEAD_BYTES], "big")
    return end


@dataclass
class Records:
    """Counts the TLS records that begin in what goes by, in whatever pieces it comes."""

    count: int = 0
    _left: int = 0
    _head: bytes = b""

    def feed(self, piece: bytes) -> int:
        """Return how many records have begun by the end of this piece."""
        at = 0
        while at < len(piece):
            if self._left:
                taken = min(self._left, len(piece) - at)
                self._left -= taken
            else:
                taken = min(TLS_HEAD_BYTES - len(self._head), len(piece) - at)
                self._head += piece[at : at + taken]
                if len(self._head) == TLS_HEAD_BYTES:
                    self._left, self._head = int.from_bytes(self._head[3:], "big"), b""
                    self.count += 1
            at += taken
        return self.count


@dataclass
class _Link:
    """One connection through the proxy; `fate` is that of the request whose answer is still to come."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    their_reader: asyncio.StreamReader
    their_writer: asyncio.StreamWriter
    fate: str = ""
    is_answered: bool = True
    records: Records = field(default_factory=Records)

    async def run(self) -> None:
        """Pass both ways until one side ends or the connection is cut."""
        answers = asyncio.ensure_future(self._pass_answers())
        requests = asyncio.ensure_future(self._pass_requests())
        try:
            await asyncio.wait({answers, requests}, return_when=asyncio.FIRST_COMPLETED)
            if not answers.done():
                # The client is gone or was cut off; what it has sent is carried out all the same, as on any network.
                await asyncio.wait({answers}, timeout=DRAIN_S)
        finally:
            for task in (answers, requests):
                task.cancel()
            await asyncio.gather(answers, requests, return_exceptions=True)

    async def _pass_requests(self) -> None:
        try:
            while piece := await self.reader.read(PIECE_BYTES):
                if self.proxy.is_tls and piece[0] == TLS_CHANGE_CIPHER:
                    self.records.count = 0
                    end = end_of_handshake(piece)
                    self.their_writer.write(piece[:end])
                    piece = piece[end:]
                if piece and self.is_answered and self._is_request(piece):
                    self.fate = self.proxy.draw()
                    self.is_answered = False
                    if self.fate == BEFORE:
                        self._cut()
                        return
                    if self.fate == DELAY:
                        self.proxy.counts[DELAY] += 1
                        await asyncio.sleep(self.proxy.chance.uniform(0.1, 1.0) * self.proxy.weather.delay_s)
                self.their_writer.write(piece)
                await self.their_writer.drain()
            self.their_writer.write_eof()
        except OSError:
            return

    async def _pass_answers(self) -> None:
        is_there = True
        try:
            while piece := await self.their_reader.read(PIECE_BYTES):
                if self.proxy.is_tls and self.records.feed(piece) <= TICKETS:
                    self.writer.write(piece)
                    continue
                self.is_answered = True
                if self.fate == MIDDLE and is_there:
                    self.writer.write(piece[: len(piece) // 2])
                    await self.writer.drain()
                if self.fate in (AFTER, MIDDLE) and is_there:
                    is_there = False
                    self._cut(gently=self.fate == MIDDLE)
                if is_there:
                    self.writer.write(piece)
                    await self.writer.drain()
        except OSError:
            return

    def _is_request(self, piece: bytes) -> bool:
        return not self.proxy.is_tls or piece[0] == TLS_APPLICATION_DATA

    def _cut(self, *, gently: bool = False) -> None:
        self.proxy.counts[self.fate] += 1
        if gently:
            self.writer.close()
        else:
            self.writer.transport.abort()
