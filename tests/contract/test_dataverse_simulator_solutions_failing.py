"""Solutions that do not get in: no Sales, a file or job that fails or is cancelled, an answer that is lost."""

from __future__ import annotations

import random
from typing import Any

import pytest
from werkzeug.test import Client

from simulators.dataverse import DataverseSimulator, Refused
from simulators.dataverse.import_state import Failure
from simulators.wire import DroppedConnection, Fault
from solution.names import UNIQUE_NAME
from tests.contract.dataverse_world import CLIENT_ID, TENANT, URL, DataverseWorld
from tests.contract.test_dataverse_simulator_solutions import Installer, encoded, outcome, package


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


@pytest.fixture
def installer(world: DataverseWorld) -> Installer:
    return Installer(world)


def test_without_sales_there_is_no_invoice_to_add_to() -> None:
    world = DataverseWorld()
    env = DataverseSimulator(world.clock, random.Random(5), world.login, url=URL, tenant_id=TENANT, with_sales=False)
    env.add_app_user(CLIENT_ID, roles=("System Administrator",))
    headers = {"Authorization": f"Bearer {world.token()}"}

    def call(method: str, path: str, body: Any = None) -> Any:
        address = f"/api/data/v9.2/{path}"
        return Client(env.wire).open(address, method=method, json=body, headers=headers, base_url=URL)

    results = call("POST", "StageSolution", {"CustomizationFile": encoded(package())}).get_json()[
        "StageSolutionResults"
    ]

    required = {one["RequiredComponentSchemaName"] for one in results["MissingDependencies"]}
    (said,) = results["SolutionValidationResults"]
    assert (results["StageSolutionStatus"], required) == ("Failed", {"invoice", "invoicedetail"})
    assert "Some dependencies are missing" in said["Message"]
    assert 'schemaName="invoice"' in said["Message"]
    assert call("GET", "EntityDefinitions(LogicalName='invoice')").status_code == 404
    assert call("GET", "EntityDefinitions(LogicalName='account')").status_code == 200
    with pytest.raises(Refused) as caught:
        env.import_solution(package())
    assert caught.value.code == "0x8004801d"


def test_the_next_file_can_be_made_to_fail(installer: Installer, world: DataverseWorld) -> None:
    world.env.imports.next_stage = (Failure(-2147188706, "The import failed."),)

    first, second = installer.stage(package()), installer.stage(package())

    assert [first["StageSolutionStatus"], second["StageSolutionStatus"]] == ["Failed", "Passed"]
    assert first["SolutionValidationResults"][0]["Message"] == "The import failed."


def test_the_next_job_can_be_made_to_fail_or_to_be_cancelled(installer: Installer, world: DataverseWorld) -> None:
    failure = {"code": -2147188706, "message": "Entity invoice is locked.", "kind": "entity", "name": "invoice"}
    switches = {"next_failures": [failure], "duration_s": 120}
    Client(world.env.wire).post("/_control/import-switches", json=switches, base_url=URL)
    started = installer.start(package())
    installer.wait(60)
    halfway = outcome(installer.job(started))
    installer.wait(60)
    failed, data = installer.job(started), world.get(f"importjobs({started['ImportJobKey']})", select="data,progress")
    world.env.imports.next_cancelled = True
    world.env.imports.duration_s = 0

    cancelled = installer.run(package())

    assert (halfway, outcome(failed), outcome(cancelled)) == ((2, 20), (3, 31), (3, 32))
    assert (failed["friendlymessage"], failed["errorcode"]) == ("Entity invoice is locked.", -2147188706)
    assert 'errorcode="0x8004801E" errortext="Entity invoice is locked."' in data["data"]
    assert data["progress"] == 50
    assert installer.tables() == set()
    assert outcome(installer.run(package())) == (3, 30)


def test_a_lost_answer_leaves_the_job_to_be_found(installer: Installer, world: DataverseWorld) -> None:
    """The import runs though nobody was told; its job is there under the id that the caller gave."""
    world.env.wire.inject(Fault("POST .*ImportSolutionAsync", "drop-after"))
    job_id = "00000000-0000-4000-8000-00000000000a"

    with pytest.raises(DroppedConnection):
        installer.start(package(), ImportJobId=job_id)

    running = world.get("asyncoperations", filter="operationtype eq 203 and statecode ne 3")["value"]
    assert (world.get(f"importjobs({job_id})")["solutionname"], len(running)) == (UNIQUE_NAME, 1)
    installer.wait()
    assert world.get(f"importjobs({job_id})")["progress"] == 100
    assert installer.solution() is not None
