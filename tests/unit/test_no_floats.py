"""Money never passes through a binary float: nothing in the code that handles it makes one."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clients.http import Answer
from core import money
from mappers.dynamics import to_invoice
from mappers.totals import amount
from tests.unit.dynamics_rows import invoice_row, line_row
from tests.unit.made import invoice, line, mapped
from tests.unit.xero_script import World as XeroWorld

ROOT = Path(__file__).parents[2]
PURE = sorted(path for folder in ("core", "mappers") for path in (ROOT / folder).rglob("*.py"))
ALL = sorted(path for folder in ("core", "mappers", "clients", "pipeline") for path in (ROOT / folder).rglob("*.py"))
MONEY = ("amount", "price", "total", "tax", "net", "discount", "money", "due", "quantity", "rate")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def floats_of(tree: ast.AST) -> list[str]:
    """Return what makes a float of something whose name says money, or reads JSON in a way that does."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            arguments = " ".join(map(ast.unparse, [*node.args, *(each.value for each in node.keywords)])).lower()
            if called == "float" and any(word in arguments for word in MONEY):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called == "Decimal" and any(
                isinstance(each, ast.Constant | ast.UnaryOp)
                and "." in ast.unparse(each)
                and "'" not in ast.unparse(each)
                for each in node.args
            ):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called == "json.loads" and not any(each.arg == "parse_float" for each in node.keywords):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if (
                called.endswith(".json") and not node.args and called != "answer.json"
            ):  # that of requests makes floats
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called.endswith("fields.Float"):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_float_is_made_of_money(path: Path) -> None:
    assert floats_of(ast.parse(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", PURE, ids=named)
def test_the_vocabulary_and_the_mappers_hold_no_float_at_all(path: Path) -> None:
    """Times-out and intervals excepted, whose names end in _S, _s or say seconds."""
    tree = ast.parse(path.read_text("utf-8"))
    lines = path.read_text("utf-8").splitlines()
    numbers = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]

    found = [lines[node.lineno - 1].strip() for node in numbers if not _is_time(lines[node.lineno - 1])]

    assert found == []


def _is_time(text: str) -> bool:
    return any(word in text.lower() for word in ("_s ", "_s=", "_s:", "seconds", "timeout", "interval"))


@pytest.mark.parametrize(
    "code",
    [
        "float(total)",
        "Decimal(0.1)",
        "Decimal(-0.5)",
        "json.loads(text)",
        "response.json()",
        "fields.Float(data_key='x')",
        "float(x.price)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert floats_of(ast.parse(code)) != []


@pytest.mark.parametrize(
    "code", ["Decimal('0.1')", "Decimal(1)", "json.loads(t, parse_float=Decimal)", "float(wait_s)", "answer.json()"]
)
def test_the_search_lets_pass_what_is_exact(code: str) -> None:
    assert floats_of(ast.parse(code)) == []


# -- where numbers come in, and where they go out ----------------------------------------------------------

EXACT = "0.10000000000000000555"  # the nearest float is 0.1


def numbers_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in numbers_in(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in numbers_in(inner)]
    return [value] if isinstance(value, int | float | Decimal) else []


@pytest.mark.parametrize("number", [EXACT, "1e-7", "-0.1E+1", "100.0", "12345678901234567890.01"])
def test_an_answer_of_either_system_holds_its_numbers_as_they_were_written(number: str) -> None:
    found = numbers_in(Answer(200, {}, f'{{"a": [{number}, {{"b": {number}}}]}}'.encode()).json())

    assert found == [Decimal(number)] * 2
    assert {type(each) for each in found} == {Decimal}


def test_an_invoice_that_xero_answers_is_exact() -> None:
    world = XeroWorld()
    world.script.add(
        200,
        f'{{"Invoices": [{{"InvoiceID": "i-1", "Total": {EXACT}, "StatusAttributeString": "OK"}}]}}'.encode(),
        Content_Type="application/json",
    )

    (result,) = world.xero.create_invoices([{"Type": "ACCREC"}], key="k")

    assert amount(result.document, "Total") == Decimal(EXACT)


@pytest.mark.parametrize(
    "column", ["freightamount", "discountamount", "totalamount", "totaltax", "discountpercentage"]
)
def test_a_float_in_a_row_of_dynamics_is_refused(column: str) -> None:
    with pytest.raises(TypeError, match="float"):
        to_invoice(invoice_row(**{column: 0.1}), [])


@pytest.mark.parametrize("column", ["quantity", "priceperunit", "extendedamount", "tax", "manualdiscountamount"])
def test_a_float_in_a_line_of_dynamics_is_refused(column: str) -> None:
    with pytest.raises(TypeError, match="float"):
        to_invoice(invoice_row(), [line_row(**{column: 0.1})])


@pytest.mark.parametrize("value", [0.1, 1.0, 0.0])
def test_a_float_in_an_answer_of_xero_is_refused(value: float) -> None:
    with pytest.raises(TypeError, match="float"):
        amount({"Total": value}, "Total")


def test_a_float_never_leaves() -> None:
    payload = mapped(invoice(line())).as_payload()
    payload["LineItems"][0]["UnitAmount"] = 0.1

    with pytest.raises(ValueError, match="not an exact number"):
        money.dumps(payload)
