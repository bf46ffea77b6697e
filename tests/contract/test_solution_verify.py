"""The report of differences, and what it can make by the metadata API, against the simulated Dynamics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core import columns
from solution.install.repairing import register_webhook, repair
from solution.install.verifying import Drift, verify
from solution.package import build
from solution.webhook import ENDPOINT_ID, PLACEHOLDER_URL, STEPS
from tests.contract.solution_world import APP, WEBHOOK, SolutionWorld, open_solution_world

DETAILS = columns.DETAILS.name
UPDATE_OF_INVOICE = next(step for step in STEPS if (step.table, step.message) == ("invoice", "Update"))


@pytest.fixture
def world() -> Iterator[SolutionWorld]:
    with open_solution_world() as opened:
        opened.install()
        opened.told.clear()
        yield opened


@pytest.fixture
def bare() -> Iterator[SolutionWorld]:
    """Sales, and nothing of ours."""
    with open_solution_world() as opened:
        yield opened


def spoil(world: SolutionWorld, table: str, column: str, **changes: Any) -> None:
    """Somebody with an unmanaged layer, or another version of ours."""
    made = world.env._env.schema.by_name[table]
    made.add(replace(made.columns[column], **changes))


def named(drifts: list[Drift]) -> dict[str, str]:
    return {drift.where: drift.message for drift in drifts}


def test_of_what_is_as_it_has_to_be_nothing_is_said(world: SolutionWorld) -> None:
    """By the connector's own rights; and looking changes nothing."""
    world.env.wire.forget_calls()

    assert world.drifts() == []

    assert all(
        call.method == "GET" or call.path.endswith("$batch") for call in world.env.wire.calls if "/api/" in call.path
    )
    assert len([call for call in world.env.wire.calls if "/api/" in call.path]) < 20


@pytest.mark.parametrize(
    ("column", "changes", "words"),
    [
        ("stl3_xeronumber", {"kind": "integer"}, "of type Integer instead of String; a type cannot be changed"),
        ("stl3_xeronumber", {"max_length": 20}, "takes 20 characters instead of 255"),
        (
            "stl3_exportstatus",
            {"options": {367800000: "No", 367800001: "Yes"}},
            r"lacks the choices Failed \(367800002\)",
        ),
        ("stl3_invoice", {"on_delete": "cascade"}, "does Cascade instead of RemoveLink: rows would not survive"),
        ("stl3_waitingfor", {"max_length": 100}, "takes 100 characters instead of 2000"),
    ],
)
def test_a_column_that_is_different_is_named_and_left_alone(
    world: SolutionWorld, column: str, changes: dict[str, Any], words: str
) -> None:
    spoil(world, DETAILS, column, **changes)

    (drift,) = world.drifts()

    assert drift.where == f"{DETAILS}.{column}"
    assert not drift.can_be_made
    assert re.search(words, drift.message)
    repair(world.site(), [drift], WEBHOOK, application_id=APP)
    assert world.drifts() == [drift]


def test_a_key_whose_index_is_not_ready_is_told(world: SolutionWorld) -> None:
    world.env.set_key_status(DETAILS, "stl3_invoicekey", active=False)

    assert named(world.drifts()) == {
        f"{DETAILS}.stl3_invoicekey": "its index is not active but Pending: rows cannot be found by it"
    }


def test_an_endpoint_that_posts_elsewhere_or_without_the_secret_is_set_right(world: SolutionWorld) -> None:
    world.env.overwrite(
        "serviceendpoint", ENDPOINT_ID, {"url": PLACEHOLDER_URL, "authtype": 4, "isauthvalueset": False}
    )

    drifts = world.drifts()

    assert [drift.message for drift in drifts] == [
        f"it posts to {PLACEHOLDER_URL} instead of {WEBHOOK.address}",
        "it does not show the secret in a header",
        "its secret is not set",
    ]
    repair(world.site(), drifts, WEBHOOK, application_id=APP)
    assert world.drifts() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"statecode": 1, "statuscode": 2}, "it is off"),
        ({"filteringattributes": "name"}, "it follows name instead of statecode, "),
        ({"mode": 0}, "it does not run afterwards in the background"),
    ],
)
def test_a_step_that_is_off_or_follows_something_else(
    world: SolutionWorld, changes: dict[str, Any], words: str
) -> None:
    world.env.overwrite("sdkmessageprocessingstep", UPDATE_OF_INVOICE.id, changes)

    (drift,) = world.drifts()

    assert (drift.kind, drift.where) == ("step", UPDATE_OF_INVOICE.name)
    assert drift.message.startswith(words)
    repair(world.site(), [drift], WEBHOOK, application_id=APP)
    assert world.drifts() == []


def test_a_user_without_its_role_is_told_and_gets_it_by_another_run(world: SolutionWorld) -> None:
    world.env.set_roles(world.app_user_id, ("Salesperson",))

    drifts = world.drifts_of_admin()

    assert named(drifts) == {"Stellarise Connector": "the connector's user does not have it"}
    repair(world.site(), drifts, WEBHOOK, application_id=APP)
    assert world.drifts() == []


def test_an_app_that_is_no_user_is_told(world: SolutionWorld) -> None:
    stranger = "00000000-0000-4000-8000-000000000000"

    drifts = list(verify(world.dataverse(), address=WEBHOOK.address, application_id=stranger))

    assert named(drifts) == {"Stellarise Connector": f"Dynamics has no application user for the app {stranger}"}


@pytest.mark.parametrize("table", ["invoice", "invoicedetail"])
def test_a_deletion_that_does_not_say_what_was_is_set_right(world: SolutionWorld, table: str) -> None:
    """Else nobody knows whose line it was: the registration may have died between a step and its image."""
    (step,) = (step for step in STEPS if (step.table, step.message) == (table, "Delete"))
    world.env.lose_row("sdkmessageprocessingstepimage", step.image_id)

    (drift,) = world.drifts()

    assert drift.message == f"it does not say {', '.join(step.before)} as it was before"
    repair(world.site(), [drift], WEBHOOK, application_id=APP)
    assert world.drifts() == []


def test_from_nothing_all_tables_come_by_the_metadata_api(bare: SolutionWorld) -> None:
    """The way that Microsoft supports: no package at all. Forms, views and role are the package's alone."""
    world = bare
    drifts = world.drifts_of_admin()
    assert {drift.where for drift in drifts if drift.kind == "table"} == {table.name for table in columns.TABLES}

    repair(world.site(), drifts, WEBHOOK, application_id=APP)

    left = world.drifts_of_admin()
    assert {drift.kind for drift in left} == {"form", "view", "role"}
    assert not any(drift.can_be_made for drift in left)
    assert "Published" in world.told
    assert world.version() is None
    row = {"stl3_name": "I-1", "stl3_dynamicsinvoiceid": "i-1", "stl3_exportstatus": columns.EXPORT_STATUS["Yes"]}
    details = world.env.user().create(columns.DETAILS.set_name, row)
    customer = world.env.user().create("accounts", {"name": "Fabrikam", "stl3_balances": "x" * 3000})
    invoice = {"name": "I-1", "customerid_account@odata.bind": f"/accounts({customer})"}
    invoice_id = world.env.user().create("invoices", invoice)
    world.env.user().update(
        columns.DETAILS.set_name, details, {"stl3_Invoice@odata.bind": f"/invoices({invoice_id})"}
    )
    assert {post.url for post in world.env.outbox.pending()} == {WEBHOOK.address}


def test_what_a_repair_could_not_finish_the_next_one_does(bare: SolutionWorld) -> None:
    world = bare
    world.fail("POST .*EntityDefinitions.*/Attributes", "status-before", status=503, times=1, skip=9)
    with pytest.raises(Exception, match="503"):
        repair(world.site(), world.drifts_of_admin(), WEBHOOK, application_id=APP)

    repair(world.site(), world.drifts_of_admin(), WEBHOOK, application_id=APP)

    assert {drift.kind for drift in world.drifts_of_admin()} == {"form", "view", "role"}


def test_endpoint_and_steps_come_by_the_web_api_alone(bare: SolutionWorld) -> None:
    """`--webhooks api`, for an organisation whose package could not bring them."""
    world = bare
    world.env.import_solution(build(managed=True, webhook=False), enable_steps=False)
    assert {drift.kind for drift in world.drifts_of_admin()} == {"endpoint", "step", "role"}

    register_webhook(world.site(), WEBHOOK)
    register_webhook(world.site(), WEBHOOK)

    assert {drift.kind for drift in world.drifts_of_admin()} == {"role"}
    images = [row["attributes"] for row in world.env.rows("sdkmessageprocessingstepimages")]
    assert sorted(images) == sorted(",".join(step.before) for step in STEPS if step.before)
