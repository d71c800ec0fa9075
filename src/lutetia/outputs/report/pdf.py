"""The report as PDF: archival (PDF/A-2b) and accessible (PDF/UA-1), set by Typst, the same bytes every time."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from datetime import UTC, datetime
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from lutetia.outputs.colours import Rgb, hexadecimal, text_on
from lutetia.outputs.report.blocks import Figure, Report

STANDARDS: list[Literal["a-2b", "ua-1"]] = ["a-2b", "ua-1"]
_EXTENSION = {"jpeg": "jpg", "svg": "svg"}


def report_pdf(report: Report) -> bytes:
    """Set the report. Only the bundled fonts are used, nothing is fetched, and the clock is not asked."""
    import typst  # 34 MB of library: loaded when a PDF is wanted

    root = files("lutetia.outputs")
    with tempfile.TemporaryDirectory(prefix="lutetia-report-") as name, as_file(root / "fonts") as fonts:
        folder = Path(name)
        (folder / "figures").mkdir()
        content = _content(report, folder / "figures")
        (folder / "report.json").write_text(json.dumps(content), encoding="utf-8")
        template = folder / "report.typ"
        template.write_bytes((root / "report" / "templates" / "report.typ").read_bytes())
        empty = folder / "packages"
        empty.mkdir()
        compiled = typst.compile(
            str(template),
            root=str(folder),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=[*STANDARDS],
            package_path=str(empty),
            package_cache_path=str(empty),
            timestamp=_timestamp(report.date),
        )
    return bytes(compiled)


def _timestamp(date: str | None) -> int:
    """Noon of the study's day, UTC: a document date that does not depend on when it was printed."""
    found = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", date or "")
    if not found:
        return 0
    try:
        year, month, day = (int(part) for part in found.groups())
        return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def _content(report: Report, folder: Path) -> dict[str, Any]:
    """The report as plain data for the template; pictures go to files, colours get their ink."""
    names: dict[str, str] = {}

    def figure(value: Figure) -> dict[str, Any]:
        name = names.setdefault(value.name, f"{len(names):04d}.{_EXTENSION[value.kind]}")
        (folder / name).write_bytes(value.data)
        return {
            "file": name,
            "alt": _printable(value.alt),
            "caption": _printable(value.caption),
            "width": value.width,
            "height": value.height,
            "panels": [_printable(panel) for panel in value.panels],
        }

    def plain(value: Any) -> Any:
        if isinstance(value, Figure):
            return figure(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            out = {key: plain(item) for key, item in fields.items() if key not in ("colour", "tag")}
            for key in ("colour", "tag"):
                if key in fields:
                    colour: Rgb | str | None = fields[key]
                    out[key] = hexadecimal(colour) if isinstance(colour, tuple) else plain(colour)
                    if isinstance(colour, tuple):
                        out["ink"] = hexadecimal(text_on(colour))
            if "level" in fields and isinstance(fields["level"], str):
                out["title"] = fields["level"].capitalize()
            return out
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return _printable(value) if isinstance(value, str) else value

    content = plain(report)
    assert isinstance(content, dict)
    patient = next((value for label, value in report.header if label in ("Patient", "Synthetic patient")), "")
    content["running"] = _printable(patient)
    return content


@cache
def _covered() -> frozenset[int]:
    """Characters that all bundled fonts have (``fonts/coverage.json``: first and last of every run)."""
    runs = json.loads((files("lutetia.outputs") / "fonts" / "coverage.json").read_text(encoding="utf-8"))
    return frozenset(code for first, last in runs for code in range(first, last + 1))


def _printable(text: str) -> str:
    """Text with every character that the bundled font lacks shown as □, since PDF/A allows no missing glyph."""
    covered = _covered()
    return "".join(ch if ord(ch) in covered else " " if ch.isspace() else "□" for ch in text)
