"""An event: a hint that one record of one organisation may need work. It says where to look, never what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from core import ids

Side = Literal["dynamics", "xero"]

OWN_TAG = "stl3connector"  # every write of ours to Dynamics carries it, and its events bring it back: an echo


@dataclass(frozen=True, slots=True)
class Event:
    """What a webhook, the bridge or a person said.

    `organisation` is the sender's own id: the Dynamics organization id or the Xero tenant id. `version` is what
    tells two changes of one record apart: an operation id, an event time. `columns` are the changed ones, sorted.
    """

    side: Side
    organisation: str
    entity: str
    record_id: str
    message: str
    version: str
    columns: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The idempotency key: the same for a repeated delivery, different for any two real changes."""
        return ids.digest(
            self.side, self.organisation, self.entity, self.record_id, self.message, self.version, *self.columns
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": list(self.columns)}

    @classmethod
    def from_json(cls, document: Any) -> Event:
        """Read what `as_json` wrote, of this version or an older one. Raises ValueError for anything else."""
        try:
            fields = {name: document[name] for name in cls.__slots__ if name != "columns"}
            columns = document.get("columns", [])
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not an event: {error!r}") from error
        if not isinstance(columns, list) or not all(isinstance(text, str) for text in (*fields.values(), *columns)):
            raise ValueError("not an event: wrong types")
        if fields["side"] not in ("dynamics", "xero"):
            raise ValueError("not an event: an unknown side")
        return cls(**fields, columns=tuple(columns))
