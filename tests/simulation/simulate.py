"""`make simulate SEEDS=0-299`: lets towns of many seeds live, and says how many a minute, what broke, what is wrong.

`SEEDS=131` replays one; if it fails, it is made as short as it goes and its story is told. `BUG=look-first-off`
plants a deliberate bug (see `bugs.py`) and stops at the first seed that catches it; `BUG=all` tries every one.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import structlog
import time_machine
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.bugs import BUGS, planted
from tests.simulation.fault_plan import Step
from tests.simulation.judging import judge_business
from tests.simulation.shortening import shorten
from tests.simulation.town import open_town_world, run_town
from tests.world import START

CHUNK, CHUNK_UNTIL_CAUGHT = 10, 3
TRIES_TO_SHORTEN = 150


@dataclass
class Seen:
    """What became of one seed: what is wrong, the faults that there were, and how it went, with each moment."""

    seed: int
    wrong: list[str]
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    told: list[tuple[str, str, Step]] = field(default_factory=list)
    calls: int = 0
    mode: str = ""


def live(seed: int, left_out: frozenset[Step] = frozenset()) -> Seen:
    """Let the town of a seed live, and judge it."""
    states: Counter[str] = Counter()

    def count(_logger: Any, _method: str, entry: dict[str, Any]) -> Any:
        states[entry["event"]] += 1
        raise structlog.DropEvent

    structlog.configure(processors=[count], cache_logger_on_first_use=False)
    logging.getLogger("msal").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(START, tick=False) as travel:
        world = open_town_world(Path(folder), travel, seed)
        seen = Seen(seed, [], states=states)
        try:
            town = run_town(world, seed, left_out)
            seen.faults, seen.mode = town.plan.counts, town.mode
            seen.told = [(f"{at:%H:%M:%S}", text, step) for at, text, step in town.plan.told]
            seen.calls = town.calls
            seen.wrong = [*judge_business(world, town), *world.described.complaints]
        except Exception as error:  # a judge that raises has found something as well
            frames = traceback.extract_tb(error.__traceback__)
            where = "".join(traceback.format_list(frames[-3:]))
            seen.wrong = [f"{type(error).__name__}: {str(error) or frames[-1].line}\n{where}"]
        finally:
            world.engine.dispose()
        return seen


def live_all(seeds: Sequence[int], bug: str | None) -> list[Seen]:
    """What a process of its own does: a few seeds, with a bug or without."""
    with planted(bug):
        return [live(seed) for seed in seeds]


def begin_process() -> None:
    """What was imported lives until the end; once only, or what a seed leaves behind would live as long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def simulate(seeds: Sequence[int], bug: str | None, jobs: int, *, until_caught: bool) -> Iterator[Seen]:
    """Yield what becomes of each seed, as it comes."""
    size = CHUNK_UNTIL_CAUGHT if until_caught else CHUNK
    chunks = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=begin_process) as pool:
        asked = [pool.submit(live_all, chunk, bug) for chunk in chunks]
        try:
            for each in as_completed(asked):
                found = each.result()
                yield from found
                if until_caught and any(seen.wrong for seen in found):
                    return
        finally:
            for each in asked:
                each.cancel()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", help="0-299, or one")
    parser.add_argument("--bug", action="append", choices=["all", *BUGS], help="a deliberate bug; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    console = Console()
    bugs = list(BUGS) if options.bug == ["all"] else options.bug or []
    if len(bugs) > 1:
        return 0 if try_bugs(console, bugs, seeds, options.jobs, options.json) else 1
    bug = bugs[0] if bugs else None
    if len(seeds) == 1:
        return replay(console, seeds[0], bug)
    return run(console, seeds, bug, options.jobs, options.json)


def run(console: Console, seeds: range, bug: str | None, jobs: int, file: Path | None) -> int:
    """Let all seeds live, with progress; print what there was. Return 1 if anything is wrong."""
    faults: Counter[str] = Counter()
    states: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    failed: list[Seen] = []
    calls, done, started = 0, 0, time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("seeds", total=len(seeds))
        for seen in simulate(seeds, bug, jobs, until_caught=bug is not None):
            faults, states, calls = faults + seen.faults, states + seen.states, calls + seen.calls
            hit += Counter(seen.faults.keys())
            if seen.wrong:
                failed.append(seen)
                progress.console.print(f"[red]seed {seen.seed}[/] ({seen.mode}): {seen.wrong[0]}", highlight=False)
            progress.update(task, advance=1, description=f"seeds, {len(failed)} failed")
            done += 1
            if not console.is_terminal and done % max(1, len(seeds) // 10) == 0:
                progress.console.print(f"{done} of {len(seeds)} seeds, {len(failed)} failed")
    minutes = (time.perf_counter() - started) / 60
    table = Table("Fault", "Times", "Runs", title="What broke", title_justify="left")
    for kind, times in sorted(faults.items(), key=lambda entry: -entry[1]):
        table.add_row(kind, f"{times:,}", str(hit[kind]))
    console.print(table)
    table = Table("What happened", "Times", title="What the connector said of it", title_justify="left")
    for name, times in sorted(states.items(), key=lambda entry: -entry[1]):
        table.add_row(name, f"{times:,}")
    console.print(table)
    rate = len(seeds) / minutes
    console.print(
        f"{len(seeds):,} seeds, {rate:.0f} a minute on {jobs} processes; {calls:,} calls, {faults.total():,} faults; "
        f"violations: {sorted(seen.seed for seen in failed) or 0}",
        highlight=False,
    )
    for seen in failed[:1]:
        console.print(f"Replay the first with: make simulate SEEDS={seen.seed}{f' BUG={bug}' if bug else ''}")
    if file:
        figures = {"seeds": len(seeds), "per_minute": round(rate), "calls": calls, "faults": faults, "states": states}
        file.write_text(json.dumps(figures | {"violations": {seen.seed: seen.wrong for seen in failed}}, indent=1))
    return 1 if failed else 0


def replay(console: Console, seed: int, bug: str | None) -> int:
    """Let one seed live; if it fails, make its story as short as it goes, and tell it. Return 1 then."""
    with planted(bug):
        seen = live(seed)
        if not seen.wrong:
            console.print(f"seed {seed} ({seen.mode}) holds: {seen.faults.total()} faults, {seen.calls} calls")
            return 0
        console.print(f"seed {seed} ({seen.mode}) fails: {seen.wrong[0]}", highlight=False)
        steps = [step for _, _, step in seen.told]
        left_out = shorten(steps, lambda out: kind_of(live(seed, out)) == kind_of(seen), tries=TRIES_TO_SHORTEN)
        short = live(seed, left_out)
    console.print(f"\nIts story, shortened from {len(steps)} acts and faults to {len(short.told)}:")
    for at, text, _ in short.told:
        console.print(f"  {at}  {text}", highlight=False, markup=False)
    for words in short.wrong:
        console.print(f"  =>  {words}", highlight=False, markup=False)
    return 1


def kind_of(seen: Seen) -> str:
    """Return the first thing that is wrong, without ids, numbers and the names of files."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+", "…", seen.wrong[0].splitlines()[0]) if seen.wrong else ""


def try_bugs(console: Console, bugs: Sequence[str], seeds: range, jobs: int, file: Path | None) -> bool:
    """Plant each of these bugs; print which seed was the first to catch it. Return whether all were caught."""
    table = Table("Bug", "Caught by seed", "Seeds tried", "As", title="Deliberate bugs", title_justify="left")
    results: dict[str, Any] = {}
    for name in bugs:
        tried = 0
        caught: list[Seen] = []
        for seen in simulate(seeds, name, jobs, until_caught=True):
            tried += 1
            caught += [seen] if seen.wrong else []
        first = min(caught, key=lambda seen: seen.seed, default=None)
        words = first.wrong[0].splitlines()[0] if first else ""
        results[name] = {"seed": first.seed if first else None, "tried": tried, "as": words}
        console.print(f"{name}: {results[name]}", highlight=False)
        table.add_row(name, str(first.seed) if first else "[red]none[/]", str(tried), words[:100])
    console.print(table)
    if file:
        file.write_text(json.dumps(results, indent=1))
    return all(result["seed"] is not None for result in results.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
