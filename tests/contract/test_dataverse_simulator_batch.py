"""`$batch` as bytes on the wire: line ends, addresses, changesets, references, failures."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.dataverse_world import URL, DataverseWorld

ROOT = f"{URL}/api/data/v9.2/"


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def operation(method: str, url: str, body: Any = None, *, content_id: int | None = None, **headers: str) -> list[str]:
    """Return the lines of one part."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"{method} {url} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return [*lines, "Content-Type: application/json; type=entry", "", json.dumps(body) if body is not None else ""]


def multipart(boundary: str, parts: list[list[str]]) -> list[str]:
    return [line for part in parts for line in (f"--{boundary}", *part)] + [f"--{boundary}--", ""]


def changeset(*parts: list[str], boundary: str = "changeset_1") -> list[str]:
    return [f"Content-Type: multipart/mixed; boundary={boundary}", "", *multipart(boundary, list(parts))]


def send(world: DataverseWorld, *parts: list[str], eol: str = "\r\n", prefer: str = "") -> tuple[int, list[int], str]:
    """Return the outer status, the inner ones, and the body."""
    body = eol.join(multipart("batch_1", list(parts))).encode()
    headers = {"Prefer": prefer} if prefer else {}
    answer = world.call("POST", "$batch", body, headers=headers, content_type='multipart/mixed; boundary="batch_1"')
    return answer.status_code, [int(s) for s in re.findall(r"HTTP/1\.1 (\d+)", answer.text)], answer.text


@pytest.mark.parametrize("eol", ["\r\n", "\n"])
@pytest.mark.parametrize("root", ["", "/api/data/v9.2/", ROOT])
def test_operations_are_read_with_either_line_end_and_any_form_of_address(
    world: DataverseWorld, eol: str, root: str
) -> None:
    get = operation("GET", f"{root}accounts?$select=name&$filter=name eq 'a b'")

    status, inner, text = send(world, changeset(operation("POST", f"{root}accounts", {"name": "A B"})), get, eol=eol)

    assert (status, inner) == (200, [204, 200])
    assert '"name":"A B"' in text


def test_a_changeset_refers_to_its_own_rows(world: DataverseWorld) -> None:
    status, inner, text = send(
        world,
        changeset(
            operation("POST", "accounts", {"name": "Parent"}, content_id=1),
            operation(
                "POST", "contacts", {"lastname": "C", "parentcustomerid_account@odata.bind": "$1"}, content_id=2
            ),
            operation("PATCH", "$1", {"primarycontactid@odata.bind": "$2"}, content_id=3, If_Match="*"),
        ),
    )

    account = world.env.rows("accounts")[0]
    assert (status, inner) == (200, [204, 204, 204])
    assert account["_primarycontactid_value"] == world.env.rows("contacts")[0]["contactid"]
    assert "Content-ID: 2" in text
    assert re.search(r"boundary=changesetresponse_[0-9a-f-]{36}", text)


def test_a_reference_forward_is_refused(world: DataverseWorld) -> None:
    row = {"lastname": "C", "parentcustomerid_account@odata.bind": "$2"}

    status, inner, text = send(
        world,
        changeset(operation("POST", "contacts", row, content_id=1), operation("POST", "accounts", {}, content_id=2)),
    )

    assert (status, inner) == (400, [400])
    assert "Content-ID Reference: '$2' does not exist in the batch context." in text
    assert world.env.rows("contacts") == []


def test_a_failed_changeset_is_undone_and_has_one_answer(world: DataverseWorld) -> None:
    good, bad = (
        operation("POST", "accounts", {"name": "A"}, content_id=1),
        operation("POST", "accounts", {"x": 1}, content_id=2),
    )

    status, inner, _ = send(world, changeset(good, bad), operation("POST", "accounts", {"name": "After"}))

    assert (status, inner) == (400, [400])
    assert world.env.rows("accounts") == []


def test_continue_on_error_goes_on_and_is_200_outside(world: DataverseWorld) -> None:
    good, bad = operation("POST", "accounts", {"name": "A"}), operation("POST", "accounts", {"x": 1})

    status, inner, text = send(world, good, changeset(good, bad), bad, good, prefer="odata.continue-on-error")

    assert (status, inner) == (200, [204, 400, 400, 204])
    assert len(world.env.rows("accounts")) == 2
    assert "REQ_ID" in text


def test_an_error_stops_the_batch_but_not_what_was_done(world: DataverseWorld) -> None:
    good, bad = operation("POST", "accounts", {"name": "A"}), operation("POST", "accounts", {"x": 1})

    status, inner, _ = send(world, good, bad, good)

    assert (status, inner) == (400, [204, 400])
    assert len(world.env.rows("accounts")) == 1


def test_upserts_on_alternate_keys_with_conditions(world: DataverseWorld) -> None:
    world.post("new_xerolinks", {"new_invoicekey": "b c"})
    row = world.get("new_xerolinks(new_invoicekey='b c')")

    status, inner, _ = send(
        world,
        changeset(
            operation("PATCH", "new_xerolinks(new_invoicekey='a')", {"new_name": "A"}),
            operation(
                "PATCH", "new_xerolinks(new_invoicekey='b%20c')", {"new_name": "B"}, If_Match=row["@odata.etag"]
            ),
        ),
    )
    stale = send(
        world,
        changeset(operation("PATCH", "new_xerolinks(new_invoicekey='b%20c')", {}, If_Match=row["@odata.etag"])),
    )

    assert (status, inner) == (200, [204, 204])
    assert stale[:2] == (412, [412])


def test_what_may_not_be_in_a_batch(world: DataverseWorld) -> None:
    assert send(world, changeset(operation("GET", "accounts")))[0] == 400
    assert send(world, operation("POST", "$batch", {}))[:2] == (400, [400])
    assert send(world, *[operation("GET", "WhoAmI") for _ in range(1001)])[0] == 400


def test_content_ids_outside_changesets_are_references_too(world: DataverseWorld) -> None:
    first = operation("POST", "accounts", {"name": "A"}, content_id=1)
    second = operation("POST", "contacts", {"lastname": "C", "parentcustomerid_account@odata.bind": "$1"})

    status, inner, _ = send(world, first, second)

    assert (status, inner) == (200, [204, 204])
