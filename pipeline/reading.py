"""Reads the Dynamics side of a batch of invoices in one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from clients.dataverse import Outcome, Read
from clients.http import Payload
from clients.odata import lookup_in, odata_in, rows_path
from core import columns
from core.custom_fields import INVOICE, LINE, CustomFields
from core.errors import Disconnected, Rejected
from core.invoice import Details
from core.preferences import Preferences
from mappers import dynamics
from mappers import preferences as preferences_mapper
from mappers.custom_rows import expand, needs_labels, select, with_custom
from pipeline.custom_fields import read_custom_fields
from pipeline.outcomes import Present
from pipeline.tools import Tools

IDS_PER_READ = 50  # in the address of a query


def read_invoices(tools: Tools, invoice_ids: Iterable[str]) -> dict[str, Present]:
    """Return what Dynamics holds of each of these invoices (at most 50), by id; one `$batch` of three reads.

    Raises Transient, Limited or Disconnected.
    """
    wanted = sorted(set(invoice_ids))
    if not wanted:
        return {}
    custom = read_custom_fields(tools, read_preferences(tools))
    try:
        invoices, lines, details = read_batch(tools, *_reads(wanted, custom))
    except Disconnected:
        tools.memory.forget_column_kinds()  # one may be gone: the next look at the metadata says which
        raise
    lines_of = defaultdict(list)
    for line in lines:
        lines_of[line["_invoiceid_value"]].append(line)
    invoice_of = {
        row["invoiceid"]: with_custom(
            dynamics.to_invoice(row, lines_of[row["invoiceid"]]),
            row,
            lines_of[row["invoiceid"]],
            custom,
            tools.connection.zone,
        )
        for row in invoices
    }
    details_of = {row["stl3_dynamicsinvoiceid"]: dynamics.to_details(row) for row in details}
    return {key: Present(key, invoice_of.get(key), details_of.get(key)) for key in wanted}


def _reads(wanted: Sequence[str], custom: CustomFields) -> tuple[Read, Read, Read]:
    """The invoices with their customers, their lines with the products, their details."""
    invoices = {
        "$select": select(dynamics.INVOICE_SELECT, custom, INVOICE),
        "$expand": expand(dynamics.INVOICE_EXPAND, custom),
        "$filter": odata_in("invoiceid", wanted),
    }
    lines = {
        "$select": select(dynamics.LINE_SELECT, custom, LINE),
        "$expand": expand(dynamics.LINE_EXPAND, custom),
        "$filter": lookup_in("_invoiceid_value", wanted),
    }
    details = {"$select": dynamics.DETAILS_SELECT, "$filter": odata_in("stl3_dynamicsinvoiceid", wanted)}
    return (
        Read(rows_path("invoices", invoices), labels=needs_labels(custom, lines=False)),
        Read(rows_path("invoicedetails", lines), labels=needs_labels(custom, lines=True)),
        Read(rows_path(columns.DETAILS.set_name, details)),
    )


def find_details(tools: Tools, invoice_id: str) -> Details | None:
    """Return the Xero details of an invoice by its id alone; None if it has none. Raises as `read_batch`."""
    query = {"$select": dynamics.DETAILS_SELECT, "$filter": f"stl3_dynamicsinvoiceid eq '{invoice_id}'"}
    (rows,) = read_batch(tools, rows_path(columns.DETAILS.set_name, query))
    return dynamics.to_details(rows[0]) if rows else None


def list_attempt_members(tools: Tools, attempt_keys: Sequence[str]) -> list[str]:
    """Return the ids of all invoices of this connection that share these open attempts."""
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    query = {
        "$select": "stl3_dynamicsinvoiceid",
        "$filter": f"{mine} and {odata_in('stl3_attemptkey', sorted(set(attempt_keys)))}",
    }
    (rows,) = read_batch(tools, rows_path(columns.DETAILS.set_name, query))
    return [row["stl3_dynamicsinvoiceid"] for row in rows]


def read_preferences(tools: Tools) -> Preferences:
    """Return the settings of the connection, at most a minute old (rule B)."""
    known = tools.memory.preferences()
    if known is not None:
        return known
    (rows,) = read_batch(tools, preferences_path(tools))
    return keep_preferences(tools, rows)


def preferences_path(tools: Tools) -> str:
    """Return the path of the connection's settings row, for whoever reads it along with other things."""
    query = {
        "$select": preferences_mapper.SELECT,
        "$filter": f"stl3_connectionid eq '{tools.connection.id}'",
    }
    return rows_path(columns.SETTINGS.set_name, query)


def keep_preferences(tools: Tools, rows: Sequence[Payload]) -> Preferences:
    """Return the settings of these rows (one, or none for the defaults), and remember them."""
    found = preferences_mapper.to_preferences(rows[0]) if rows else Preferences()
    tools.memory.remember_preferences(found)
    return found


def read_batch(tools: Tools, *reads: Read | str) -> list[tuple[Payload, ...]]:
    """Return the rows of each read or path, in one call. Raises Transient, Limited or Disconnected."""
    return [rows_of(outcome) for outcome in ask_batch(tools, *reads)]


def ask_batch(tools: Tools, *reads: Read | str) -> list[Outcome]:
    """Return what became of each read or path, in one call. Raises only for the call as a whole, as `read_batch`."""
    return tools.dataverse.batch([Read(read) if isinstance(read, str) else read for read in reads])


def rows_of(outcome: Outcome) -> tuple[Payload, ...]:
    """Return the rows of a read. Raises Transient, Limited or Disconnected."""
    if isinstance(outcome.error, Rejected):
        # A refused read is never the invoice's fault: a table or column of ours is missing over there.
        why = str(outcome.error).rstrip(".")
        raise Disconnected(
            f"Dynamics refuses to read: {why}. Is the connector's solution installed and up to date?"
        ) from outcome.error
    if outcome.error is not None:
        raise outcome.error
    return outcome.rows


def in_chunks(record_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield as many at a time as one read names."""
    for start in range(0, len(record_ids), IDS_PER_READ):
        yield record_ids[start : start + IDS_PER_READ]
