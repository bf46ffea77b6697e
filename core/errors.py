"""What can go wrong, sorted by who acts next; `pipeline.verdict` alone decides what follows.

ConnectorError
├── Transient           nobody: the queue tries again (a read that failed, a refused connection)
│   └── Limited         nobody: the vendor said how long to wait
├── Unknown             the next holder of the lane: a write whose outcome nobody knows; look before repeating
├── Conflict            nobody: the row moved since it was read; read it again
├── Rejected            the finance user: the vendor refused the content
├── Disconnected        the administrator: a consent or a right is missing
├── LeaseLost           nobody: another worker holds the lane now
└── Misconfigured       the operator: a setting or a server is not fit to run on
"""

from __future__ import annotations


class ConnectorError(Exception):
    """The root; `reference` is the vendor's correlation id, for the vendor's support."""

    def __init__(self, message: str, *, reference: str | None = None) -> None:
        super().__init__(message)
        self.reference = reference


class Transient(ConnectorError):
    """It may work later and nothing was changed."""


class Limited(Transient):
    """The vendor counts calls and this one was too many; `retry_after_s` is its own word or our cautious guess.

    `side` (dynamics or xero) is whose limit it is; empty if that is not known.
    """

    def __init__(
        self, message: str, *, retry_after_s: float, limit: str, side: str = "", reference: str | None = None
    ) -> None:
        super().__init__(message, reference=reference)
        self.retry_after_s = retry_after_s
        self.limit = limit
        self.side = side


class Unknown(ConnectorError):
    """A write was sent and no trustworthy answer came: it may have been done, may be done later, or never."""


class Conflict(ConnectorError):
    """The row is not the one that was read (HTTP 412)."""


class Rejected(ConnectorError):
    """The vendor understood and refused; `messages` are its own words. Nothing was changed."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        messages: tuple[str, ...] = (),
        code: str = "",
        reference: str | None = None,
    ) -> None:
        super().__init__(message, reference=reference)
        self.status = status
        self.messages = messages
        self.code = code


class Disconnected(ConnectorError):
    """A consent ended or a right is missing: the connection rests until an administrator repairs it."""


class LeaseLost(ConnectorError):
    """The lane belongs to another worker now; this one must not write any more."""


class Misconfigured(ConnectorError):
    """The process must not serve like this; the message says how to mend it."""
