"""Read every public data set beside the checkout; write what each gives, and what is known, to docs/real_data.md.

python bench/real_data.py            # needs ../shared/data (or LUTETIA_SHARED); a few minutes
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lutetia
from lutetia.model import Course, LutetiaError

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "real_data.md"


@dataclass(frozen=True)
class Entry:
    """One data set: where it lies, how it is read, and what its documentation says should come out."""

    name: str
    path: str
    known: str
    settings: dict[str, Any] = field(default_factory=dict)
    checks: tuple[tuple[str, float, float], ...] = ()  # (what, known value, tolerance as a share)


LESIONS = "lu177_dotatate_spect/rtstruct"
ENTRIES = (
    Entry(
        "GE Discovery ST, FDG (STS-001), PET and a CT of the thigh",
        "pet_ge_sts001/pet_raw_bqml",
        "factor 2.42903e-4; liver 2.16 in a 3 cm sphere",
        checks=(("factor", 2.42903e-4, 1e-4), ("liver", 2.16, 0.10)),
    ),
    Entry(
        "The same PET stored as SUV (GML) by others",
        "pet_ge_sts001/ibsi_pet_suv_gml",
        "factor 1",
        checks=(("factor", 1.0, 1e-6),),
    ),
    Entry(
        "Philips Gemini GXL, FDG, CNTS (CHUS-005)",
        "pet_philips_cnts",
        "factor 0.000388; liver 1.90",
        {"patient": "HN-CHUS-005"},
        (("factor", 0.000388, 2e-3), ("liver", 1.90, 0.10)),
    ),
    Entry(
        "Philips, second patient, every eighth slice (CHUS-051)",
        "pet_philips_cnts",
        "factor 0.000438; slices are missing: refused for measuring",
        {"patient": "HN-CHUS-051"},
    ),
    Entry(
        "Siemens Biograph 1093, FDG (QIN), tracer not named in the header",
        "pet_siemens_qinhn/pet",
        "factor 4.01664e-4, reference 10:27:31.7; tracer unknown",
        checks=(("factor", 4.01664e-4, 1e-4),),
    ),
    Entry(
        "The same with --tracer fdg",
        "pet_siemens_qinhn/pet",
        "liver 2.48",
        {"tracer": "fdg"},
        (("factor", 4.01664e-4, 1e-4), ("liver", 2.48, 0.10)),
    ),
    Entry("GE, broken dates (CHUM-017)", "pet_ge_headers/chum017_discovery_st", "reference from the private scan time"),
    Entry("GE, broken dates (HMR-023)", "pet_ge_headers/hmr023_discovery_ste", "reference from the private scan time"),
    Entry("GE, broken dates (HGJ-016)", "pet_ge_headers/hgj016_discovery_st", "reference from the private scan time"),
    Entry(
        "177Lu-DOTATATE SPECT at 3.7 and 27.7 h, no CT",
        "lu177_dotatate_spect",
        "two scans in one study, ADMIN; tracer not named",
        {"tracer": "lu177-dotatate"},
    ),
    Entry(
        "NEMA phantom without SUV tags", "nema_iq_phantom_no_header/pet", "must refuse SUV, every missing element named"
    ),
    Entry("CT alone (TotalSegmentator sample)", "ct_totalsegmentator/ct_dicom_siemens", "no PET: one clear message"),
    Entry("One PET slice in seven transfer syntaxes", "dicom_samples/pet_transfer_syntax", "pixels identical"),
    Entry("Single PET slices", "dicom_samples/pet_single", "several patients: listed"),
    Entry("Enhanced and legacy-converted PET", "dicom_samples/multiframe", "several patients or studies"),
)


def outcome(entry: Entry, root: Path) -> tuple[str, str, float]:
    """(what was read or refused, comparison with the known values, seconds)."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            course = lutetia.read(root / entry.path, settings=entry.settings)
    except LutetiaError as error:
        return f"refused: {error.what} (`{error.code}`)", "–", time.perf_counter() - start
    return said(course), compared(course, entry), time.perf_counter() - start


def said(course: Course) -> str:
    """What a reading gave, in a few words."""
    parts = []
    for study in course.studies:
        text = f"{study.modality} {study.tracer}"
        if study.suv is not None:
            text += f", factor {study.suv.factor:.6g} to {study.suv.decay_reference}"
        elif study.suv_refusal is not None:
            text += f", SUV refused: {study.suv_refusal.message} (`{study.suv_refusal.code}`)"
        for name, r in study.references.items():
            value = "–" if r.suv_mean is None else f"{r.suv_mean:.2f}"
            text += f"; {name.replace('_', ' ')} {value} ({r.status.replace('_', ' ')})"
        parts.append(text)
    candidates = sum(x.status in ("candidate", "confirmed") for x in course.lesions)
    return " · ".join(parts) + f"; {candidates} candidates, {len(course.lesions) - candidates} set apart"


def compared(course: Course, entry: Entry) -> str:
    """The known values beside ours."""
    rows = []
    for what, known, tolerance in entry.checks:
        study = course.studies[0]
        value = study.suv.factor if what == "factor" and study.suv else None
        if what != "factor" and what in study.references:
            value = study.references[what].suv_mean
        if value is None:
            rows.append(f"{what}: no value")
            continue
        error = value / known - 1
        verdict = "met" if abs(error) <= tolerance else "NOT MET"
        rows.append(f"{what} {100 * error:+.2f} % ({verdict}, limit {100 * tolerance:g} %)")
    return "; ".join(rows) or "–"


def main() -> None:
    """Read everything and write the page."""
    root = Path(os.environ.get("LUTETIA_SHARED", ROOT.parent / "shared")) / "data"
    if not root.is_dir():
        sys.exit("the reference data are not beside this checkout (set LUTETIA_SHARED)")
    lines = [
        "# Real and reference data",
        "",
        "What each public data set gives, written by `python bench/real_data.py`. The data are not part of the",
        "project; their origins and licences are their publishers' (TCIA, IBSI, Deep Blue Data, TotalSegmentator …).",
        "",
        "| data | read, refused, measured | known | against it |",
        "|---|---|---|---|",
    ]
    for entry in ENTRIES:
        what, against, seconds = outcome(entry, root)
        print(f"{entry.name}: {what} | {against} | {seconds:.1f} s", flush=True)
        lines.append(f"| {entry.name} | {what} | {entry.known} | {against} |")
    archive = root / "ibsi_suv_dro" / "DRO.tar.xz"
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        report = lutetia.conformance(Path(folder))
    right = sum(row.passed for row in report.rows)
    lines.append(
        f"| IBSI-SUV reference objects | {right} of {len(report.rows)} right | 17 | [conformance](conformance.md) |"
    )
    lines += [
        "",
        "## The two contoured lesions of the 177Lu-DOTATATE patient",
        "",
        "Outlined by the publishers' RTSTRUCT, given as `added` lesions (see [tutorial](tutorial.md), corrections):",
        "",
        *contoured(root),
        "",
        "## What SPECT without CT costs",
        "",
        "Organs are found from uptake alone and every reference carries a caution; the blood pool can't be resolved;",
        "the two scans are aligned by uptake; nothing is said about correlates on CT; the liver reference is refused",
        "where no normal liver shows.",
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def contoured(root: Path) -> list[str]:
    """The table of the two lesions at both times, and what is said of half-life and dose."""
    regions = (("lesion1 liver R lobe", "lesion-1"), ("lesion2 liver L lateral", "lesion-2"))
    added = "".join(
        f"  - {{study: study-{n}, mask: {root / LESIONS / f'scan{n}_lesions.dcm'}, roi: {roi}, tissue: liver, "
        f"by: publisher, lesion: {lesion}}}\n"
        for n in (1, 2)
        for roi, lesion in regions
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corrections.yaml"
        path.write_text(f"version: 1\nadded:\n{added}", encoding="utf-8")
        settings = {"tracer": "lu177-dotatate", "corrections": str(path)}
        course = lutetia.read(root / "lu177_dotatate_spect", settings=settings)
    known = {
        ("lesion-1", "study-1"): "106.98, 14.74, 29.05, 122.2",
        ("lesion-1", "study-2"): "107.90, 18.66, 38.15, 156.1",
        ("lesion-2", "study-1"): "2.86, 19.02, 29.42, 4.22",
        ("lesion-2", "study-2"): "2.91, 27.84, 44.76, 6.27",
    }
    rows = ["| lesion, scan | mL, SUVmean, SUVmax, MBq as stored | known | dose |", "|---|---|---|---|"]
    for row in course.dosimetry:
        key = (row.get("lesion", ""), row.get("study", ""))
        if key not in known:
            continue
        lesion = next(x for x in course.lesions if x.id == key[0])
        o = next(o for o in lesion.observations if o.study == key[1])
        stored = row.get("activity_corrected_to_injection_mbq")
        dose = row["dose"]
        text = f"{dose['gy']} Gy" if dose.get("gy") is not None else "not estimated: " + "; ".join(dose["reasons"])
        ours = f"{o.volume_ml:.2f}, {o.suv_mean:.2f}, {o.suv_max:.2f}, {stored:.1f}"
        rows.append(f"| {key[0]}, {key[1]} | {ours} | {known[key]} | {text} |")
    rows.append("")
    for row in course.dosimetry:
        if row.get("kind") == "effective_half_life" and row["lesion"] in ("lesion-1", "lesion-2"):
            value = row["half_life_h"]
            rows.append(
                f"* {row['lesion']}: effective half-life "
                + (f"{value} h" if value else "refused: " + "; ".join(row["reasons"]))
            )
    return rows


if __name__ == "__main__":
    main()
