"""Reference data: what Xero has to choose from is there to choose in Dynamics, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from fakeredis import FakeRedis

from core.columns import ACCOUNT_CODE, BRANDING_THEME, NAME, TAX_TYPE
from core.connections import NEEDS_ATTENTION, Connection
from core.tables import Table
from pipeline.memory import Memory
from pipeline.progress import Counts, Progress, find_progress
from pipeline.reference import CHUNK, MOVED, REFERENCE
from pipeline.work import work
from simulators.wire import Fault, FaultKind
from simulators.xero.people import Person
from simulators.xero.state import Organisation
from tests.simulation.taps import FAULTS, Crash
from tests.world import Line, World

TABLES = (TAX_TYPE, ACCOUNT_CODE, BRANDING_THEME)
LISTS = [f"GET /api.xro/2.0/{name}" for name in ("TaxRates", "Accounts", "BrandingThemes")]


def mark(world: World, connection: Connection | None = None) -> None:
    lane = (connection or world.connection).id
    world.app.lanes.mark(lane, [REFERENCE], due_at=world.app.lanes.now())


def sync(world: World, connection: Connection | None = None) -> None:
    """Somebody asks for it, and a worker does it."""
    mark(world, connection)
    world.work(connection)


def progress(world: World, connection: Connection | None = None) -> Progress:
    found = find_progress(Memory(world.redis, (connection or world.connection).id))
    assert found is not None
    return found


def counts(world: World) -> list[Counts]:
    return [step.counts for step in progress(world).steps]


def rows(world: World, table: Table, connection: Connection | None = None) -> list[dict[str, Any]]:
    """The rows with keys of this connection."""
    mine = (connection or world.connection).id
    return [row for row in world.dynamics.rows(table.set_name) if (row["stl3_key"] or "").startswith(mine)]


def row_of(world: World, table: Table, code: str) -> dict[str, Any]:
    column = "stl3_themeid" if table is BRANDING_THEME else "stl3_code"
    (row,) = (row for row in rows(world, table) if row[column] == code)
    return row


def names(world: World, table: Table, connection: Connection | None = None) -> set[str]:
    """The names that a person can choose among."""
    return {row[NAME] for row in rows(world, table, connection) if row["statecode"] == 0}


def everything(world: World) -> dict[str, dict[str, dict[str, Any]]]:
    return {table.name: {row[table.id_column]: row for row in rows(world, table)} for table in TABLES}


def person(world: World) -> Person:
    return world.xero.user(world.org)


def assert_agrees(world: World, organisation: Organisation | None = None) -> None:
    """What can be chosen in Dynamics is what can be chosen in Xero; each code has one row."""
    books = organisation or world.org
    usable = {
        account["Code"]
        for account in books.accounts.values()
        if account["Status"] == "ACTIVE"
        and account["Code"]
        and account["Type"] != "BANK"
        and account.get("SystemAccount") not in ("DEBTORS", "CREDITORS", "GST", "GSTONIMPORTS")
    }
    taxes = {tax_type for tax_type, rate in books.tax_rates.items() if rate["Status"] == "ACTIVE"}
    for table, column, wanted in (
        (TAX_TYPE, "stl3_code", taxes),
        (ACCOUNT_CODE, "stl3_code", usable),
        (BRANDING_THEME, "stl3_themeid", set(books.branding_themes)),
    ):
        found = rows(world, table)
        assert {row[column] for row in found if row["statecode"] == 0} == wanted
        assert len({row["stl3_key"] for row in found}) == len(found)
        assert {row["_stl3_connector_value"] for row in found} == {world.connection.id}


def change_everything(world: World) -> None:
    """Of each kind something new, something renamed, something gone."""
    xero = person(world)
    xero.add_tax_rate(Name="Import", TaxComponents=[{"Name": "Tax", "Rate": "2.5"}])
    xero.alter_tax_rate("OUTPUT2", Name="VAT 20%")
    xero.archive_tax_rate("EXEMPTINPUT")
    xero.add_account(Code="299", Name="Web shop", Type="REVENUE")
    xero.alter_account("200", Name="Turnover")
    xero.archive_account("260")
    xero.delete_account("270")
    standard, special = world.org.branding_themes
    xero.add_theme("Christmas")
    xero.rename_theme(standard, "Usual")
    xero.delete_theme(special)


# -- what is there afterwards ------------------------------------------------------------------------------


def test_what_xero_has_can_be_chosen_in_dynamics(world: World) -> None:
    """Rule F4: names begin with the code; what stands on no line is not offered."""
    sync(world)

    assert_agrees(world)
    assert {"200 - Sales", "860 - Rounding"} <= names(world, ACCOUNT_CODE)
    assert not any(name.startswith(("090", "450", "610", "800", "820")) for name in names(world, ACCOUNT_CODE))
    assert "NONE - No VAT" in names(world, TAX_TYPE)
    assert not any(name.startswith("TAX001") for name in names(world, TAX_TYPE))
    assert names(world, BRANDING_THEME) == {"Standard", "Special Projects"}
    sales = row_of(world, ACCOUNT_CODE, "200")
    assert (sales["stl3_type"], sales["stl3_class"], sales["stl3_defaulttaxtype"]) == (
        "REVENUE",
        "REVENUE",
        "OUTPUT2",
    )
    vat = row_of(world, TAX_TYPE, "OUTPUT2")
    assert (vat["stl3_rate"], vat["stl3_forrevenue"], vat["stl3_forexpenses"]) == (Decimal(20), True, False)


def test_taxes_come_before_accounts_and_accounts_before_themes(world: World) -> None:
    """Rule F1: one call to Xero each, in this order; and it says how many it created."""
    sync(world)

    assert world.xero_calls() == LISTS
    ended = progress(world)
    assert (ended.state, ended.reason) == ("done", "")
    assert [step.name for step in ended.steps] == ["Tax rates", "Account codes", "Branding themes"]
    for step, table in zip(ended.steps, TABLES, strict=True):
        assert step.counts == Counts(created=len(rows(world, table)))
        assert step.total == step.counts.total


def test_the_second_time_nothing_is_written(world: World) -> None:
    """Rule F2: three calls to Xero, one to Dynamics, and no row has another version."""
    sync(world)
    before = everything(world)
    world.pass_time(seconds=30)
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()

    sync(world)

    assert everything(world) == before
    assert world.xero_calls() == LISTS
    assert len(world.dynamics_calls()) == 1
    assert counts(world) == [Counts(unchanged=len(rows(world, table))) for table in TABLES]


def test_changes_in_xero_arrive_and_nothing_is_deleted(world: World) -> None:
    """Rule F2: new, renamed, archived, gone, of each kind; and the counts say so."""
    sync(world)
    before = everything(world)

    change_everything(world)
    sync(world)

    assert_agrees(world)
    assert {"200 - Turnover", "299 - Web shop"} <= names(world, ACCOUNT_CODE)
    assert {"OUTPUT2 - VAT 20%", "TAX002 - Import"} <= names(world, TAX_TYPE)
    assert names(world, BRANDING_THEME) == {"Usual", "Christmas"}
    assert all(before[table].keys() < after.keys() for table, after in everything(world).items())
    assert row_of(world, ACCOUNT_CODE, "260")["stl3_status"] == "ARCHIVED"
    assert row_of(world, ACCOUNT_CODE, "270")["stl3_status"] == "DELETED"
    changed = [(one.created, one.updated, one.deactivated, one.reactivated) for one in counts(world)]
    assert changed == [(1, 1, 1, 0), (1, 1, 2, 0), (1, 1, 1, 0)]


def test_what_comes_back_is_the_row_that_it_was(world: World) -> None:
    """Rule F2: invoices that name it name it still."""
    sync(world)
    row_id = row_of(world, ACCOUNT_CODE, "260")[ACCOUNT_CODE.id_column]
    person(world).archive_account("260")
    sync(world)

    person(world).restore_account("260")
    sync(world)

    row = row_of(world, ACCOUNT_CODE, "260")
    assert (row[ACCOUNT_CODE.id_column], row["statecode"], row["stl3_status"]) == (row_id, 0, "ACTIVE")
    assert counts(world)[1].reactivated == 1


def test_rows_of_people_and_of_other_connections_are_left_alone(world: World) -> None:
    """Rule F2: each connection has its own keys; a row without one is a person's (I4)."""
    other, books = world.join_second()
    own = world.sales.create(ACCOUNT_CODE.name, {NAME: "Ours", "stl3_code": "200"})
    keyed = world.sales.create(
        ACCOUNT_CODE.name, {NAME: "Hers", "stl3_key": "200", "stl3_Connector@odata.bind": world.binding(other)}
    )
    before = [world.sales.get(ACCOUNT_CODE.name, row_id) for row_id in (own, keyed)]

    sync(world)
    sync(world, other)
    world.xero.user(books).archive_account("200")
    sync(world, other)
    sync(world)

    assert_agrees(world)
    assert "200 - Sales" not in names(world, ACCOUNT_CODE, other)
    assert {row["_stl3_connector_value"] for row in rows(world, ACCOUNT_CODE, other)} == {other.id}
    assert [world.sales.get(ACCOUNT_CODE.name, row_id) for row_id in (own, keyed)] == before


@pytest.mark.parametrize("code", ["A'B", "A/B", "A:B", "50%", "ü&é", "a+b", "#1 (x)", "€😀", "<1>"])
def test_a_code_may_be_written_in_any_characters(world: World, code: str) -> None:
    """Alternate keys in addresses could not hold them; rows are told apart by the keys that were read."""
    person(world).add_account(Code=code, Name="Odd", Type="REVENUE")
    sync(world)
    person(world).alter_account(code, Name="Odder")
    sync(world)
    before = everything(world)
    sync(world)

    assert row_of(world, ACCOUNT_CODE, code)[NAME] == f"{code} - Odder"
    assert everything(world) == before


def test_a_name_that_is_too_long_is_cut_once(world: World) -> None:
    """Rule F4: the code stays whole, and a name that was cut is no difference."""
    theme = person(world).add_theme("Blue " * 80)
    sync(world)
    before = everything(world)
    sync(world)

    assert row_of(world, BRANDING_THEME, theme["BrandingThemeID"])[NAME].endswith("Blue…")
    assert everything(world) == before


def test_an_account_that_is_new_in_xero_is_known_at_once(world: World) -> None:
    """The books that invoices are made with are forgotten, or a line with the new row would fail for an hour."""
    first = world.save_invoice(Line("Work", "10.00"))
    world.mark(first)
    world.work()
    person(world).add_account(Code="299", Name="Web shop", Type="REVENUE", TaxType="ZERORATEDOUTPUT")

    sync(world)

    invoice_id = world.save_invoice(Line("Work", "20.00", row=on_account(world, "299")))
    world.mark(invoice_id)
    world.work()
    (document,) = world.documents_of(invoice_id)
    assert [(line["AccountCode"], line["TaxType"]) for line in document["LineItems"]] == [("299", "ZERORATEDOUTPUT")]


def on_account(world: World, code: str) -> dict[str, Any]:
    row_id = row_of(world, ACCOUNT_CODE, code)[ACCOUNT_CODE.id_column]
    return {"stl3_AccountCode@odata.bind": f"/{ACCOUNT_CODE.set_name}({row_id})"}


def test_a_line_that_names_what_was_archived_fails_and_says_so(world: World) -> None:
    """F51: Rule F4: the row was deactivated by the synchronisation; the failure names row and line."""
    sync(world)
    (standard, *_) = world.org.branding_themes
    theme_id = row_of(world, BRANDING_THEME, standard)[BRANDING_THEME.id_column]
    tax_id = row_of(world, TAX_TYPE, "OUTPUT2")[TAX_TYPE.id_column]
    tax = {"stl3_TaxType@odata.bind": f"/{TAX_TYPE.set_name}({tax_id})"}
    bound = {"stl3_BrandingTheme@odata.bind": f"/{BRANDING_THEME.set_name}({theme_id})"}
    invoice_id = world.save_invoice(Line("Advice", "10.00", row=on_account(world, "260") | tax), **bound)
    person(world).archive_account("260")
    person(world).archive_tax_rate("OUTPUT2")
    person(world).delete_theme(standard)

    sync(world)
    world.mark(invoice_id)
    world.work()

    assert (world.status(invoice_id), world.documents()) == ("Failed", [])
    (told,) = world.history(invoice_id)
    for words in (
        "Account code of line “Advice”: “260 - Other Revenue” is no longer in use",
        "Tax type of line “Advice”: “OUTPUT2 - 20% (VAT on Income)” is no longer in use",
        "Branding theme: “Standard” is no longer in use",
    ):
        assert words in told["stl3_details"]


def test_a_line_that_names_another_connections_row_fails(world: World) -> None:
    """Rule F4: the code may mean something else over there."""
    other, _ = world.join_second()
    sync(world, other)
    (theirs,) = (row for row in rows(world, ACCOUNT_CODE, other) if row["stl3_code"] == "200")
    bind = {"stl3_AccountCode@odata.bind": f"/{ACCOUNT_CODE.set_name}({theirs[ACCOUNT_CODE.id_column]})"}
    invoice_id = world.save_invoice(Line("Advice", "10.00", row=bind))

    world.mark(invoice_id)
    world.work()

    assert world.status(invoice_id) == "Failed"
    assert "“200 - Sales” belongs to another connection" in world.history(invoice_id)[0]["stl3_details"]


def test_it_is_quiet_afterwards(world: World) -> None:
    """I5: nothing is due, and invoices were not touched."""
    sync(world)

    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    assert world.woken == []
    assert all(found == [] for found in world.rows_of_ours().values())


# -- what can go wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "status"), FAULTS)
def test_a_fault_at_any_call_only_delays(fresh_world: Callable[[], World], kind: FaultKind, status: int) -> None:
    """Rule F2: repeated from the start, with the changes of a day to carry."""
    for side, calls in (("xero", 3), ("dynamics", 4)):
        for number in count():
            world = fresh_world()
            sync(world)
            change_everything(world)
            wire = getattr(world, side).wire
            wire.inject(Fault(match="/api", kind=kind, skip=number, status=status))

            sync(world)
            if wire.faults:
                assert number >= calls
                break
            assert progress(world).state == "waiting"
            assert progress(world).reason
            world.settle()

            assert_agrees(world)
            assert progress(world).state == "done"


@pytest.mark.parametrize("first", [False, True])
def test_a_crash_after_any_call_only_delays(fresh_world: Callable[[], World], *, first: bool) -> None:
    """Rule F2: the process dies around any call to Xero, Dynamics or Redis."""
    for number in count(1):
        world = fresh_world()
        if not first:
            sync(world)
        change_everything(world)
        mark(world)
        world.tap.crash_after_effect(number)

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 25
            break
        world.settle()

        assert_agrees(world)
        assert progress(world).state == "done"
        assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}


def test_a_crash_between_two_calls_of_many_rows_makes_no_row_twice(fresh_world: Callable[[], World]) -> None:
    """What the first calls wrote is there; the next worker writes the rest."""
    for number in range(2, 6):
        world = fresh_world()
        add_accounts(world, 2 * CHUNK)
        mark(world)
        world.tap.crash_after_effect(number, only="POST contoso")

        with pytest.raises(Crash):
            world.work()
        world.die()
        world.settle()

        assert_agrees(world)


def add_accounts(world: World, number: int) -> None:
    for index in range(number):
        person(world).add_account(Code=f"N{index:04d}", Name=f"Account {index}", Type="EXPENSE")


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_was_frozen_does_no_harm(world: World, number: int, *, after: bool) -> None:
    """Another worker did it meanwhile, from newer lists: the lease or the row's version stops the first one.

    A row that the other one had no need to touch has no other version; what slips through there when the process
    freezes in the very call is put right the next night.
    """
    sync(world)
    change_everything(world)
    left = number

    def freeze(name: str) -> None:
        nonlocal left
        if "contoso" in name or "xero" in name:
            left -= 1
            if left == 0:
                world.tap.close()
                person(world).alter_account("200", Name="Income")
                person(world).restore_account("260")
                world.pass_time(seconds=20)
                work(world.new_process(), world.connection.id)

    world.tap.before, world.tap.after = (world.tap.before, freeze) if after else (freeze, world.tap.after)
    sync(world)
    world.settle()

    assert left <= 0
    assert "200 - Income" in names(world, ACCOUNT_CODE)
    sync(world)
    assert_agrees(world)
    assert [each.deactivated + each.updated + each.created + each.refused for each in counts(world)] == [0, 0, 0]


def test_a_row_that_dynamics_refuses_holds_up_no_other(world: World) -> None:
    """Rule F1: it is named with Dynamics' own words, counted, and tried again the next time."""
    odd = {**world.org.tax_rates["OUTPUT2"], "TaxType": "T" * 60, "Name": "Far too long a code"}
    world.org.tax_rates.save(odd)

    sync(world)

    ended = progress(world)
    assert (ended.state, ended.has_ended) == ("failed", True)
    (refusal,) = ended.steps[0].refusals
    assert refusal.startswith(f"{'T' * 60} - Far too long a code: ")
    assert "exceeded the maximum allowed length" in refusal
    assert ended.steps[0].counts.refused == 1
    assert [step.state for step in ended.steps] == ["done", "done", "done"]
    assert "200 - Sales" in names(world, ACCOUNT_CODE)
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    person(world).archive_tax_rate("T" * 60)
    sync(world)
    assert progress(world).state == "done"


@pytest.mark.parametrize("deleted", [False, True])
def test_a_row_that_moved_since_it_was_read_is_read_again(world: World, *, deleted: bool) -> None:
    """A person renames or deletes it between our reading and our writing; others are written all the same."""
    sync(world)
    change_everything(world)
    row_id = row_of(world, ACCOUNT_CODE, "200")[ACCOUNT_CODE.id_column]
    aside = Memory(FakeRedis(server=world.redis_server, decode_responses=True), world.connection.id)
    told: list[tuple[str, str, Counts]] = []

    def look(_name: str) -> None:
        seen = find_progress(aside)
        assert seen is not None
        told.append((seen.state, seen.reason, seen.steps[1].counts))

    def meddle() -> None:
        if deleted:
            world.sales.delete(ACCOUNT_CODE.name, row_id)
        else:
            world.sales.update(ACCOUNT_CODE.name, row_id, {NAME: "My own words"})
        world.tap.after = look

    world.tap.when("GET api.xero.com/api.xro/2.0/Accounts", meddle)
    world.xero.wire.forget_calls()
    sync(world)

    assert next(counted for state, reason, counted in told if (state, reason) == ("waiting", MOVED)).updated == 0
    assert world.xero_calls() == LISTS * 2
    assert_agrees(world)
    assert "200 - Turnover" in names(world, ACCOUNT_CODE)
    assert progress(world).state == "done"


def test_a_key_that_another_row_has_is_named_and_not_tried_for_ever(world: World) -> None:
    """A person takes the key between our reading and our writing: the next time that row is ours."""
    key = f"{world.connection.id}:200"
    taken: list[str] = []

    def take() -> None:
        taken.append(world.sales.create(ACCOUNT_CODE.name, {NAME: "Imported", "stl3_key": key}))

    world.tap.when("GET api.xero.com/api.xro/2.0/Accounts", take)
    sync(world)

    assert progress(world).steps[1].counts.refused == 1
    assert progress(world).steps[1].refusals[0].startswith("200 - Sales: ")
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    sync(world)
    assert_agrees(world)
    assert world.sales.get(ACCOUNT_CODE.name, taken[0])[NAME] == "200 - Sales"


def test_a_row_that_lost_its_key_is_found_by_its_id(world: World) -> None:
    """A person empties the column: the row is not made a second time."""
    sync(world)
    row_id = row_of(world, ACCOUNT_CODE, "200")[ACCOUNT_CODE.id_column]
    world.sales.update(ACCOUNT_CODE.name, row_id, {"stl3_key": None})

    sync(world)

    assert_agrees(world)
    assert row_of(world, ACCOUNT_CODE, "200")[ACCOUNT_CODE.id_column] == row_id


def test_what_a_person_changed_on_our_rows_says_again_what_xero_says(world: World) -> None:
    """Rule F2: the rows follow Xero, their state too."""
    sync(world)
    row_id = row_of(world, ACCOUNT_CODE, "200")[ACCOUNT_CODE.id_column]
    world.sales.update(ACCOUNT_CODE.name, row_id, {NAME: "Mine", "stl3_Connector@odata.bind": None})
    other_id = row_of(world, ACCOUNT_CODE, "260")[ACCOUNT_CODE.id_column]
    world.sales.update(ACCOUNT_CODE.name, other_id, {"statecode": 1, "statuscode": 2})

    sync(world)

    assert_agrees(world)
    assert "200 - Sales" in names(world, ACCOUNT_CODE)
    assert (counts(world)[1].updated, counts(world)[1].reactivated) == (1, 1)


@pytest.mark.parametrize("place", range(3))
def test_a_list_without_an_end_deactivates_nothing(world: World, place: int) -> None:
    """Every organisation has taxes, accounts and a theme: an empty answer is not believed, and the rest goes on."""
    sync(world)
    before = everything(world)
    plural = LISTS[place].rsplit("/", 1)[1]
    empty = f'{{"Status": "OK", "DateTimeUTC": "/Date(1795512600000)/", "{plural}": []}}'
    fault = Fault(match=LISTS[place], kind="status-before", status=200, body=empty)
    world.xero.wire.inject(fault)

    sync(world)

    assert everything(world) == before
    assert progress(world).state == "failed"
    assert [step.state for step in progress(world).steps] == [
        "failed" if place == number else "done" for number in range(3)
    ]
    assert progress(world).steps[place].reason.startswith("Xero lists none")


def test_a_list_that_xero_refuses_holds_up_no_other(world: World) -> None:
    world.xero.wire.inject(Fault(match=LISTS[2], kind="status-before", status=404))

    sync(world)

    assert [step.state for step in progress(world).steps] == ["done", "done", "failed"]
    assert "404" in progress(world).steps[2].reason
    assert names(world, ACCOUNT_CODE)
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}


def test_a_limit_of_xero_is_told_and_waited_for(world: World) -> None:
    """Rule F1: whoever watches sees why it does not go on; it begins again by itself."""
    headers = {"X-Rate-Limit-Problem": "day", "Retry-After": "1200"}
    world.xero.wire.inject(Fault(match=LISTS[1], kind="status-before", status=429, headers=headers))

    sync(world)

    waits = progress(world)
    assert (waits.state, waits.has_ended) == ("waiting", False)
    assert "day" in waits.reason
    assert [step.state for step in waits.steps] == ["done", "running", "waiting"]
    assert world.app.lanes.rests_until(world.connection.id) == world.clock.now() + timedelta(seconds=1200)
    world.settle()
    assert_agrees(world)
    assert progress(world).state == "done"


def test_a_right_that_is_missing_stops_the_connection_and_says_which(world: World) -> None:
    """The administrator mends it; then the rest is written."""
    world.dynamics.deny(world.app_user, "prvWritestl3_chartofaccounts")
    world.dynamics.deny(world.app_user, "prvCreatestl3_chartofaccounts")

    sync(world)

    stopped = world.app.connections.find(world.connection.id)
    assert stopped is not None
    assert stopped.state == NEEDS_ATTENTION
    assert "prvCreatestl3_chartofaccounts" in stopped.state_reason.replace("prvWrite", "prvCreate")
    assert progress(world).reason == stopped.state_reason
    assert names(world, TAX_TYPE)
    for privilege in ("Write", "Create"):
        world.dynamics.allow(world.app_user, f"prv{privilege}stl3_chartofaccounts")
    world.settle()
    assert_agrees(world)


def test_many_rows_are_written_in_portions_and_can_be_watched(world: World) -> None:
    """Rule F1: which step, how many of how many, at any moment."""
    add_accounts(world, 2 * CHUNK + 30)
    seen: list[tuple[str, int, int | None]] = []

    def look(name: str) -> None:
        if name.startswith("POST contoso") and find_progress(Memory(world.redis, world.connection.id)) is not None:
            seen.extend(
                (step.name, step.counts.total, step.total)
                for step in progress(world).steps
                if step.state == "running"
            )

    world.tap.before = look
    sync(world)

    total = len(rows(world, ACCOUNT_CODE))
    assert [step for step in seen if step[0] == "Account codes"] == [
        ("Account codes", 0, total),
        ("Account codes", CHUNK, total),
        ("Account codes", 2 * CHUNK, total),
    ]
    assert_agrees(world)
    assert progress(world).steps[1].counts.created == total


def test_more_rows_than_a_page_are_all_seen(world: World) -> None:
    """Dynamics gives 1,000 at once: those on the next page are no new ones."""
    add_accounts(world, 1010)
    sync(world)
    before = everything(world)

    sync(world)

    assert everything(world) == before
    assert counts(world)[1] == Counts(unchanged=len(rows(world, ACCOUNT_CODE)))
    assert len(rows(world, ACCOUNT_CODE)) > 1010


def test_invoices_of_the_same_batch_go_all_the_same(world: World) -> None:
    """They come first; a synchronisation that fails for good costs them nothing."""
    world.xero.wire.inject(Fault(match=LISTS[0], kind="status-before", status=404))
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)

    sync(world)

    world.assert_exported_once(*invoice_ids)
    assert progress(world).state == "failed"
