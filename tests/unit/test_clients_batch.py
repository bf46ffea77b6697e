"""The bytes of a `$batch`: written exactly, and read whatever its line ends and nesting."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.batch import Change, Changes, Part, Read, read_answer, write_request
from clients.http import Answer
from tests.unit.batch_answers import http_part, multipart, nested

URL = "https://contoso.crm4.dynamics.com/api/data/v9.2/"
ID = "aaaaaaaa-0000-0000-0000-000000000001"


def written(*steps: Read | Changes) -> list[str]:
    """Return the request's lines, boundaries named by their place."""
    request = write_request(URL, steps, prefer_for=lambda _path: "a-preference")
    outer = request.content_type.partition("boundary=")[2]
    text = request.body.decode("ascii").replace(outer, "OUTER")
    assert text.count("\n") == text.count("\r\n")
    inner = text.partition("boundary=changeset_")[2].partition("\r\n")[0]
    return (text.replace(f"changeset_{inner}", "INNER") if inner else text).split("\r\n")


def test_a_request_of_a_read_and_a_changeset() -> None:
    changes = Changes(
        (
            Change("POST", "accounts", {"name": "Zoë"}, returns=("name", "accountnumber")),
            Change("PATCH", f"invoices({ID})", {"totaltax": Decimal("0.10")}, if_match='W/"7"'),
            Change("DELETE", "$1/primarycontactid/$ref", if_none_match="*"),
        )
    )

    assert written(Read("invoices?$select=name"), changes) == [
        "--OUTER",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        "GET /api/data/v9.2/invoices?$select=name HTTP/1.1",
        "Accept: application/json",
        "Prefer: a-preference",
        "",
        "",
        "--OUTER",
        "Content-Type: multipart/mixed; boundary=INNER",
        "",
        "--INNER",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 1",
        "",
        "POST /api/data/v9.2/accounts?$select=name,accountnumber&tag=stl3connector HTTP/1.1",
        "Content-Type: application/json; type=entry",
        "Accept: application/json",
        "Prefer: return=representation",
        "",
        '{"name":"Zo\\u00eb"}',
        "--INNER",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 2",
        "",
        f"PATCH /api/data/v9.2/invoices({ID})?tag=stl3connector HTTP/1.1",
        "Content-Type: application/json; type=entry",
        "Accept: application/json",
        'If-Match: W/"7"',
        "",
        '{"totaltax":0.10}',
        "--INNER",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 3",
        "",
        "DELETE $1/primarycontactid/$ref HTTP/1.1",
        "Content-Type: application/json; type=entry",
        "Accept: application/json",
        "If-None-Match: *",
        "",
        "",
        "--INNER--",
        "",
        "--OUTER--",
        "",
    ]


def test_the_same_steps_are_the_same_bytes() -> None:
    steps = [Read("accounts"), Changes((Change("POST", "accounts", {"name": "A"}),))]

    first, second = (write_request(URL, steps, prefer_for=str) for _ in range(2))

    assert first == second
    assert write_request(URL, steps[:1], prefer_for=str).content_type != first.content_type


def test_a_text_that_looks_like_a_boundary_stays_inside_its_row() -> None:
    request = write_request(URL, [Changes((Change("POST", "a", {"name": "\r\n--batch_x--\r\n"}),))], prefer_for=str)

    assert b"\r\n--batch_x" not in request.body


@pytest.mark.parametrize("path", ["accounts\r\nX: y", "accounts?$filter=name eq 'Zoë'"])
def test_a_path_that_was_not_encoded_is_our_mistake(path: str) -> None:
    lines_of_one = 9
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        assert len(written(Read(path))) == lines_of_one + 2, "a path has become two lines"


def test_more_than_a_thousand_operations_are_our_mistake() -> None:
    with pytest.raises(AssertionError, match="1001 operations"):
        write_request(URL, [Read("accounts")] * 1001, prefer_for=str)


# -- answers ---------------------------------------------------------------------------------------------


def answer(body: str, content_type: str = "multipart/mixed; boundary=batchresponse_1") -> Answer:
    return Answer(200, {"Content-Type": content_type}, body.encode())


def statuses(parts: list[Part]) -> list[list[int]]:
    return [[each.status for each in part.answers] for part in parts]


MIXED = multipart(
    "batchresponse_1",
    http_part(200, '{"value":[{"name":"A\\n--batchresponse_1--","total":0.10}]}', "Content-Type: application/json"),
    nested(
        http_part(204, "", f"OData-EntityId: {URL}invoices({ID})", "Content-ID: 1"),
        http_part(201, '{"name":"B"}', "Content-ID: 2"),
    ),
    nested(http_part(412, '{"error":{"code":"0x80060882","message":"moved"}}', "Content-ID: 1")),
    http_part(429, "", "Retry-After: 7"),
)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_an_answer_is_read_part_by_part(line_end: str) -> None:
    parts, is_complete = read_answer(answer(MIXED.replace("\r\n", line_end)))

    assert is_complete
    assert statuses(parts) == [[200], [204, 201], [412], [429]]
    assert parts[0].answers[0].json() == {"value": [{"name": "A\n--batchresponse_1--", "total": Decimal("0.10")}]}
    assert parts[1].answers[0].headers["odata-entityid"] == f"{URL}invoices({ID})"
    assert parts[1].answers[0].body == b""
    assert parts[1].answers[1].json() == {"name": "B"}
    assert parts[3].answers[0].headers["Retry-After"] == "7"


def test_a_preamble_and_blanks_after_boundaries_are_allowed() -> None:
    text = "preamble\r\n" + MIXED.replace("--batchresponse_1\r\n", "--batchresponse_1 \t\r\n") + "epilogue"

    parts, is_complete = read_answer(answer(text, 'Multipart/Mixed; Boundary="batchresponse_1"; charset=utf-8'))

    assert is_complete
    assert len(parts) == 4


def test_an_answer_that_was_cut_says_so() -> None:
    cut = MIXED[: MIXED.index("HTTP/1.1 429")]

    parts, is_complete = read_answer(answer(cut))

    assert not is_complete
    assert statuses(parts) == [[200], [204, 201], [412]]


def test_a_changeset_within_which_the_answer_was_cut_is_not_taken_for_whole() -> None:
    whole = multipart("batchresponse_1", nested(http_part(204), http_part(204)))
    cut = whole[: whole.rindex("HTTP/1.1 204")]

    parts, is_complete = read_answer(answer(cut))

    assert not is_complete
    assert parts == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (MIXED, "multipart/mixed"),
        (MIXED, "application/json"),
        (multipart("b_1", "Content-Type: application/http\r\n\r\nnonsense"), "multipart/mixed; boundary=b_1"),
        (multipart("b_1", ""), "multipart/mixed; boundary=b_1"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused(body: str, content_type: str) -> None:
    with pytest.raises(ValueError, match=r"boundary|status line"):
        read_answer(answer(body, content_type))


texts = st.text(alphabet='aé€😀"\\\r\n-:= \0', max_size=30)
amounts = st.integers(-(10**12), 10**12).map(lambda units: Decimal(units).scaleb(-4))
rows = st.dictionaries(st.sampled_from("abc"), texts | amounts)


@given(st.lists(st.lists(rows, min_size=1, max_size=3), min_size=1, max_size=4))
def test_what_is_written_can_be_read(sets: list[list[dict[str, Any]]]) -> None:
    """The reader is written for answers, but a request differs from one in its first lines only."""
    steps = [Changes(tuple(Change("POST", "rows", row) for row in each)) for each in sets]
    request = write_request(URL, steps, prefer_for=str)
    line = b"POST /api/data/v9.2/rows?tag=stl3connector HTTP/1.1"

    body = request.body.replace(line, b"HTTP/1.1 201 Created")
    parts, is_complete = read_answer(Answer(200, {"Content-Type": request.content_type}, body))

    assert is_complete
    assert [[each.json() for each in part.answers] for part in parts] == sets


def test_a_body_may_be_large() -> None:
    rows_of_a_page = [{"n": number, "text": "x" * 500} for number in range(5000)]
    body = multipart("batchresponse_1", http_part(200, json.dumps({"value": rows_of_a_page})))

    parts, _ = read_answer(answer(body))

    assert len(parts[0].answers[0].json()["value"]) == 5000
