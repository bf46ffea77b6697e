"""What each answer of the portal says to the browser: nothing from elsewhere, nothing inline, nothing kept."""

from __future__ import annotations

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
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in CONTENT.items()),
}
ONE_DAY_S = 86_400


def send_headers(app: Flask, *, is_https: bool) -> None:
    """Put these headers on every answer, errors included."""

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers.extend(ALWAYS)
        if is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        is_static = request.endpoint is not None and request.endpoint.endswith("static")
        response.headers["Cache-Control"] = f"private, max-age={ONE_DAY_S}" if is_static else "no-store"
        return response
