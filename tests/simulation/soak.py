"""Run many seeds for hours: `make soak SEEDS=0-999`; says how far it is, and which seeds fail and how.

`make soak SEEDS=paying-500` lets Hypothesis make up so many runs of `tests.simulation.paying` instead.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path

import structlog
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.judging import judge
from tests.simulation.paying import Paying
from tests.world import START, World


def main(seeds: str) -> int:
    first, _, last = seeds.partition("-")
    if first == "paying":
        return pay(int(last or 500))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    failed, started = [], time.perf_counter()
    wanted = range(int(first), int(last or first) + 1)
    for done, seed in enumerate(wanted, start=1):
        if words := complaint_of(seed):
            failed.append(seed)
            print(f"\nseed {seed}: {words}", flush=True)
        rate = done / (time.perf_counter() - started) * 60
        print(f"\r{done} of {len(wanted)}, {len(failed)} failed, {rate:.0f} a minute ", end="", flush=True)
    print(f"\nfailed: {failed or 'none'}")
    return 1 if failed else 0


def pay(examples: int) -> int:
    """Raise what the first run raises that fails, with its steps: there is no end to making it shorter."""
    profile = settings(
        max_examples=examples,
        stateful_step_count=60,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Paying, settings=profile)
    print(f"{examples} runs, none failed")
    return 0


def complaint_of(seed: int) -> str:
    """Return why the seed fails; empty if it holds."""
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(START, tick=False) as travel:
        world = World(Path(folder), travel)
        try:
            wrong = judge(world, seed)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-3:]
            return f"{type(error).__name__}: {error}\n" + "".join(traceback.format_list(where))
        finally:
            world.engine.dispose()
        return "\n  ".join([*wrong, *world.described.complaints])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
