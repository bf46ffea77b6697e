"""A mail server on this machine that says what it is told to, and keeps what it got."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO


@dataclass
class MailServer:
    """`answers`: what it says to a verb, at first (empty), to the mail (a dot). `said`, `got`: what it heard."""

    answers: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    got: list[bytes] = field(default_factory=list)

    def talk(self, lines: IO[bytes], out: IO[bytes]) -> None:
        def say(words: str) -> None:
            out.write(f"{words}\r\n".encode())

        say(self.answers.get("", "220 here"))
        while line := lines.readline().decode().strip():
            self.said.append(line)
            verb = line.split()[0].upper()
            if verb in self.answers:
                say(self.answers[verb])
            elif verb == "EHLO":
                say("250-here\r\n250-AUTH PLAIN\r\n250 SMTPUTF8")
            elif verb == "DATA":
                say("354 go on")
                # A line that begins with a dot is sent with one more (RFC 5321, 4.5.2).
                sent = iter(lines.readline, b".\r\n")
                self.got.append(b"".join(line.removeprefix(b".") for line in sent))
                say(self.answers.get(".", "250 taken"))
            else:
                say({"AUTH": "235 fine", "QUIT": "221 bye"}.get(verb, "250 fine"))


@contextmanager
def running_mail_server() -> Iterator[tuple[MailServer, str]]:
    """Yield the server and where it listens."""
    kept = MailServer()

    class Talking(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            kept.talk(self.rfile, self.wfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talking) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kept, f"127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()
        thread.join()
