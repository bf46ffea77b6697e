"""The installer against the simulated Dynamics: from nothing to verified, whatever breaks, however often it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from core import columns
from core.errors import Disconnected, Misconfigured, Unknown
from simulators.dataverse.import_state import Failure
from solution.install.site import Package
from solution.install.standing import look, plan
from solution.install.uninstalling import uninstall
from solution.webhook import ENDPOINT_ID, STEPS
from tests.contract.solution_world import APP, WEBHOOK, SolutionWorld, open_solution_world, with_address
from tests.simulation.taps import Crash

OWN_SETS = [table.set_name for table in columns.TABLES]


@pytest.fixture
def world() -> Iterator[SolutionWorld]:
    with open_solution_world() as opened:
        yield opened


def save_invoice(world: SolutionWorld) -> str:
    person = world.env.user()
    customer = person.create("accounts", {"name": "Fabrikam"})
    return str(person.create("invoices", {"name": "I-1", "customerid_account@odata.bind": f"/accounts({customer})"}))


def test_from_an_empty_organisation_to_one_that_posts_to_us(world: SolutionWorld) -> None:
    world.install()

    assert world.version() == "1.0.0.0"
    assert world.drifts() == []
    (endpoint,) = (row for row in world.env.rows("serviceendpoints") if row["serviceendpointid"] == ENDPOINT_ID)
    assert (endpoint["url"], endpoint["authtype"], endpoint["isauthvalueset"]) == (WEBHOOK.address, 5, True)
    assert {row["statecode"] for row in world.env.rows("sdkmessageprocessingsteps")} == {0}
    save_invoice(world)
    posts = world.env.outbox.pending()
    assert {post.url for post in posts} == {WEBHOOK.address}
    assert {post.headers["x-connector-secret"] for post in posts} == {"s3cr&t"}
    assert world.told[-1] == "Verified"
    assert any("Importing" in words for words in world.told)


def test_nothing_is_posted_before_the_address_is_set(world: SolutionWorld) -> None:
    world.tap.crash_at(1, after=False, only="PATCH contoso")

    with pytest.raises(Crash):
        world.install()

    world.tap.close()
    save_invoice(world)
    assert world.env.outbox.pending() == []
    assert {row["statecode"] for row in world.env.rows("sdkmessageprocessingsteps")} == {1}


def test_a_second_run_imports_nothing_and_changes_nothing(world: SolutionWorld) -> None:
    world.install()
    steps = world.env.rows("sdkmessageprocessingsteps")
    world.told.clear()

    world.install()

    assert world.imports() == 1
    assert world.env.rows("sdkmessageprocessingsteps") == steps
    assert "Version 1.0.0.0 is installed" in world.told


def test_the_address_and_the_secret_can_be_changed_by_running_it_again(world: SolutionWorld) -> None:
    world.install()

    world.install(webhook=with_address("https://elsewhere.example/webhooks/dynamics/abc"))

    (endpoint,) = (row for row in world.env.rows("serviceendpoints") if row["serviceendpointid"] == ENDPOINT_ID)
    assert endpoint["url"] == "https://elsewhere.example/webhooks/dynamics/abc"


def test_an_upgrade_keeps_rows_address_and_steps(world: SolutionWorld) -> None:
    world.install()
    kept = world.env.user().create(OWN_SETS[2], {"stl3_name": "I-1", "stl3_dynamicsinvoiceid": "i-1"})

    world.install(version="1.0.1.0")

    assert world.version() == "1.0.1.0"
    assert world.drifts() == []
    assert [row["stl3_xerodetailsid"] for row in world.env.rows(OWN_SETS[2])] == [kept]
    assert world.imports() == 2


def test_an_unmanaged_package_is_published_and_cannot_be_removed_by_us(world: SolutionWorld) -> None:
    world.install(managed=False)

    assert "Published" in world.told
    assert world.drifts() == []
    with pytest.raises(Misconfigured, match="unmanaged, for development"):
        uninstall(world.site())


def test_what_is_removed_is_gone_with_its_rows(world: SolutionWorld) -> None:
    world.install()
    invoice_id = save_invoice(world)
    world.env.user().create(OWN_SETS[0], {"stl3_name": "C", "stl3_connectionid": "c-1"})

    assert uninstall(world.site())

    assert world.version() is None
    assert [row["invoiceid"] for row in world.env.rows("invoices")] == [invoice_id]
    assert "stl3_connector" not in str(world.env.rows("invoices"))
    assert {drift.kind for drift in world.drifts_of_admin()} >= {"table", "column", "step", "endpoint", "role"}
    assert not uninstall(world.site())
    world.install()
    assert world.drifts() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_call_it_goes_on_when_it_is_run_again(*, after: bool) -> None:
    """Install, use, upgrade, uninstall, each at every call: never a second import, and nothing is left over."""
    for number in count(1):
        with open_solution_world() as world:
            crashes = [killed(world, number, world.install, after=after)]
            assert (world.imports(), world.drifts(), world.version()) == (1, [], "1.0.0.0")
            kept = world.env.user().create(OWN_SETS[2], {"stl3_name": "I-1", "stl3_dynamicsinvoiceid": "i-1"})
            crashes.append(killed(world, number, lambda: world.install(version="1.1.0.0"), after=after))
            assert (world.imports(), world.drifts(), world.version()) == (2, [], "1.1.0.0")
            assert [row["stl3_xerodetailsid"] for row in world.env.rows(OWN_SETS[2])] == [kept]
            crashes.append(killed(world, number, lambda: uninstall(world.site()), after=after))
            assert (world.imports(), world.version()) == (2, None)
            assert world.env.rows("serviceendpoints") == world.env.rows("sdkmessageprocessingsteps") == []
        if not any(crashes):
            assert number > 10
            return


def killed(world: SolutionWorld, number: int, action: Callable[[], object], *, after: bool) -> bool:
    """Let it die at the so-manieth call, and run it again; return whether it died."""
    world.tap.crash_at(number, after=after)
    has_died = False
    try:
        action()
    except Crash:
        has_died = True
    world.tap.close()
    action()
    return has_died


@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "status-before", "status-after"])
@pytest.mark.parametrize("action", ["ImportSolutionAsync", "StageAndUpgradeAsync"])
def test_a_lost_answer_never_makes_a_second_import(world: SolutionWorld, action: str, kind: str) -> None:
    """Dynamics is looked into; where no import has begun, the next run begins one."""
    if action == "StageAndUpgradeAsync":
        world.install()
    imports = world.imports()
    world.fail(action, kind, status=503)

    if kind.endswith("before"):  # what had not begun after a minute of looking, the next run begins
        with pytest.raises(Unknown, match="looks before it imports"):
            world.install(version="1.0.2.0")
    world.install(version="1.0.2.0")

    assert world.imports() == imports + 1
    assert (world.version(), world.drifts()) == ("1.0.2.0", [])


def test_an_import_that_somebody_else_began_is_followed(world: SolutionWorld) -> None:
    world.tap.crash_at(1, after=True, only="POST contoso.crm4.dynamics.com/api/data/v9.2/ImportSolutionAsync")
    with pytest.raises(Crash):
        world.install()
    world.tap.close()
    assert world.version() is None

    world.install()

    assert world.imports() == 1
    assert "An import of the solution is under way; following it" in world.told


def test_an_import_that_never_ends_holds_nobody_up_for_ever(world: SolutionWorld) -> None:
    """A restart of the server may leave a job without an end."""
    world.install()
    (job,) = world.env.rows("importjobs")
    world.env.overwrite("importjob", job["importjobid"], {"completedon": None})
    world.wait(3600)

    world.install(version="1.0.1.0")

    assert world.version() == "1.0.1.0"


def test_parts_that_somebody_deleted_come_back_by_importing_again(world: SolutionWorld) -> None:
    world.install()
    (form,) = (row for row in world.env.rows("systemforms") if row["name"] == "Invoice Product")
    world.env.lose_row("systemform", form["formid"])
    with pytest.raises(Misconfigured, match="Invoice Product: it is missing; `connector solution install --again`"):
        world.install()

    world.install(again=True)

    assert world.drifts() == []
    assert world.imports() == 2


def test_without_its_webhook_the_package_is_imported_and_the_steps_are_registered(world: SolutionWorld) -> None:
    """For an organisation that does not take them in a package."""
    world.install(by_api=True)

    assert world.drifts() == []
    assert {row["ismanaged"] for row in world.env.rows("sdkmessageprocessingsteps")} == {False}
    world.install(version="1.0.1.0", by_api=True)
    assert world.drifts() == []
    assert uninstall(world.site())
    assert world.env.rows("serviceendpoints") == world.env.rows("sdkmessageprocessingsteps") == []


def test_an_endpoint_that_somebody_deleted_is_named(world: SolutionWorld) -> None:
    world.install()
    for row in world.env.rows("sdkmessageprocessingsteps"):
        world.env.lose_row("sdkmessageprocessingstep", row["sdkmessageprocessingstepid"])
    with pytest.raises(Misconfigured, match="does not have these steps of the solution: Stellarise"):
        world.install()
    world.env.lose_row("serviceendpoint", ENDPOINT_ID)

    with pytest.raises(Misconfigured, match="webhook endpoint"):
        world.install()


def test_silence_while_it_is_followed_is_borne(world: SolutionWorld) -> None:
    world.fail("importjobs", "status-before", status=503, times=3, skip=2)

    world.install()

    assert world.drifts() == []
    assert any("Dynamics does not answer" in words for words in world.told)


# -- what cannot be -----------------------------------------------------------------------------------------


def test_without_sales_nothing_is_imported() -> None:
    with open_solution_world(with_sales=False) as world:
        with pytest.raises(Misconfigured, match="Dynamics 365 Sales is not installed"):
            world.install()
        assert world.imports() == 0


def test_without_the_right_nothing_is_imported(world: SolutionWorld) -> None:
    world.env.set_roles(world.app_user_id, ("Salesperson",))
    site = world.site(APP)

    with pytest.raises(Disconnected):
        world.install_as(site)

    assert world.imports() == 0
    assert any("has no role System Administrator" in words for words in world.told)


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        ((True, "2.0.0.0"), (True, "1.9.9.9"), "which is newer than this 1.9.9.9"),
        ((True, "1.0.0.0"), (False, "1.0.1.0"), "install the managed one"),
        ((False, "1.0.0.0"), (True, "1.0.1.0"), "unmanaged solution, for development"),
    ],
)
def test_what_would_harm_is_refused_before_anything_is_sent(
    world: SolutionWorld, first: tuple[bool, str], then: tuple[bool, str], words: str
) -> None:
    world.install(managed=first[0], version=first[1])

    with pytest.raises(Misconfigured, match=words):
        world.install(managed=then[0], version=then[1])

    assert world.imports() == 1
    assert world.version() == first[1]


def test_an_unmanaged_one_is_updated_by_an_import(world: SolutionWorld) -> None:
    world.install(managed=False)
    package = Package.ours(is_managed=False, version="1.0.1.0")
    assert plan(look(world.dataverse()), package) == "import"

    world.install(managed=False, version="1.0.1.0")

    assert world.version() == "1.0.1.0"


def test_what_staging_finds_is_told_with_what_to_do(world: SolutionWorld) -> None:
    world.env.imports.next_stage = (Failure(0x8004801A - 2**32, "XSD validation failed. The 'x' is not declared."),)

    with pytest.raises(Misconfigured) as refused:
        world.install()

    assert "XSD validation failed" in str(refused.value)
    assert "Report it to our support" in str(refused.value)
    assert world.imports() == 0


def test_an_import_that_fails_is_told_by_component_and_may_be_tried_again(world: SolutionWorld) -> None:
    world.env.imports.next_failures = (
        Failure(0x8004F036 - 2**32, "The dependent component SystemForm does not exist.", "entity", "invoice"),
    )

    with pytest.raises(Misconfigured) as failed:
        world.install()

    assert "The dependent component SystemForm does not exist" in str(failed.value)
    assert "Is Dynamics 365 Sales installed" in str(failed.value)
    assert world.version() is None
    world.install()
    assert world.drifts() == []


def test_a_cancelled_import_is_told_as_such(world: SolutionWorld) -> None:
    world.env.imports.next_cancelled = True

    with pytest.raises(Misconfigured, match="cancelled the import"):
        world.install()


def test_an_import_without_end_is_given_up_after_an_hour(world: SolutionWorld) -> None:
    world.env.imports.duration_s = 7200

    with pytest.raises(Misconfigured, match="not ended after an hour"):
        world.install()


def test_an_app_that_is_no_user_is_named_before_anything_is_imported(world: SolutionWorld) -> None:
    with pytest.raises(Misconfigured, match="no application user for the app 00000000"):
        world.install_for("00000000-0000-4000-8000-000000000000")
    assert world.imports() == 0


def test_another_import_that_runs_is_told_as_such(world: SolutionWorld) -> None:
    busy = {"error": {"code": "0x80071151", "message": "Cannot start another [Import]: a previous [Import] runs."}}
    world.fail("ImportSolutionAsync", "status-before", status=429, body=json.dumps(busy))

    with pytest.raises(Misconfigured, match="starts no import now"):
        world.install()

    world.install()
    assert world.imports() == 1


def test_something_of_the_customers_that_depends_on_us_keeps_the_solution(world: SolutionWorld) -> None:
    world.install()
    world.env.customise(
        {
            "tables": [
                {
                    "logical_name": "new_note",
                    "set_name": "new_notes",
                    "primary_name": "new_name",
                    "columns": [
                        {"name": "new_details", "type": "lookup", "targets": [columns.DETAILS.name]},
                    ],
                }
            ]
        }
    )

    with pytest.raises(Misconfigured, match="Remove what depends on it first"):
        uninstall(world.site())

    assert (world.version(), world.drifts()) == ("1.0.0.0", [])  # events go on


def test_the_secret_is_in_no_word_that_is_told(world: SolutionWorld) -> None:
    world.install()

    assert not any(WEBHOOK.secret in words for words in world.told)
    assert WEBHOOK.secret not in repr(WEBHOOK)
    assert len(STEPS) == 10
