"""Draws a form as people see it, from the FormXml and the views in the package itself: so the picture is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from solution.standard import STANDARD

WIDTH, MARGIN, GAP = 1000, 24, 16
ROW, TITLE, BAR = 34, 30, 44
LABEL_WIDTH = 170
INK, FAINT, LINE, PAPER, SHADE, ACCENT = "#1f2328", "#656d76", "#d0d7de", "#ffffff", "#f3f5f7", "#0b6a9e"


@dataclass(slots=True)
class _Sheet:
    """What has been drawn so far."""

    parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, *, fill: str, line: str = LINE) -> None:
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{fill}" stroke="{line}"/>'
        )

    def text(self, x: float, y: float, words: str, *, color: str = INK, size: int = 14, bold: bool = False) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{color}" font-size="{size}"{weight}>{escape(words)}</text>'
        )


def draw_form(customizations: bytes, form_id: str) -> str:
    """Return a form of a customizations.xml as SVG. Raises KeyError if it has no form of this id."""
    root = ET.fromstring(customizations)  # noqa: S314 - our own package
    views = {view.findtext("savedqueryid", "").lower(): view for view in root.iter("savedquery")}
    for form in root.iter("systemform"):
        if form.findtext("formid", "").strip("{}").lower() == form_id:
            return _draw(form, views, _labels(root))
    raise KeyError(form_id)


def _labels(root: ET.Element) -> dict[str, str]:
    """What columns are called, by their names: Dynamics' own, and those of the package."""
    found = {name: label for table in STANDARD.values() for name, (_, label) in table.columns.items()}
    for attribute in root.iter("attribute"):
        shown = attribute.find("displaynames/displayname")
        if shown is not None:
            found[attribute.findtext("LogicalName", "")] = shown.get("description", "")
    return found


def _draw(form: ET.Element, views: Mapping[str, ET.Element], labels: Mapping[str, str]) -> str:
    sheet = _Sheet()
    name = _label(form.find("LocalizedNames"), "LocalizedName")
    y = float(MARGIN)
    sheet.text(MARGIN, y + 18, name, size=20, bold=True)
    y += BAR
    for tab in form.iterfind("form/tabs/tab"):
        y = _tab(sheet, tab, y, views, labels) + GAP
    height = y + MARGIN - GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'font-family="Segoe UI, Helvetica, Arial, sans-serif"><title>{escape(name)}</title>'
    )
    return "\n".join(
        [head, f'<rect width="{WIDTH}" height="{height:g}" fill="{SHADE}"/>', *sheet.parts, "</svg>", ""]
    )


def _tab(
    sheet: _Sheet, tab: ET.Element, y: float, views: Mapping[str, ET.Element], labels: Mapping[str, str]
) -> float:
    """Draw one page below the other; return where it ends."""
    sheet.text(MARGIN, y + 18, _label(tab.find("labels")), color=ACCENT, bold=True)
    y += TITLE
    x, ends = float(MARGIN), y
    columns = tab.findall("columns/column")
    room = WIDTH - 2 * MARGIN - GAP * (len(columns) - 1)
    for column in columns:
        width = room * float((column.get("width") or "100%").rstrip("%")) / 100
        below = y
        for section in column.iterfind("sections/section"):
            below = _section(sheet, section, x, below, width, views, labels) + GAP
        ends = max(ends, below - GAP)
        x += width + GAP
    return ends


def _section(
    sheet: _Sheet,
    section: ET.Element,
    x: float,
    y: float,
    width: float,
    views: Mapping[str, ET.Element],
    labels: Mapping[str, str],
) -> float:
    controls = [(cell, control) for cell in section.iter("cell") if (control := cell.find("control")) is not None]
    height = TITLE + sum(_height(control) for _, control in controls) + GAP / 2
    sheet.box(x, y, width, height, fill=PAPER)
    sheet.text(x + 12, y + 20, _label(section.find("labels")), bold=True)
    below = y + TITLE
    for cell, control in controls:
        if control.find("parameters") is not None:
            _grid(sheet, control, x, below, width, views, labels)
        else:
            _field(sheet, cell, control, x, below, width)
        below += _height(control)
    return y + height


def _height(control: ET.Element) -> float:
    return ROW * 3 if control.find("parameters") is not None else ROW


def _field(sheet: _Sheet, cell: ET.Element, control: ET.Element, x: float, y: float, width: float) -> None:
    is_locked = control.get("disabled") == "true"
    sheet.text(x + 12, y + 21, _label(cell.find("labels")), color=FAINT, size=13)
    sheet.box(x + LABEL_WIDTH, y + 3, width - LABEL_WIDTH - 12, ROW - 8, fill=SHADE if is_locked else PAPER)
    if is_locked:
        sheet.text(x + LABEL_WIDTH + 10, y + 21, "read only", color=FAINT, size=12)


def _grid(
    sheet: _Sheet,
    control: ET.Element,
    x: float,
    y: float,
    width: float,
    views: Mapping[str, ET.Element],
    labels: Mapping[str, str],
) -> None:
    view = views[control.findtext("parameters/ViewId", "").lower()]
    cells = list(view.iterfind("layoutxml/grid/row/cell"))
    whole = sum(float(cell.get("width") or 100) for cell in cells)
    left, room = x + 12, width - 24
    sheet.box(left, y, room, ROW * 3 - 8, fill=PAPER)
    sheet.box(left, y, room, ROW - 6, fill=SHADE)
    for cell in cells:
        share = float(cell.get("width") or 100) / whole * room
        sheet.text(left + 8, y + 19, _cut(labels[cell.get("name", "")], share), size=12, bold=True)
        left += share


def _cut(words: str, room: float) -> str:
    most = max(3, int(room / 7.4) - 2)
    return words if len(words) <= most else words[: most - 1] + "…"


def _label(labels: ET.Element | None, tag: str = "label") -> str:
    found: Iterator[ET.Element] = iter(()) if labels is None else labels.iterfind(tag)
    return next((one.get("description", "") for one in found), "")
