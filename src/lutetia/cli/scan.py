"""``lutetia scan``: what is in a folder, what would be read, and why not the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from lutetia.dicom.report_scan import report
from lutetia.dicom.scan import scan


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(name="scan", help="List patients, studies and series; say what would be read and why.")(command)


def command(
    paths: list[Path] = typer.Argument(..., help="Folders, DICOM files or zip archives."),
    patient: str | None = typer.Option(None, "--patient", help="Patient ID or name, where there are several."),
    pet: list[str] = typer.Option([], "--pet", help="SeriesInstanceUID, its beginning, or series number of the PET."),
    ct: list[str] = typer.Option([], "--ct", help="The same for the CT."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """List patients, studies and series; say what would be read and why."""
    found = report(scan(paths, progress=_progress()), patient=patient, pet=pet or None, ct=ct or None)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo(_text(found))
    problems = any(i["level"] == "error" for i in found["issues"])
    return 2 if not found["patients"] else 1 if problems else 0


def _progress() -> Any:
    """A progress bar on the terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    state: dict[str, Any] = {}

    def show(done: int, total: int) -> None:
        if "bar" not in state:
            state["bar"] = typer.progressbar(length=total, label="headers", file=sys.stderr).__enter__()
            state["done"] = 0
        state["bar"].update(done - state["done"])
        state["done"] = done
        if done == total:
            state["bar"].render_finish()

    return show


def _text(found: dict[str, Any]) -> str:
    lines = []
    for patient in found["patients"]:
        lines.append(f"Patient {patient['key']}" + (f"  {patient['name']}" if patient["name"] else ""))
        for study in patient["studies"]:
            title = study["description"] or "(no description)"
            lines.append(f"  Study {study['date'] or '(no date)'}  {title}  {study['study_instance_uid']}")
            for series in study["series"]:
                lines.append(_series_line(series))
            if study.get("reading"):
                lines.append(f"    → {study['reading']}")
    if found["issues"]:
        lines += ["", "Issues"]
        for issue in found["issues"]:
            where = f"  [{issue['where']}]" if issue["where"] else ""
            lines.append(f"  {issue['level']:<8}{issue['code']}: {issue['message']}{where}")
    lines += ["", f"{found['n_files']} files, {found['n_instances']} DICOM objects"]
    return "\n".join(lines)


def _series_line(series: dict[str, Any]) -> str:
    number = "" if series["series_number"] is None else str(series["series_number"])
    role = series["role"] or "–"
    name = series["description"] + (f" ({series['part']})" if series["part"] else "")
    line = f"    {role:<4} {series['modality'] or '?':<8} {number:>5}  {name}  {series['n_images']} images"
    return f"{line}: {series['reason']}" if series["reason"] else line
