"""Writes what customers owe to accounts and contacts, each row by itself, and says what cannot be (rule D8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from clients.dataverse import Change, Changes, Outcome, key_path
from core import columns, ids
from core.errors import Conflict, ConnectorError, Disconnected, Rejected
from mappers.balances import Balance, Currencies, Debtor, add_up, lacking_words, to_row
from pipeline.history import history_of_connection
from pipeline.tools import Tools

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Debtors:
    """Rows of customers as they were read, by id, and what is needed to add up what they owe.

    `connectors`: the connections that have a record in Dynamics, others count no more. `words`: what this
    connection's record says of amounts that are empty; `has_all_empty`: the rows that are so are among the debtors.
    """

    debtors: Mapping[str, Debtor]
    currencies: Currencies
    connectors: frozenset[str]
    words: str
    has_all_empty: bool


def write_balances(tools: Tools, standing: Debtors, balances: Mapping[str, Balance]) -> set[str]:
    """Write this connection's share of each customer, and the sums; return the customers whose rows have moved.

    Nothing is written that stands there already. A row that Dynamics refuses does not hold up the others. Raises
    Transient, Limited or Unknown when all has been written that could be.
    """
    written: list[tuple[Debtor, Change]] = []
    lacking: set[str] = set()
    for debtor in standing.debtors.values():
        shares = {key: share for key, share in debtor.shares.items() if key in standing.connectors}
        shares |= {tools.connection.id: balances[debtor.id]} if debtor.id in balances else {}
        figures = add_up(debtor, shares, standing.currencies)
        lacking |= figures.lacking
        if row := to_row(debtor, shares, figures, standing.currencies):
            path = key_path(debtor.set_name, debtor.id)
            written.append((debtor, Change("PATCH", path, row, if_match=debtor.etag)))
    words = _words(tools, standing, lacking)
    if not written and not words:
        return set()
    now = tools.hold()
    answers = tools.dataverse.batch([Changes((change,)) for change in (*(each for _, each in written), *words)])
    refused = [(debtor, answer.error) for (debtor, _), answer in zip(written, answers, strict=False) if answer.error]
    _tell(tools, now, [each for each in refused if isinstance(each[1], Rejected | Disconnected)])
    for answer in answers[len(written) :]:
        if isinstance(answer.error, Rejected | Disconnected):
            log.warning("balance.untold", connection=tools.connection.id, error=type(answer.error).__name__)
    _raise_rest([answer for answer in answers if not isinstance(answer.error, Rejected | Disconnected | Conflict)])
    return {debtor.id for debtor, error in refused if isinstance(error, Conflict)}


def _words(tools: Tools, standing: Debtors, lacking: set[str]) -> tuple[Change, ...]:
    """Return the change of what the connector record says about rates, if it says something else now.

    A column of its own: why the connection has stopped is told in another one, by others, at other times.
    """
    words = lacking_words(lacking)
    is_there = tools.connection.id in standing.connectors
    if words == standing.words or not is_there or not (words or standing.has_all_empty):
        return ()
    path = key_path(columns.CONNECTOR.set_name, tools.connection.id)
    return (Change("PATCH", path, {"stl3_balancesinwords": words or None}, if_match="*"),)


def _tell(tools: Tools, now: datetime, refused: Sequence[tuple[Debtor, ConnectorError]]) -> None:
    """Write a row of history for each refusal, once while the row stays as it is, and one for a missing right."""
    changes: dict[str, Changes] = {}
    for debtor, error in refused:
        if isinstance(error, Rejected) and error.status == 404:
            continue  # deleted since it was read
        log.warning("balance.refused", connection=tools.connection.id, customer=debtor.id, error=type(error).__name__)
        of_row = (debtor.id, debtor.etag) if isinstance(error, Rejected) else ()
        key = ids.digest("balance", tools.connection.id, str(error), *of_row)
        text = _refusal(debtor, error)
        changes[key] = Changes((history_of_connection(tools, now, key=key, status="Failed", text=text),))
    if not changes:
        return
    tools.hold()
    for answer in tools.dataverse.batch(list(changes.values())):
        if isinstance(answer.error, Rejected | Disconnected):
            log.warning("balance.untold", connection=tools.connection.id, error=type(answer.error).__name__)
        elif answer.error is not None and not isinstance(answer.error, Conflict):  # it was told before
            raise answer.error


def _refusal(debtor: Debtor, error: ConnectorError) -> str:
    kind, words = debtor.set_name.removesuffix("s"), "; ".join(getattr(error, "messages", ())) or str(error)
    return (
        f"What “{debtor.name}” owes could not be written to the {kind} in Dynamics: {words}\n"
        "It is tried again whenever it changes in Xero, and every night."
    )


def _raise_rest(answers: Sequence[Outcome]) -> None:
    for answer in answers:
        if answer.error is not None:
            raise answer.error
