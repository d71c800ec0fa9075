"""``lutetia read``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from lutetia.model import Course, Issue


def _mapping(pairs: list[str] | None, option: str) -> dict[str, str]:
    """``["a=b"]`` → ``{"a": "b"}``."""
    out = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            from lutetia.model import UsageError

            raise UsageError("bad-option", f"{option} {pair!r} is not NAME=VALUE", expected="NAME=VALUE")
        out[name.strip()] = value.strip()
    return out


#: more errors than this are counted; the record has them all
_MOST_ERRORS = 3


def _summary(course: Course, out: Path, *, report: bool) -> str:
    """A few lines that say what was read and where it lies."""
    lines = []
    for study in course.studies:
        lines.append(f"{study.id}  {study.date or 'undated'}  {study.modality}  {study.tracer}")
        if study.suv is not None:
            lines.append(
                f"  SUV {study.suv.basis}: factor {study.suv.factor:.6g}, corrected to {study.suv.decay_reference}"
            )
        elif study.suv_refusal is not None:
            lines.append(f"  SUV refused: {study.suv_refusal.message}")
            if study.suv_refusal.override:
                lines.append(f"    settle it with {study.suv_refusal.override}")
        for name, reference in study.references.items() if study.references_sought else ():
            value = "–" if reference.suv_mean is None else f"{reference.suv_mean:.2f}"
            why = f" ({reference.reasons[0]})" if reference.reasons and reference.status != "ok" else ""
            lines.append(f"  {name.replace('_', ' '):11} {value:>6}  {reference.status}{why}")
    candidates = [x for x in course.lesions if x.counts]
    lines.append(f"{len(candidates)} candidate lesions, {len(course.lesions) - len(candidates)} sites set apart")
    errors = list(dict.fromkeys(_error_words(i) for i in course.issues if i.level == "error"))
    lines += errors[:_MOST_ERRORS]
    if len(errors) > _MOST_ERRORS:
        lines.append(f"and {len(errors) - _MOST_ERRORS} more errors: issues in findings.json")
    cautions = sum(i.level == "caution" for i in course.issues)
    if cautions:
        place = "the report" if report else "findings.json"
        lines.append(f"{cautions} caution{'s' if cautions > 1 else ''}: see issues in {place}")
    files = ["findings.json", "lesions.csv", *(["report.html", "report.pdf"] if report else [])]
    lines.append(f"results in {out}: {', '.join(files)}; DICOM and label maps by study")
    return "\n".join(lines)


def _error_words(issue: Issue) -> str:
    return f"ERROR {issue.message} [{issue.code}]" + (f"\n  where: {issue.where}" if issue.where else "")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(short_help="Read PET/CT: SUV, references, lesions, grades, report.")
    def read(
        paths: list[Path] = typer.Argument(..., help="Folders, files or zip archives with the DICOM export."),
        out: Path = typer.Option(..., "--out", "-o", help="Result folder."),
        patient: str | None = typer.Option(None, help="Patient ID, when the input holds several."),
        pet: str | None = typer.Option(None, help="PET series: UID, its beginning, or the series number."),
        ct: str | None = typer.Option(None, help="CT series, likewise; 'none' reads PET without CT."),
        tracer: str | None = typer.Option(None, help="Tracer by hand: dotatate, dotatoc, fdg …"),
        organs: Path | None = typer.Option(None, help="Your organ masks: NIfTI, folder, DICOM SEG or RTSTRUCT."),
        anatomy: Literal["embedded", "totalsegmentator", "none"] = typer.Option(
            "embedded", help="Where organ masks come from."
        ),
        reference: list[str] | None = typer.Option(None, help="liver=x,y,z,radius (LPS mm) or liver=mask file."),
        reference_estimate: Literal["whole_organ", "classical"] = typer.Option(
            "whole_organ", help="Which of the two estimates is reported."
        ),
        scheme: str = typer.Option("default", help="Segmentation scheme by name."),
        include_small: bool = typer.Option(False, help="Count lesions below 0.5 mL in the totals."),
        weight_kg: float | None = typer.Option(None, "--weight-kg", help="Body weight, by hand."),
        size_m: float | None = typer.Option(None, "--size-m", help="Body height in metres, by hand."),
        sex: str | None = typer.Option(None, "--sex", help="M, F or O, by hand."),
        dose_mbq: float | None = typer.Option(None, "--dose-mbq", help="Injected activity at injection, by hand."),
        injection_time: str | None = typer.Option(None, "--injection-time", help="By hand: 13:05, or with the date."),
        reference_time: str | None = typer.Option(
            None, "--reference-time", help="Time the images are decay-corrected to, by hand."
        ),
        half_life_s: float | None = typer.Option(None, "--half-life-s", help="Half-life in seconds, by hand."),
        units: str | None = typer.Option(None, "--units", help="Units of the rescaled values, by hand."),
        decay_correction: str | None = typer.Option(None, "--decay-correction", help="START, ADMIN or NONE, by hand."),
        set_: list[str] | None = typer.Option(None, "--set", help="Convention: C-A5=0.05 …"),
        case: Path | None = typer.Option(None, help="Referral data (YAML) for the rules."),
        rules: Path | None = typer.Option(None, help="Folder with a site's own rules."),
        corrections: Path | None = typer.Option(None, help="Corrections by the reader (YAML)."),
        visit_days: int = typer.Option(31, min=0, help="SSTR and FDG within this many days are one visit."),
        rigid: bool = typer.Option(False, help="Align studies rigidly only."),
        pseudonym: str | None = typer.Option(None, help="Replace identity, shift dates in every output."),
        seg_full: bool = typer.Option(False, help="Write empty frames of the SEG, too."),
        seg_labelmap: bool = typer.Option(False, help="Write the SEG as a label map."),
        suv_nifti: bool = typer.Option(False, help="Write the SUV volume as NIfTI, too."),
        report: bool = typer.Option(True, help="Write report.html and report.pdf."),
        force: bool = typer.Option(False, help="Read again although nothing changed."),
        as_json: bool = typer.Option(False, "--json", help="Print findings.json."),
    ) -> None:
        """Read PET/CT of one patient: SUV, references, lesions, grades, report."""
        from lutetia.api import read as run
        from lutetia.cli.progress import Progress

        settings: dict[str, Any] = {
            "patient": patient,
            "pet": pet,
            "ct": None if ct == "none" else ct,
            "use_ct": ct != "none",
            "tracer": tracer,
            "organs": str(organs) if organs else None,
            "anatomy": anatomy,
            "references": _mapping(reference, "--reference"),
            "reference_estimate": reference_estimate,
            "scheme": scheme,
            "include_small": include_small,
            "overrides": {
                name: str(value)
                for name, value in (
                    ("weight_kg", weight_kg),
                    ("size_m", size_m),
                    ("sex", sex),
                    ("dose_mbq", dose_mbq),
                    ("injection_time", injection_time),
                    ("reference_time", reference_time),
                    ("half_life_s", half_life_s),
                    ("units", units),
                    ("decay_correction", decay_correction),
                )
                if value is not None
            },
            "conventions": _mapping(set_, "--set"),
            "case": str(case) if case else None,
            "rules_dir": str(rules) if rules else None,
            "corrections": str(corrections) if corrections else None,
            "visit_days": visit_days,
            "deformable": not rigid,
        }
        output = {
            "seg_full": seg_full,
            "seg_labelmap": seg_labelmap,
            "suv_nifti": suv_nifti,
            "report": report,
            "pseudonym": pseudonym,
        }
        with Progress(quiet=as_json) as progress:
            course = run(list(paths), out, settings=settings, output=output, force=force, progress=progress)
        if as_json:
            typer.echo((out / "findings.json").read_text(encoding="utf-8"), nl=False)
        else:
            typer.echo(_summary(course, out, report=report))
        sys.stdout.flush()
        if any(s.suv_refusal is not None for s in course.studies) or any(i.level == "error" for i in course.issues):
            raise typer.Exit(1)
