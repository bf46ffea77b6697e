"""A simulator on a loopback port: threads, keep-alive, TLS when asked for."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # headers and body leave in two writes; together with delayed ACKs that costs 40 ms
    )

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: the wire keeps the log of calls."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
        self.close_connection = True


class Server:
    """A running simulator; `url` has no slash at the end."""

    def __init__(self, app: WSGIApplication, *, port: int = 0, certificate: tuple[Path, Path] | None = None) -> None:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)
        if context is not None:
            # The handshake is left to the thread of its connection: a client that connects and then says nothing (it
            # was frozen, say) would else keep everybody out.
            listening = self._server.socket
            self._server.socket = context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
            self._server.ssl_context = context
        scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"serve {self.url}", daemon=True)

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
