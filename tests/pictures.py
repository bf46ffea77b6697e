"""`python -m tests.pictures`: renew the pictures of the documents that are drawn from the solution."""

from __future__ import annotations

from pathlib import Path

from solution.files.documents import customizations
from solution.forms import INVOICE
from solution.picture import draw_form

FILE = Path(__file__).parents[1] / "docs" / "pictures" / "invoice-form.svg"

if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(draw_form(customizations(), INVOICE.id), "utf-8")
