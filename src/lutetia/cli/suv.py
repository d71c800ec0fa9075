"""``lutetia suv``: the SUV factor of a series, where it comes from, and what is odd about it."""

from __future__ import annotations

from pathlib import Path

import typer

from lutetia.cli.progress import Progress


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(name="suv", help="Print each series' SUV factor and everything behind it.")(command)


def command(
    paths: list[Path] = typer.Argument(..., metavar="PATH", help="Folder, DICOM file or zip archive."),
    basis: str = typer.Option("bw", "--basis", help="bw, lbm (James, 120), lbmjames128, lbmjanma, ibw or bsa."),
    mask: Path | None = typer.Option(None, "--mask", help="NIfTI, DICOM SEG or RTSTRUCT: statistics inside it."),
    nifti: Path | None = typer.Option(None, "--nifti", help="Write the SUV volume here (.nii.gz)."),
    series: str | None = typer.Option(None, "--series", help="SeriesInstanceUID, or its beginning."),
    weight_kg: float | None = typer.Option(None, "--weight-kg", help="Body weight, by hand."),
    size_m: float | None = typer.Option(None, "--size-m", help="Body height in metres, by hand."),
    sex: str | None = typer.Option(None, "--sex", help="M, F or O, by hand."),
    dose_mbq: float | None = typer.Option(None, "--dose-mbq", help="Injected activity at injection, by hand."),
    injection_time: str | None = typer.Option(
        None, "--injection-time", help="By hand: 13:05, or 2025-01-31T13:05:00 with the date."
    ),
    reference_time: str | None = typer.Option(
        None, "--reference-time", help="Time the images are decay-corrected to, by hand."
    ),
    half_life_s: float | None = typer.Option(None, "--half-life-s", help="Half-life in seconds, by hand."),
    units: str | None = typer.Option(None, "--units", help="Units of the rescaled values, by hand: BQML, GML …"),
    decay_correction: str | None = typer.Option(None, "--decay-correction", help="START, ADMIN or NONE, by hand."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the SUV factor of every PET and SPECT series, and what it rests on."""
    from lutetia.api import suv

    with Progress(quiet=as_json) as show:
        report = suv(
            list(paths),
            basis=basis,
            mask=mask,
            nifti=nifti,
            series=series,
            progress=lambda done, total: show("reading headers", done / max(total, 1)),
            weight_kg=weight_kg,
            size_m=size_m,
            sex=sex,
            dose_mbq=dose_mbq,
            injection_time=injection_time,
            reference_time=reference_time,
            half_life_s=half_life_s,
            units=units,
            decay_correction=decay_correction,
        )
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        from lutetia.cli.suv_text import text_of

        typer.echo(text_of(report))
    if report.faulty:
        raise typer.Exit(1)
