"""`python -m tests.chaos`: runs the chaos and says what came of it; exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.live import Live

from tests.chaos.driver import Options, Run, State
from tests.chaos.show import json_of, line_of, tables_of

LINE_EVERY_S = 15.0  # where nobody looks at a terminal


def main() -> int:
    """Run with the options of the command line."""
    options, file = _parse()
    console = Console()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        printed_at = 0.0

        def show(state: State) -> None:
            nonlocal printed_at
            if console.is_terminal:
                live.update(line_of(state), refresh=True)
            elif time.monotonic() - printed_at >= LINE_EVERY_S:
                printed_at = time.monotonic()
                console.print(line_of(state), soft_wrap=True)

        state = Run(options, show).run()
    console.print(tables_of(state))
    if file is not None:
        file.write_text(json.dumps(json_of(state), indent=1) + "\n")
    return 0 if state.is_well else 1


def _parse() -> tuple[Options, Path | None]:
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="People do business while processes die. Scheduling is not seeded."
    )
    parser.add_argument("--invoices", type=int, default=defaults.invoices)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--kill-every", dest="kill_every_s", type=float, default=defaults.kill_every_s, metavar="S")
    parser.add_argument("--kills", dest="kills_min", type=int, default=defaults.kills_min, metavar="N")
    parser.add_argument("--save-in", dest="save_s", type=float, metavar="S", help="default: 0.1 s an invoice")
    parser.add_argument("--poll-interval", dest="poll_interval_s", type=int, default=defaults.poll_interval_s)
    parser.add_argument("--longest", dest="longest_s", type=float, default=defaults.longest_s, metavar="S")
    parser.add_argument("--json", dest="file", type=Path, metavar="FILE")
    given = vars(parser.parse_args())
    given["save_s"] = given["save_s"] or 0.1 * given["invoices"]
    names = {each.name for each in fields(Options)}
    return Options(**{name: value for name, value in given.items() if name in names}), given["file"]


if __name__ == "__main__":
    sys.exit(main())
