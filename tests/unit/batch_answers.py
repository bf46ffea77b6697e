"""Parts of a batch's answer, as Dataverse writes them."""

from __future__ import annotations


def http_part(status: int, body: str = "", *headers: str) -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", ""]
    lines += [f"HTTP/1.1 {status} Reason", "OData-Version: 4.0", *headers, "", body]
    return "\r\n".join(lines)


def multipart(boundary: str, *parts: str, end: str = "--") -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}{end}\r\n"


def nested(*parts: str) -> str:
    return 'Content-Type: multipart/mixed; boundary="changesetresponse_1"\r\n\r\n' + multipart(
        "changesetresponse_1", *parts
    )
