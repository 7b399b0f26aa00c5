"""The fixed parts of an XLSX package (ISO/IEC 29500-1 and -2), without what is optional."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campuscore.adapters.sheets.cells import Cells, escaped
from campuscore.ports.sheets import Cell

__all__ = ["HEAD_STYLE", "package", "sheet_end", "sheet_start", "titles", "workbook"]

HEAD_STYLE = 1
"""The style of the head's cells in ``styles.xml``: bold."""

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_LONGEST_TITLE = 31
_NARROWEST, _WIDEST = 8, 60
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")

_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
_PANE = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'


def titles(title: str, count: int) -> list[str]:
    """Return a title per sheet that Excel takes: no brackets or slashes, at most 31 units."""
    clean = _NOT_IN_TITLES.sub(" ", title).strip("' ") or "Sheet"
    if clean.casefold() == "history":
        clean = "History sheet"
    ends = ["" if number == 1 else f" ({number})" for number in range(1, count + 1)]
    return [_shortened(clean, _LONGEST_TITLE - len(end)) + end for end in ends]


def sheet_start(head: Sequence[str], sample: Sequence[Sequence[Cell]], *, first: bool) -> str:
    """Return a sheet up to and with the row of its head; widths come from a sample of the rows."""
    selected = ' tabSelected="1"' if first else ""
    widths = [_width(column, name, sample) for column, name in enumerate(head)]
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, 1)
    )
    cells = Cells(style=HEAD_STYLE)
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView{selected} workbookViewId="0">'
        f"{_PANE}</sheetView></sheetViews>"
        f"{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
        f"<row>{''.join(cells[name] for name in head)}</row>"
    )


def sheet_end(width: int, height: int) -> str:
    """Return the end of a sheet, with the filter over all of it."""
    area = f'<autoFilter ref="A1:{_letters(width)}{height}"/>' if width else ""
    return f"</sheetData>{area}</worksheet>"


def workbook(names: Sequence[str], heights: Sequence[int], width: int) -> str:
    """Return the part that lists the sheets, each with the hidden name that its filter needs."""
    sheets = "".join(
        f'<sheet name="{_attribute(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, 1)
    )
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{index}" hidden="1">'
        f"{escaped(_quoted(name))}!$A$1:${_letters(width)}${height}</definedName>"
        for index, (name, height) in enumerate(zip(names, heights, strict=True))
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<bookViews><workbookView/></bookViews><sheets>{sheets}</sheets>"
        f"{f'<definedNames>{filters}</definedNames>' if width else ''}</workbook>"
    )


def package(count: int) -> dict[str, str]:
    """Return the parts that tie a workbook of so many sheets together, by their names."""
    numbers = range(1, count + 1)
    sheets = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    styles = (f"rId{count + 1}", "styles", "styles.xml")
    overrides = [("xl/workbook.xml", "sheet.main"), ("xl/styles.xml", "styles")]
    overrides += [(f"xl/worksheets/sheet{n}.xml", "worksheet") for n in numbers]
    return {
        "xl/styles.xml": _STYLES,
        "xl/_rels/workbook.xml.rels": _relations([*sheets, styles]),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "[Content_Types].xml": (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            + "".join(
                f'<Override PartName="/{part}" ContentType="{_TYPE}.{kind}+xml"/>'
                for part, kind in overrides
            )
            + "</Types>"
        ),
    }


def _relations(targets: Sequence[tuple[str, str, str]]) -> str:
    relations = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, kind, target in targets
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'


def _width(column: int, name: str, sample: Sequence[Sequence[Cell]]) -> int:
    # Three more than the name leave room for the filter's button.
    longest = max((len(_shown(row, column)) for row in sample), default=0)
    return min(max(longest + 1, len(name) + 3, _NARROWEST), _WIDEST)


def _shown(row: Sequence[Cell], column: int) -> str:
    value = row[column] if column < len(row) else None
    return "" if value is None else str(value)


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _shortened(title: str, units: int) -> str:
    octets = title.encode("utf-16-le", "surrogatepass")[: units * 2]
    return octets.decode("utf-16-le", "ignore").rstrip("' ") or "Sheet"


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _attribute(text: str) -> str:
    return escaped(text).replace('"', "&quot;")
