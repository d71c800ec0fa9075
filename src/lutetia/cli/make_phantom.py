"""``lutetia make-phantom``."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("make-phantom", short_help="Write a synthetic PET/CT patient as DICOM, with its truth.")
    def make_phantom(
        out: Path = typer.Argument(..., help="Folder to write into: dicom/, truth.json, truth/."),
        variant: str = typer.Option(
            "standard",
            help="standard, liver_disease, no_spleen, small, large, arms_down, contrast or situs_inversus.",
        ),
        seed: int = typer.Option(1, help="Draws the patient; the same seed gives the same bytes."),
        tracer: str = typer.Option("dotatate", help="dotatate or fdg."),
        size: str = typer.Option("standard", help="standard; small: coarse grids for a test; full: the benchmark."),
        course: str = typer.Option("", help="Several studies of one patient: captem (SSTR, FDG; CAPTEM; SSTR, FDG)."),
        as_json: bool = typer.Option(False, "--json", help="Print the truth as JSON."),
    ) -> None:
        """Write a synthetic PET/CT patient as DICOM, with the exact truth beside it."""
        from lutetia.api import make_phantom as make

        truth = make(out, seed, variant, tracer=tracer, size=size, course=course)
        if as_json:
            typer.echo(json.dumps(truth.record, indent=2))
            return
        for study in truth.studies:
            grid = " × ".join(str(n) for n in reversed(study["pet_grid"]["shape"]))
            typer.echo(f"{study['id']:12}{study['tracer_name']:16}PET {grid}   {out / study['dicom']}")
        malignant = sum(lesion["kind"] == "malignant" for lesion in truth.lesions)
        typer.echo(f"{malignant} lesions, {len(truth.lesions) - malignant} benign   {out / 'truth.json'}")
