"""``lutetia scan``: what is in a folder, what would be read, and why not the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from lutetia.cli.progress import Progress


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(name="scan", help="List what is there; say what would be read, and why.")(command)


def command(
    paths: list[Path] = typer.Argument(..., help="Folders, DICOM files or zip archives."),
    patient: str | None = typer.Option(None, "--patient", help="Patient ID or name, where there are several."),
    pet: list[str] = typer.Option([], "--pet", help="SeriesInstanceUID, its beginning, or series number of the PET."),
    ct: list[str] = typer.Option([], "--ct", help="The same for the CT."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List patients, studies and series; say what would be read and why."""
    from lutetia.api import scan

    with Progress(quiet=as_json) as show:
        found = scan(
            paths,
            patient=patient,
            pet=pet or None,
            ct=ct or None,
            progress=lambda done, total: show("reading headers", done / max(total, 1)),
        )
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else _text(found))
    if not found["patients"]:
        raise typer.Exit(2)
    if any(i["level"] == "error" for i in found["issues"]):
        raise typer.Exit(1)


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
    lines += ["", f"{_counted(found['n_files'], 'file')}, {_counted(found['n_instances'], 'DICOM object')}"]
    return "\n".join(lines)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _series_line(series: dict[str, Any]) -> str:
    number = "" if series["series_number"] is None else str(series["series_number"])
    role = series["role"] or "–"
    name = series["description"] + (f" ({series['part']})" if series["part"] else "")
    line = f"    {role:<4} {series['modality'] or '?':<8} {number:>5}  {name}  {_counted(series['n_images'], 'image')}"
    return f"{line}: {series['reason']}" if series["reason"] else line
