"""What each answer of the portal says to the browser: nothing from elsewhere, nothing inline, nothing kept."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request

CONTENT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # pictures inside the style sheet, and the code for authenticator apps
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ONE_DAY_S = 86_400


def send_headers(app: Flask, *, is_https: bool, forms_lead_to: Sequence[str] = ()) -> None:
    """Put these headers on every answer, errors included.

    `forms_lead_to`: where else a form may lead; browsers hold what it is redirected to against this as well.
    """
    content = CONTENT | {"form-action": " ".join([CONTENT["form-action"], *forms_lead_to])}
    policy = "; ".join(f"{name} {sources}" for name, sources in content.items())

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers.extend(ALWAYS | {"Content-Security-Policy": policy})
        if is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        is_static = request.endpoint is not None and request.endpoint.endswith("static")
        response.headers["Cache-Control"] = f"private, max-age={ONE_DAY_S}" if is_static else "no-store"
        return response
