"""The simulation of everything at once, and the proof that its net catches; `make simulate` runs far more seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import simulate
from tests.simulation.bugs import BUGS, planted
from tests.simulation.fault_plan import ALL, Plan, Step
from tests.simulation.scheduling import Process, Scheduler
from tests.simulation.shortening import shorten
from tests.simulation.simulate import Seen, live
from tests.world import START

# What catches it at once; `make simulate SEEDS=0-499 BUG=all` looks for a seed for each.
CAUGHT = {"unknown-taken-for-failed": range(15, 60), "no-poll-of-dynamics": range(3, 20)}


@pytest.mark.parametrize("seed", range(1000, 1005))
def test_a_town_comes_to_rest_with_nothing_lost_and_nothing_doubled(seed: int) -> None:
    """I1 to I5, the ledger, nothing stranded, whatever the seed has drawn."""
    assert live(seed).wrong == []


def test_a_seed_is_replayed_exactly() -> None:
    """The same acts, faults, calls and words, twice."""
    first, second = live(1003), live(1003)

    assert first.told == second.told
    assert first == second
    assert first.faults
    assert first.calls


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_deliberate_bug_is_caught(name: str) -> None:
    """A net that never caught anything proves nothing."""
    with planted(name):
        assert any(live(seed).wrong for seed in CAUGHT[name])


def test_a_bug_is_planted_for_a_while_only() -> None:
    """Otherwise it would stand in the way of every test behind it."""
    with planted("no-poll-of-dynamics"):
        pass

    assert live(1001).wrong == []
    assert len(BUGS) >= 12


def test_what_is_left_out_does_not_happen_and_leaves_the_rest_as_it_is() -> None:
    """By this a story is made shorter."""
    whole = live(1002)
    faults = [step for _, _, step in whole.told if step[0] != "act"]
    first = faults[0]

    without = live(1002, frozenset([first]))

    assert first not in [step for _, _, step in without.told]
    assert without.told[0] == whole.told[0]


def test_a_story_is_made_as_short_as_it_still_fails() -> None:
    """Two of forty things are to blame, and both are needed."""
    steps: list[Step] = [("act", number) for number in range(40)]
    blamed = {("act", 7), ("act", 31)}

    left_out = shorten(steps, lambda out: not blamed & out, tries=100)

    assert set(steps) - left_out == blamed


def test_every_kind_of_fault_can_happen_and_none_does_after_the_end() -> None:
    """A kind that is never drawn would prove nothing."""
    seen = {kind for seed in range(60) for kind, rate in Plan(str(seed), lambda: START).rates.items() if rate}
    assert seen == set(ALL)

    plan = Plan("1", lambda: START)
    plan.rates = dict.fromkeys(ALL, 1.0)
    assert plan.happens("event lost")
    plan.stop()
    assert not plan.happens("event lost")


def test_a_process_that_is_killed_goes_on_nowhere_and_one_that_is_frozen_later() -> None:
    """What the simulation of everything rests on."""
    import random  # noqa: PLC0415 - only here
    from datetime import timedelta  # noqa: PLC0415

    now = [START]
    did: list[str] = []

    def pass_time(delta: timedelta) -> None:
        now[0] += delta

    scheduler = Scheduler(random.Random(1), lambda: now[0], pass_time)

    def run(name: str) -> None:
        for number in range(3):
            did.append(f"{name} {number}")
            scheduler.sleep(10)

    doomed, frozen = Process("doomed"), Process("frozen")
    scheduler.spawn("doomed", lambda: run("doomed"), doomed)
    scheduler.spawn("frozen", lambda: run("frozen"), frozen)
    scheduler.run(5)
    scheduler.kill(doomed)
    scheduler.freeze(frozen, 100)
    scheduler.run(60)
    assert sorted(did) == ["doomed 0", "frozen 0"]

    scheduler.run(60)
    assert sorted(did) == ["doomed 0", "frozen 0", "frozen 1", "frozen 2"]
    scheduler.close()


def test_the_command_says_what_was_wrong_and_how_to_see_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit code is 1 then, and the figures are in the file."""
    failing = Seen(4, ["doubled"], mode="events alone")
    monkeypatch.setattr(simulate, "simulate", lambda *_args, **_options: iter([Seen(3, []), failing]))

    assert simulate.main(["3-4", "--json", str(tmp_path / "figures.json")]) == 1

    printed = capsys.readouterr().out
    assert "seed 4 (events alone): doubled" in printed
    assert "make simulate SEEDS=4" in printed
    assert '"violations": {\n  "4"' in (tmp_path / "figures.json").read_text()
