"""Shows a run: a line while it goes on, tables at its end, and the same as JSON."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.chaos.driver import State
from tests.chaos.proxy import CUTS, DELAY
from tests.chaos.verdict import KINDS

FINDINGS_SHOWN = 20


def line_of(state: State) -> Text:
    """Return in a line how far a run is."""
    kills = state.tally.kills
    by_kind = " ".join(f"{kind} {kills[kind]}" for kind in sorted(kills))
    cuts = sum(proxy.counts[kind] for proxy in state.proxies for kind in CUTS)
    settled = "" if state.settled_after_s is None else f", settled after {state.settled_after_s:.1f} s"
    return Text(
        f"{state.elapsed_s:5.0f} s  {state.phase}: {state.acts['save']} of {state.options.invoices} saved, "
        f"{state.in_xero} in Xero, {state.agreed} agree; {sum(kills.values())} kills ({by_kind}), "
        f"{state.tally.freezes} frozen, {cuts} cut, {len(state.findings)} open{settled}"
    )


def tables_of(state: State) -> Group:
    """Return what came of a run."""
    found = Counter(finding.kind for finding in state.findings)
    parts: list[Table | Text] = [_kills_table(state), _proxies_table(state), _acts_table(state)]
    settled = "never" if state.settled_after_s is None else f"{state.settled_after_s:.1f} s after the last kill"
    empty = "never" if state.empty_after_s is None else f"after {state.empty_after_s:.1f} s"
    counts = ", ".join(f"{kind} {found[kind]}" for kind in KINDS)
    text = Text(f"{counts}; settled {settled}, the lane empty {empty}")
    text.stylize("bold green" if state.is_well else "bold red")
    parts.append(text)
    parts += [Text(f"{each.kind}  {each.id}  {each.text}") for each in state.findings[:FINDINGS_SHOWN]]
    if state.logs:
        parts.append(Text(f"Data and logs are in {state.logs}"))
    return Group(*parts)


def json_of(state: State) -> dict[str, Any]:
    """Return what came of a run for a machine to read; times in seconds."""
    tally = state.tally
    return {
        "options": asdict(state.options),
        "cores": os.cpu_count(),
        "load": round(state.load, 2),
        "ran_s": round(state.elapsed_s, 1),
        "chaos_s": round(state.chaos_s, 1),
        "kills": dict(tally.kills),
        "kills_in_all": sum(tally.kills.values()),
        "freezes": tally.freezes,
        "frozen_s": round(tally.frozen_s, 1),
        "redis_lost_its_last_second": tally.cuts,
        "redis_bytes_lost": tally.cut_bytes,
        "redis_flushed": tally.flushes,
        "ended_by_themselves": dict(tally.revived),
        "proxies": {each.name: {"connections": each.connections, **each.counts} for each in state.proxies},
        "acts": dict(state.acts),
        "in_xero": state.in_xero,
        "second_documents_removed": state.seconds_removed,
        "long_waits": state.long_waits,
        "longest_wait_s": round(state.longest_wait_s, 1),
        **{kind: [[each.id, each.text] for each in state.findings if each.kind == kind] for kind in KINDS},
        "settled_after_s": None if state.settled_after_s is None else round(state.settled_after_s, 1),
        "empty_after_s": None if state.empty_after_s is None else round(state.empty_after_s, 1),
        "is_well": state.is_well,
    }


def _kills_table(state: State) -> Table:
    table, tally = _table("SIGKILL", *sorted(state.tally.kills), "in all"), state.tally
    table.add_row("kills", *(str(tally.kills[kind]) for kind in sorted(tally.kills)), str(sum(tally.kills.values())))
    table.caption = (
        f"{tally.freezes} workers frozen for {tally.frozen_s:.0f} s in all; Redis lost its last second "
        f"{tally.cuts} times ({tally.cut_bytes:,} bytes) and everything {tally.flushes} times"
    )
    table.caption_justify = "left"
    return table


def _proxies_table(state: State) -> Table:
    table = _table("Proxy", "connections", *(f"cut {kind}" for kind in CUTS), DELAY)
    for proxy in state.proxies:
        counts = (proxy.counts[kind] for kind in (*CUTS, DELAY))
        table.add_row(proxy.name, str(proxy.connections), *map(str, counts))
    return table


def _acts_table(state: State) -> Table:
    table = _table("People", *state.acts)
    table.add_row("acts", *map(str, state.acts.values()))
    table.caption = (
        f"{state.in_xero} invoices with documents in Xero; {state.long_waits} attempts or cancellations were open "
        f"for long ({state.longest_wait_s:.0f} s at most); {state.seconds_removed} second documents removed again"
    )
    table.caption_justify = "left"
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(columns[0])
    for name in columns[1:]:
        table.add_column(name, justify="right")
    return table
