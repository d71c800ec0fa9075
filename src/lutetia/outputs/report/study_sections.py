"""One study in the report: how it was scanned, how SUV came about, the reference regions, the series."""

from __future__ import annotations

import re

from lutetia.model import Course, Reference, Study, VoiMeasure
from lutetia.outputs.report import wording
from lutetia.outputs.report.acquisition import acquisition_checks
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Figures,
    Notice,
    Notices,
    Paragraph,
    Row,
    Table,
    Tone,
)
from lutetia.outputs.report.figures import StudyPictures

_STATUS_TONE: dict[str, Tone] = {"met": "", "caution": "caution", "not recorded": "muted", "note": "muted"}


def scans_table(course: Course) -> Table:
    """How every study of a course was scanned: a line per study, with the checks that are not met."""
    rows = []
    for study in course.studies:
        facts, suv = study.acquisition, study.suv
        checks = [
            f"{c.item} {c.value} (accepted: {c.window})" for c in acquisition_checks(study) if c.status == "caution"
        ]
        unknown = [c.item.lower() for c in acquisition_checks(study) if c.status == "not recorded"]
        words = "; ".join([*checks, *([f"not recorded: {', '.join(unknown)}"] if unknown else [])])
        factor = f"{suv.basis}, {suv.factor:.5g} per {suv.units or 'unit'}" if suv is not None else "refused"
        minutes = facts.uptake_minutes
        when = wording.with_unit(minutes, "min") if minutes is None or minutes < 600 else f"{minutes / 60:.0f} h"
        cells = (
            Cell(f"{study.id}: {wording.tracer_words(study)}", "strong"),
            Cell(wording.date_words(study.date, short=True)),
            Cell(" ".join(part for part in (facts.manufacturer, facts.model) if part) or "–"),
            Cell(wording.with_unit(facts.injected_mbq, "MBq")),
            Cell(when),
            Cell(factor, "" if suv is not None else "error"),
            Cell(words or _met_words(study), "caution" if checks else "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Study", width=1.1),
        Column("Date", width=0.8),
        Column("Scanner", width=1),
        Column("Activity", "right"),
        Column("Uptake time", "right"),
        Column("SUV", width=0.9),
        Column("Checks not met, or not recorded", width=2),
    )
    return Table(columns, tuple(rows), dense=True)


def _met_words(study: Study) -> str:
    """``all met`` only where something was checked."""
    return "all met" if any(c.status == "met" for c in acquisition_checks(study)) else "no check of our sources applies"


def acquisition_blocks(study: Study) -> tuple[Block, ...]:
    """What was scanned and how, with the acquisition checks."""
    facts = study.acquisition
    detail = study.tracer_detail
    scanner = " ".join(part for part in (facts.manufacturer, facts.model) if part) or "–"
    voxel = " × ".join(wording.number(v) for v in facts.voxel_mm) + f"{wording.NARROW}mm" if facts.voxel_mm else "–"
    person = [wording.with_unit(facts.weight_kg, "kg"), wording.with_unit(facts.size_m, "m")]
    tracer = wording.tracer_words(study)
    if detail is not None:
        tracer += f" ({_BINDS.get(detail.binds, detail.binds.replace('_', ' '))}; {detail.radionuclide})"
    rows = [
        ("Tracer", tracer),
        ("Told by", _isotope(detail.evidence) if detail is not None and detail.evidence else "–"),
        ("Study", f"{study.modality}, {wording.date_words(study.date)}" + (f", {study.visit}" if study.visit else "")),
        ("Scanner", scanner),
        ("Injection", wording.moment_words(facts.injection)),
        ("Start of scan", wording.moment_words(facts.scan_start)),
        ("Weight, height", ", ".join(person)),
        ("Reconstruction", facts.reconstruction or "–"),
        ("Corrections", ", ".join(wording.CORRECTIONS.get(c, c) for c in facts.corrections) or "–"),
        ("PET voxel", voxel),
    ]
    if study.modality.endswith("CT"):
        ct = [wording.with_unit(facts.ct_kvp, "kVp") if facts.ct_kvp else "", facts.ct_contrast or ""]
        rows.append(("CT", ", ".join(part for part in ct if part) or "–"))
    else:
        rows.append(("CT", "none was read: sites, references and outlines rest on the PET alone"))
    checks = tuple(
        Row(
            (
                Cell(check.item),
                Cell(check.value),
                Cell(check.window, "muted"),
                Cell(check.status, _STATUS_TONE[check.status]),
                Cell(check.source, "muted"),
            )
        )
        for check in acquisition_checks(study)
    )
    columns = (
        Column("Check", width=1),
        Column("This scan", width=1.6),
        Column("Accepted", width=1.8),
        Column("Result"),
        Column("Source", width=1),
    )
    return (Facts(tuple(rows), columns=2), Table(columns, checks, dense=True))


def _isotope(text: str) -> str:
    """DICOM writes a superscript between carets: ``Dotatate Ga^68^`` → ``Dotatate Ga-68``."""
    return re.sub(r"(?<=[A-Za-z])\^(\d+m?)\^", r"-\1", text)


def suv_blocks(study: Study) -> tuple[Block, ...]:
    """How SUV came about: the factor, the reference time and why, every element, repairs and overrides."""
    if study.suv is None:
        refusal = study.suv_refusal
        if refusal is None:
            return (Paragraph("SUV was not computed for this study."),)
        words = refusal.message.rstrip(".") + "."
        words += f" It can be settled with {refusal.override}." if refusal.override else ""
        where = refusal.element
        text = "Without SUV there are no reference values, no lesion measures and no grades for this study."
        return (Notices((Notice("error", words, refusal.code, where),)), Paragraph(text))
    record = study.suv
    factor = f"{record.factor:.6g} SUV per unit of the rescaled value ({record.units or 'unit not stated'})"
    if record.suv_per_bqml is not None and record.suv_per_bqml != record.factor:
        factor += f"; {record.suv_per_bqml:.6g} per Bq/mL"
    rows = [
        ("Basis", f"SUV by {_BASES.get(record.basis, record.basis)}"),
        ("Factor", factor),
        ("Decay reference", wording.moment_words(record.decay_reference)),
        ("Why this time", record.decay_reference_reason or "–"),
    ]
    blocks: list[Block] = [Facts(tuple(rows), columns=1)]
    altered = [Notice("caution", f"Repaired: {text}") for text in record.repairs]
    altered += [Notice("caution", f"Entered by hand: {key} = {value}") for key, value in record.overrides.items()]
    if altered:
        blocks.append(Notices(tuple(altered)))
    if record.elements:
        blocks.append(Facts(tuple(record.elements.items()), columns=2))
    return tuple(blocks)


_BINDS = {
    "sstr_agonist": "somatostatin receptor agonist",
    "sstr_antagonist": "somatostatin receptor antagonist",
    "glucose": "glucose metabolism",
    "norepinephrine_transporter": "norepinephrine transporter",
    "glp1r": "GLP-1 receptor",
    "cck2r": "CCK2 receptor",
    "gipr": "GIP receptor",
    "amino_acid_transport": "amino-acid transport",
}

_BASES = {
    "bw": "body weight (g/mL)",
    "lbm": "lean body mass",
    "lbm_james128": "lean body mass (James, 128)",
    "lbm_janma": "lean body mass (Janmahasatian)",
    "bsa": "body surface area",
    "ibw": "ideal body weight",
}


def reference_blocks(study: Study, pictures: StudyPictures, *, small: bool = False) -> tuple[Block, ...]:
    """The reference regions: both estimates, which is reported, its status and why, and where each lies.

    `small` leaves out the methods and draws the pictures in one line.
    """
    if not study.references_sought:
        reasons_why = dict.fromkeys(r for reference in study.references.values() for r in reference.reasons)
        why = "; ".join(r.removeprefix("not measured: ") for r in reasons_why)
        return (Paragraph("No reference region was measured in this study" + (f": {why}." if why else ".")),)
    columns = (
        Column("Region", width=1),
        Column("Status", width=0.9),
        Column("SUVmean used", "right"),
        Column("± s.e.", "right"),
        Column("SD", "right"),
        Column("Whole organ", "right"),
        Column("mL", "right"),
        Column("Classical VOI", "right"),
        Column("mL", "right"),
        Column("Difference", "right"),
    )
    rows, reasons = [], []
    for name, reference in _ordered(study).items():
        rows.append(_reference_row(name, reference))
        if reference.reasons:
            words = f"{wording.REFERENCE_NAMES.get(name, name)}: {'; '.join(reference.reasons)}"
            reasons.append(Notice("info" if reference.status == "ok" else "caution", words))
    notes = ["s.e.: standard error of the mean. Classical VOI: sphere in liver and spleen, cylinder in the aorta."]
    for name, reference in _ordered(study).items() if not small else ():
        methods = [m.method for m in (reference.whole_organ, reference.classical) if m is not None and m.method]
        if methods:
            notes.append(f"{wording.REFERENCE_NAMES.get(name, name)}: {'; '.join(methods)}.")
    blocks: list[Block] = [Table(columns, tuple(rows), notes=tuple(notes), dense=True)]
    if reasons:
        blocks.append(Notices(tuple(reasons)))
    shown = tuple(pictures.references[name] for name in _ordered(study) if name in pictures.references)
    if shown:
        caption = "Where the regions lie: whole-organ region outlined in amber, classical VOI in cyan."
        blocks.append(Figures(shown, caption, columns=3 if small else 2))
    return tuple(blocks)


def _ordered(study: Study) -> dict[str, Reference]:
    order = ("blood_pool", "liver", "spleen")
    known = {name: study.references[name] for name in order if name in study.references}
    return known | {name: ref for name, ref in sorted(study.references.items()) if name not in known}


def _reference_row(name: str, reference: Reference) -> Row:
    whole, classical = reference.whole_organ, reference.classical
    tone: Tone = "" if reference.status == "ok" else "caution"
    return Row(
        (
            Cell(wording.REFERENCE_NAMES.get(name, name), "strong"),
            Cell(wording.REFERENCE_STATUS.get(reference.status, reference.status), tone),
            Cell(wording.suv(reference.suv_mean), "strong"),
            Cell(wording.suv(reference.standard_error)),
            Cell(wording.suv(reference.suv_sd)),
            Cell(_mean(whole)),
            Cell(wording.number(whole.volume_ml) if whole else "–"),
            Cell(_mean(classical)),
            Cell(wording.number(classical.volume_ml) if classical else "–"),
            Cell(_difference(whole, classical)),
        )
    )


def _mean(measure: VoiMeasure | None) -> str:
    return "–" if measure is None else wording.suv(measure.suv_mean)


def _difference(whole: VoiMeasure | None, classical: VoiMeasure | None) -> str:
    if whole is None or classical is None or whole.suv_mean == 0:
        return "–"
    share = classical.suv_mean / whole.suv_mean - 1
    return f"{100 * share:+.1f}{wording.NARROW}%".replace("-", "−")


def series_blocks(course: Course) -> tuple[Block, ...]:
    """Which series were read, which were not, and why."""
    columns = (Column("Series", width=1.3), Column("Type"), Column("Images", "right"), Column("Why", width=2))
    rows: list[Row] = []
    for study in course.studies:
        used = [note for note in study.series if note.role]
        if used:
            title = "Read" if len(course.studies) == 1 else f"Read – {wording.date_words(study.date)}"
            rows.append(Row(heading=title))
            rows += [
                Row((Cell(n.description or "–"), Cell(n.role), Cell(str(n.n_images or "–")), Cell(n.reason or "–")))
                for n in used
            ]
    left = [note for study in course.studies for note in study.series if not note.role] + list(course.not_used)
    seen: set[str] = set()
    unused: list[Row] = []
    for note in left:
        if note.series_instance_uid in seen:
            continue
        seen.add(note.series_instance_uid)
        cells = (note.description or "–", note.modality, str(note.n_images or "–"), note.reason or "–")
        unused.append(Row(tuple(Cell(text, "muted") for text in cells)))
    if unused:
        rows += [Row(heading="Not used"), *unused]
    if not rows:
        return (Paragraph("No series is listed in the record."),)
    return (Table(columns, tuple(rows), dense=True),)
