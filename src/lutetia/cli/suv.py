"""``lutetia suv``: the SUV factor of a series, where it comes from, and what is odd about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from lutetia.cli.progress import Progress
from lutetia.cli.suv_text import text_of
from lutetia.model import UsageError
from lutetia.model.pet import SuvOverrides
from lutetia.reading.suv import SeriesSuv, SuvReport, read_suv, volume_file

PathLike = str | os.PathLike[str]


def suv(
    path: PathLike | Sequence[PathLike],
    *,
    basis: str = "bw",
    mask: PathLike | None = None,
    nifti: PathLike | None = None,
    series: str | None = None,
    progress: Any = None,
    **overrides: Any,
) -> SuvReport:
    """The SUV factor of every PET and SPECT series under `path`.

    Parameters
    ----------
    path : folder, DICOM file or zip archive, or several
    basis : "bw" (default), "lbm" (James, 120), "lbmjames128", "lbmjanma", "ibw" or "bsa"
    mask : NIfTI, DICOM SEG or RTSTRUCT; restricts the statistics
    nifti : write the SUV volume to this file (.nii.gz or .nii)
    series : SeriesInstanceUID, or its beginning
    **overrides : fields of `lutetia.model.pet.SuvOverrides`, entered by hand: ``weight_kg``, ``size_m``, ``sex``,
        ``dose_mbq``, ``injection_time``, ``reference_time``, ``half_life_s``, ``units``, ``decay_correction``

    Returns
    -------
    SuvReport
        The same as ``lutetia suv --json`` prints.

    Raises
    ------
    InputError
        The path or the mask can't be read, or there is no PET or SPECT series.
    UsageError
        An unknown basis or override, or several volumes for one NIfTI file.
    """
    unknown = set(overrides) - set(SuvOverrides.__dataclass_fields__)
    if unknown:
        raise UsageError(
            "unknown-override",
            f"There is no override {', '.join(sorted(unknown))}",
            expected=", ".join(SuvOverrides.__dataclass_fields__),
        )
    target = None if nifti is None else volume_file(nifti)
    kept: list[SeriesSuv] = []

    def keep(result: SeriesSuv) -> None:
        if target is None or result.volume is None:
            return
        if kept:
            raise UsageError(
                "several-volumes",
                "More than one series gives an SUV volume, but one NIfTI file was asked for",
                where="--nifti",
                expected="one series",
                remedy=f"choose with --series: {kept[0].record.series_instance_uid} or "
                f"{result.record.series_instance_uid}",
            )
        kept.append(result)

    report = read_suv(
        path,
        overrides=SuvOverrides(**overrides),
        basis=basis,
        mask=mask,
        series=series,
        progress=progress,
        keep=keep if target is not None else None,
    )
    if target is not None and kept:
        _write(kept[0], target)
    return report


def _write(result: SeriesSuv, target: Path) -> None:
    """Write to a temporary name beside the target, then rename."""
    from lutetia.outputs.maps import nifti_header, write_nifti

    volume = result.volume
    assert volume is not None
    part = target.with_name(f".{target.name}.part")
    description = f"{volume.unit} {result.record.suv.unit if result.record.suv else ''}"
    try:
        if target.name.lower().endswith(".gz"):
            write_nifti(volume, part, description)
        else:
            data = np.ascontiguousarray(volume.array, dtype="<f4")
            part.write_bytes(nifti_header(volume.grid, data.dtype, description) + data.tobytes())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(name="suv", help="Print the SUV factor of a series, the times and elements behind it, warnings.")(
        command
    )


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
    with Progress() as show:
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
    typer.echo(report.model_dump_json(indent=2) if as_json else text_of(report))
    if report.refused:
        raise typer.Exit(1)
