"""What all schemas of Xero documents share: each field says where it comes from, and what is None is left out."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, post_dump


def said(source: str, rules: str, *, inner: tuple[str, ...] = ()) -> dict[str, Any]:
    """Where a field comes from and by which rules; the tables of docs/mapping.md are made of this.

    `inner` names the fields inside one that has no schema of its own.
    """
    return {"source": source, "rules": rules, "inner": inner}


class Sparse(Schema):
    """Dumps without the fields that are None."""

    @post_dump
    def _omit_nothing(self, document: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in document.items() if value is not None}
