"""``lutetia conformance``: objects with known answers, read and judged; and a way to write such objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lutetia.cli.progress import Progress

if TYPE_CHECKING:
    from lutetia.reading.conformance import ConformanceReport, ConformanceRow


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(name="conformance", help="Run SUV objects with known answers and judge them.")(command)


def command(
    folder: Path = typer.Argument(..., help="Folder of objects, or a .tar.xz of one."),
    write: bool = typer.Option(False, "--write", help="First write the 58 objects of the IBSI-SUV list 3 there."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Run SUV objects with known answers and print the table."""
    from lutetia.api import conformance as run

    with Progress(quiet=as_json) as show:
        report = run(folder, write=write, progress=show)
    typer.echo(report.model_dump_json(indent=2) if as_json else table(report))
    if report.n_right < len(report.rows):
        raise typer.Exit(1)


def table(report: ConformanceReport) -> str:
    """The rows as text."""
    lines = [f"{'object':16}{'expected':>20}  {'measured':>20}  {'verdict':12}how, or why not"]
    lines += [
        f"{row.id:16}{row.expected_words:>20}  {_measured(row):>20}  {row.verdict:12}{row.message[:110]}"
        for row in report.rows
    ]
    lines.append(f"{report.n_right} of {len(report.rows)} right")
    return "\n".join(lines)


def _measured(row: ConformanceRow) -> str:
    if row.measured is None:
        return f"[{row.refusal_code or 'nothing'}]"[:20]
    return " / ".join(f"{v:.3f}" for v in row.measured)
