"""Bad input for both webhooks, made here with a name a case: what no vendor sends, and what it has to come to.

A case says what may be answered and how many events may come of it; `tests/unit/webhook_caller.py` sends it and says
what else must hold.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.unit.webhook_world import INVOICE, ORGANISATION, TENANT, XERO_KEY, context, image, signature_of, target

Source = Literal["xero", "dynamics"]

CANARY: Final = "CanaryBirdwood"  # stands for what belongs to a customer; must never get into a log
OTHER: Final = "0b0b0b0b-0000-4000-8000-0000000000ff"  # an organisation, tenant and record that is not the sender's
OLD_KEY: Final = "the-key-before==/+"
RETIRED_KEY: Final = "the-key-before-that=="
SECRET: Final = "new-secret"
PATHS: Final[Mapping[Source, str]] = {"xero": "/webhooks/xero", "dynamics": "/webhooks/dynamics/endpoint-key"}
# To Xero a refusal of a signed body is a failure of ours; enough of them switch the webhook off for everybody.
READ: Final[Mapping[Source, frozenset[int]]] = {"xero": frozenset({200}), "dynamics": frozenset({200, 400, 403})}
LIMIT: Final = 1024 * 1024


@dataclass(frozen=True)
class Case:
    """One request. `events` is how many must be published, None for any number of the sender's own.

    Headers are as WSGI has them: Latin-1, joined by a comma when sent twice. `length` is the Content-Length, the true
    one when None, absent when empty; `endless` bytes come before the body ends, and none says how long it is.
    """

    name: str
    source: Source
    body: bytes
    statuses: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    events: int | None = None
    path: str = ""
    query: str = ""
    length: str | None = None
    endless: bool = False


def xero_event(**changes: Any) -> dict[str, Any]:
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{INVOICE}?{CANARY}",
        "resourceId": INVOICE,
        "eventDateUtc": "2026-03-20T14:05:09.450",
        "eventType": "UPDATE",
        "eventCategory": "INVOICE",
        "tenantId": TENANT,
        "tenantType": "ORGANISATION",
        **changes,
    }


def xero_delivery(*events: Any, **members: Any) -> dict[str, Any]:
    return {
        "events": list(events),
        "firstEventSequence": 7,
        "lastEventSequence": 6 + len(events),
        "entropy": CANARY,
        **members,
    }


def dynamics_context() -> dict[str, Any]:
    """A context with something at every place that is read, and a customer's name wherever one could be."""
    guid = {"__type": "Guid:#System", "__value": INVOICE}
    lookup = {
        "__type": "EntityReference",
        "Id": INVOICE,
        "LogicalName": "invoice",
        "Name": CANARY,
        "KeyAttributes": [],
    }
    return context(
        "invoicedetail",
        PrimaryEntityId=guid,
        InputParameters=target(invoiceid=lookup, productdescription=CANARY, quantity=1.5, modifiedon="/Date(7)/"),
        OutputParameters=[{"key": "id", "value": INVOICE}, {"key": CANARY, "value": CANARY}],
        PreEntityImages=image(invoiceid=lookup, description=CANARY),
        PostEntityImages=image(invoiceid=INVOICE, description=CANARY),
        SharedVariables=[{"key": "tag", "value": CANARY}],
        ParentContext={"SharedVariables": [{"key": "tag", "value": CANARY}], "ParentContext": None},
        OrganizationName=CANARY,
        OperationCreatedOn="/Date(1751371440000)/",
    )


def several_context() -> dict[str, Any]:
    rows = [{"Id": row, "Attributes": [{"key": "name", "value": CANARY}]} for row in (INVOICE, OTHER)]
    entities = {"__type": "EntityCollection", "Entities": rows}
    return context(message="UpdateMultiple", InputParameters=[{"key": "Targets", "value": entities}])


def case(source: Source, name: str, body: bytes | Any, *, status: int | None = None, **members: Any) -> Case:
    """Return a case that proves its sender rightly: what is wrong with it is in the body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    proof = {"x-xero-signature": signature_of(raw)} if source == "xero" else {"x-connector-secret": SECRET}
    headers = proof | members.pop("headers", {})
    statuses = READ[source] if status is None else frozenset({status})
    return Case(f"{source}: {name}", source, raw, statuses, headers, **members)


# -- who speaks ------------------------------------------------------------------------------------------------


def _wrong_signatures(body: bytes) -> dict[str, str]:
    raw = hmac.new(XERO_KEY.encode(), body, hashlib.sha256).digest()
    right, spaced = signature_of(body), json.dumps(json.loads(body), separators=(",", ":")).encode()
    wrong = {
        "empty": "",
        "blank": " ",
        "first character": ("A" if right[0] != "A" else "B") + right[1:],
        "last bits": right[:-2] + ("A" if right[-2] != "A" else "E") + "=",
        "truncated": right[:-1],
        "half": right[:22],
        "lower case": right.lower(),
        "upper case": right.upper(),
        "reversed": right[::-1],
        "space before": " " + right,
        "tab behind": right + "\t",
        "doubled": right + right,
        "NUL behind": right + "\x00",
        "quoted": f'"{right}"',
        "named": f"sha256={right}",
        "hex": raw.hex(),
        "url-safe or plain": right.translate(str.maketrans("+/", "-_")).rstrip("="),
        "raw bytes": raw.decode("latin-1"),
        "two, the first right": f"{right},{signature_of(body, 'x')}",
        "two, the second right": f"{signature_of(body, 'x')},{right}",
        "the same twice": f"{right},{right}",
        "non-ASCII": "é" * 44,
        "bytes above ASCII": "\xff\xfe\x80",
        "100 kB": "A" * 100_000,
        "100 kB behind the right one": right + "=" * 100_000,
        "another key": signature_of(body, "another"),
        "a key that was retired": signature_of(body, RETIRED_KEY),
        "no key": signature_of(body, ""),
        "key and newline": signature_of(body, XERO_KEY + "\n"),
        "key trimmed": signature_of(body, XERO_KEY.rstrip("=")),
        "both keys as one": signature_of(body, f"{XERO_KEY},{OLD_KEY}"),
        "of nothing": signature_of(b""),
        "of the same document, other spaces": signature_of(spaced),
        "of the same document, sorted": signature_of(json.dumps(json.loads(body), sort_keys=True).encode()),
        "of the body and a newline": signature_of(body + b"\n"),
        "of a body with BOM": signature_of(b"\xef\xbb\xbf" + body),
        "None": "None",
        "null": "null",
        "true": "true",
    }
    digests = {"SHA-1": hashlib.sha1, "SHA-512": hashlib.sha512, "MD5": hashlib.md5}
    for name, digest in digests.items():
        wrong[name] = hmac.new(XERO_KEY.encode(), body, digest).hexdigest()
    return wrong


def signatures() -> Iterator[Case]:
    """F12: what is not rightly signed is refused, whatever it says."""
    body = json.dumps(xero_delivery(xero_event())).encode()
    right = signature_of(body)
    for name, signature in _wrong_signatures(body).items():
        yield Case(f"xero: {name}", "xero", body, frozenset({401}), {"x-xero-signature": signature}, 0)
    yield Case("xero: absent", "xero", body, frozenset({401}), {}, 0)
    yield Case("xero: a secret of Dynamics", "xero", body, frozenset({401}), {"x-connector-secret": SECRET}, 0)
    in_address = Case(
        "xero: in the address", "xero", body, frozenset({401}), {}, 0, query=f"x-xero-signature={right}"
    )
    yield in_address
    for name, unread in {
        "garbage": b"{",
        "nothing": b"",
        "deep": b"[" * 100_000,
        "gzip": gzip.compress(body),
    }.items():
        yield Case(f"xero: {name}, wrong", "xero", unread, frozenset({401}), {"x-xero-signature": right}, 0)
    intent = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}'
    tampered = {"x-xero-signature": "/" + signature_of(intent)[1:]}
    yield Case("xero: intent, wrong", "xero", intent, frozenset({401}), tampered, 0)
    yield case("xero", "intent, right", intent, status=200, events=0)
    yield case("xero", "the newer key", body, status=200, events=1)
    older = {"x-xero-signature": signature_of(body, OLD_KEY)}
    yield case("xero", "the older key while it is replaced", body, status=200, events=1, headers=older)


def secrets() -> Iterator[Case]:
    """F12, for Dynamics: who does not know a secret of this address is refused, whatever he says."""
    body = json.dumps(dynamics_context()).encode()
    wrong = {
        "empty": "",
        "blank": " ",
        "truncated": SECRET[:-1],
        "longer": SECRET + "x",
        "space behind": SECRET + " ",
        "NUL behind": SECRET + "\x00",
        "upper case": SECRET.upper(),
        "twice": f"{SECRET},{SECRET}",
        "both at once": f"{SECRET},old-secret",
        "as bearer": f"Bearer {SECRET}",
        "non-ASCII": "é",
        "bytes above ASCII": "\xff\xfe\x80",
        "100 kB": "s" * 100_000,
        "the address": "endpoint-key",
        "the organisation": ORGANISATION,
        "of nobody": "nobody-has-this-secret-and-nobody-can-offer-it",
        "None": "None",
    }
    refused: Any = frozenset({401})
    for name, secret in wrong.items():
        yield Case(f"dynamics: {name}", "dynamics", body, refused, {"x-connector-secret": secret}, 0)
    for name, query in {
        "absent": "",
        "empty in the address": "code=",
        "wrong in the address": "code=wrong",
        "wrong, then right": f"code=wrong&code={SECRET}",
        "another name": f"Code={SECRET}",
        "no UTF-8": "code=%ff%fe",
        "a lone surrogate": "code=%ed%a0%80",
        "NUL": "code=%00",
        "half an escape": "code=%",
        "1,000 of them": "code=x&" * 1000,
    }.items():
        yield Case(f"dynamics: {name}", "dynamics", body, refused, {}, 0, query=query)
    signed = {"x-xero-signature": signature_of(body)}
    yield Case("dynamics: a signature of Xero", "dynamics", body, refused, signed, 0)
    right = {"x-connector-secret": SECRET}
    for key in ("unknown", "ENDPOINT-KEY", "endpoint-key%00", "%00", "endpoint-key ", "\xff\xfe", "é", "k" * 4000):
        path = f"/webhooks/dynamics/{key}".replace("%00", "\x00")
        yield Case(f"dynamics: address {key[:20]!r}", "dynamics", body, refused, right, 0, path=path)
    for name, unread in {"garbage": b"{", "nothing": b"", "deep": b"[" * 100_000}.items():
        yield Case(f"dynamics: {name}, wrong", "dynamics", unread, refused, {"x-connector-secret": "x"}, 0)
    yield case("dynamics", "the newer secret", body, status=200, events=1)
    yield case("dynamics", "the older one", body, status=200, events=1, headers={"x-connector-secret": "old-secret"})


# -- JSON ------------------------------------------------------------------------------------------------------


def truncated() -> Iterator[Case]:
    """F16: a body that ends after each of its bytes."""
    for source, document, status in (
        ("xero", xero_delivery(xero_event()), 200),
        ("dynamics", context(InputParameters=target(name=CANARY)), 400),
    ):
        body = json.dumps(document).encode()
        for length in range(len(body)):
            yield case(source, f"after {length}", body[:length], status=status, events=0)


# Documents with a place for a value, and how what is no JSON is answered.
_FIELDS: Final = json.dumps(context())
JSON_SIDES: Final = (
    ("xero", f'{{"events": [{json.dumps(xero_event())}], "{CANARY}": %s}}', 200),
    ("dynamics", _FIELDS[:-1] + f', "{CANARY}": %s}}', 400),
)


def json_texts() -> Iterator[Case]:
    """F16: what is no JSON, no object, or more of it than anybody sends."""
    for source, whole, refused in JSON_SIDES:
        for name, text in {
            "nothing": "",
            "spaces": " \n\t ",
            "null": "null",
            "true": "true",
            "list": "[]",
            "list of lists": "[[]]",
            "list of the document": f"[{whole % 1}]",
            "text": f'"{CANARY}"',
            "text of the document": json.dumps(whole % 1),
            "number": "7",
            "decimal": "7.5",
            "NaN": "NaN",
            "twice": f"{whole % 1}{whole % 1}",
            "words behind": f"{whole % 1} {CANARY}",
            "bracket behind": f"{whole % 1}}}",
            "comment": f"/* {CANARY} */{whole % 1}",
            "comma at the end": f"{(whole % 1)[:-1]},}}",
            "single quotes": (whole % 1).replace('"', "'"),
            "a form": f"payload={whole % 1}",
            "XML": f"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>{CANARY}&x;</a>",
        }.items():
            yield case(source, name, text.encode(), status=refused, events=0)


def json_values() -> Iterator[Case]:
    """F16: one value in a document that is right otherwise."""
    for source, whole, refused in JSON_SIDES:
        for name, value in {
            "NaN inside": "NaN",
            "Infinity": "Infinity",
            "-Infinity": "-Infinity",
            "a whole number of 5,000 digits": "9" * 5000,
            "its exponent has 20 digits": "1e99999999999999999999",
            "so small that no exponent holds it": "-1.5E-99999999999999999999",
            "nothing, with such an exponent": "0e99999999999999999999",
            "+1": "+1",
            "01": "01",
            ".5": ".5",
            "hexadecimal": "0x1",
            "an open text": f'"{CANARY}',
            "a line end in a text": f'"{CANARY}\n"',
            "NUL in a text": f'"{CANARY}\x00"',
            "half an escape": f'"{CANARY}\\u12"',
            "100,000 open lists": "[" * 100_000,
        }.items():
            yield case(source, name, (whole % value).encode(), status=refused, events=0)
        for name, value in {
            "5,000 decimals": "0." + "9" * 5000,
            "900,000 decimals": "0." + "9" * 900_000,
            "4,300 digits": "9" * 4300,
            "1e999999": "1e999999",
            "minus nothing": "-0.0",
            "a lone surrogate": f'"{CANARY}\\ud800"',
            "a pair of them": '"\\ud83d\\ude00"',
            "NUL, escaped": f'"{CANARY}\\u0000"',
            "an object of all bytes": json.dumps({CANARY + chr(code): chr(code) for code in range(256)}),
            "40,000 keys": json.dumps({f"{CANARY}{number}": 0 for number in range(40_000)}),
            "one key 40,000 times": "{" + ",".join([f'"{CANARY}": 1'] * 40_000) + "}",
            "200,000 members": "[" + ",".join(["0"] * 200_000) + "]",
            "one text of 1 MB": f'"{CANARY * 70_000}"',
        }.items():
            yield case(source, name, (whole % value).encode(), status=200, events=1)


def nested() -> Iterator[Case]:
    """F16: deeper and deeper, around where a parser gives up and far beyond."""
    for source, whole, _ in JSON_SIDES:
        for depth in (10, 100, 500, *range(800, 1000, 10), 1000, 10_000, 100_000, 500_000):
            for kind, opening, closing in (("lists", "[", "]"), ("objects", '{"a":', "}")):
                value = opening * depth + "0" + closing * depth
                if len(value) < LIMIT - 2000:
                    yield case(source, f"{depth} nested {kind}", (whole % value).encode())
    for depth in range(600, 1000):
        # Told apart by all that it says, since nothing in it is a version.
        value = (_FIELDS[:-1].replace('"OperationId"', '"Id"') + ', "a": %s}') % ("[" * depth + "0.5" + "]" * depth)
        yield case("dynamics", f"no version, {depth} nested lists", value.encode())


def encodings() -> Iterator[Case]:
    """F16: the same document as other bytes. What JSON allows is read, the rest is not."""
    for source, document, refused in (
        ("xero", xero_delivery(xero_event(entropy="é")), 200),
        ("dynamics", context(Name="é"), 400),
    ):
        text = json.dumps(document, ensure_ascii=False)
        for name, read in {
            "BOM": text.encode("utf-8-sig"),
            **{code: text.encode(code) for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be")},
        }.items():
            yield case(source, name, read, status=200, events=1)
        for name, unread in {
            "Latin-1": text.encode("latin-1"),
            "EBCDIC": text.encode("cp037"),
            "UTF-7": text.encode("utf-7") + b"+",
            "half a character": text.encode()[:-1] + b"\xc3}",
            "overlong": text.encode().replace("é".encode(), b"\xc0\xaf"),
            "half of UTF-16": text.encode("utf-16")[:-1],
            "two BOMs": b"\xef\xbb\xbf" + text.encode("utf-8-sig"),
            "NULs before": b"\x00\x00" + text.encode(),
            "NULs behind": text.encode() + b"\x00" * 4,
            "gzip": gzip.compress(text.encode()),
            "base64": b"eyJldmVudHMiOltdfQ==",
            "all bytes": bytes(range(256)),
        }.items():
            yield case(source, name, unread, status=refused, events=0)
        encoded = text.encode("utf-8").replace("é".encode(), b"\xed\xa0\x80")
        yield case(source, "a surrogate as bytes", encoded)


def members() -> Iterator[Case]:
    """F15, F16: each member of a document absent, doubled, in other letters; and many more than there are."""
    for name in xero_event():
        shown = {key: value for key, value in xero_event().items() if key != name}
        optional = name in ("resourceUrl", "tenantType")
        yield case("xero", f"without {name}", xero_delivery(shown), status=200, events=int(optional))
        other = shown | {name.upper(): xero_event()[name]}
        yield case("xero", f"{name} in capitals", xero_delivery(other), status=200, events=int(optional))
        doubled = json.dumps(xero_event())[:-1] + f', "{name}": "{CANARY}"}}'
        yield case("xero", f"{name} twice", f'{{"events": [{doubled}]}}'.encode(), status=200)
    for name in ("events", "firstEventSequence", "lastEventSequence", "entropy"):
        shown = {key: value for key, value in xero_delivery(xero_event()).items() if key != name}
        yield case("xero", f"without {name}", shown, status=200, events=int(name != "events"))
    for name in dynamics_context():
        document = dynamics_context()
        value = document.pop(name)
        status = 403 if name == "OrganizationId" else 200
        yield case("dynamics", f"without {name}", document, status=status)
        yield case("dynamics", f"{name} in capitals", document | {name.upper(): value}, status=status)
        doubled = json.dumps(dynamics_context())[:-1] + f', "{name}": "{CANARY}"}}'
        yield case("dynamics", f"{name} twice", doubled.encode(), status=status)
    empty: dict[str, Any] = {}
    yield case("dynamics", "no members", empty, status=403, events=0)
    yield case("xero", "no members", empty, status=200, events=0)
    stripped = context(InputParameters=None, PreEntityImages=None, PostEntityImages=None, ParentContext=None)
    yield case("dynamics", "stripped for its size", stripped, status=200, events=1)
