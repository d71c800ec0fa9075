"""Make a phantom: draw the patient, image every visit, write DICOM and truth."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from lutetia.model import Grid, UsageError
from lutetia.phantom import truth as judge
from lutetia.phantom.dicom_series import INJECTED, SeriesWriter, study_clock
from lutetia.phantom.grids import SIZES, Pose, ct_grid, pet_grid
from lutetia.phantom.lesions import LesionPlan, plan_lesions
from lutetia.phantom.plan import TRACERS, BodyPlan, generator, plan_body
from lutetia.phantom.scanner import Visit, activity, add_noise, ct_image, image
from lutetia.phantom.tissues import ORGAN_LABELS


@dataclass(frozen=True)
class PhantomTruth:
    """What was written and what is really in it.

    `folder` holds ``dicom/<study>/{PT,CT}``, ``truth.json`` and ``truth/<study>/{organs,lesions}.nii.gz``;
    `record` is the content of truth.json.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def dicom(self) -> Path:
        """The folder to read."""
        return self.folder / "dicom"

    @property
    def studies(self) -> list[dict[str, Any]]:
        """Studies with grids, SUV factor and true references."""
        return list(self.record["studies"])

    @property
    def lesions(self) -> list[dict[str, Any]]:
        """Lesions with one observation per study."""
        return list(self.record["lesions"])

    def label_map(self, study: str, name: str) -> npt.NDArray[np.uint16]:
        """The true "organs" or "lesions" of a study as an array (z, y, x) on the PET grid."""
        picture = nib.load(self.folder / "truth" / study / f"{name}.nii.gz")
        return np.asarray(picture.dataobj).transpose(2, 1, 0).astype(np.uint16)


def make_phantom(
    out: Path | str, seed: int = 1, variant: str = "standard", *, tracer: str = "dotatate", size: str = "standard"
) -> PhantomTruth:
    """Write one synthetic patient: PET/CT as DICOM, and the exact truth beside it.

    Parameters
    ----------
    out : folder to write into; made if missing. Same arguments, same bytes.
    seed : draws habitus, organ sizes and places, uptake, lesions, noise.
    variant : see `lutetia.phantom.VARIANTS`; changes only what it names.
    tracer : "dotatate" or "fdg".
    size : "standard" (PET 168² × 3.5 mm, CT 288² × 1.75 mm) or "small" (6 mm and 4.5 mm, for tests)
        or "full" (PET 400² × 350, CT 512² × 700, for the benchmark).

    Raises
    ------
    UsageError
        for a variant, tracer or size that does not exist.
    """
    if tracer not in TRACERS:
        raise UsageError(
            "phantom-tracer-unknown", f"There is no phantom tracer {tracer!r}.", expected="one of " + ", ".join(TRACERS)
        )
    plan = plan_body(seed, variant)
    rng = generator(seed, "visit")
    shift = tuple(float(v) for v in np.round(np.clip(rng.standard_normal(3), -1.6, 1.6) * (5.0, 4.0, 3.0), 1))
    name = "S1_FDG" if tracer == "fdg" else "S1_SSTR"
    visit = Visit(name, tracer, shift_mm=(shift[0], shift[1], shift[2]))
    return write_patient(Path(out), plan, plan_lesions(plan), (visit,), size)


def write_patient(
    out: Path,
    plan: BodyPlan,
    lesions: tuple[LesionPlan, ...],
    visits: tuple[Visit, ...],
    size: str,
    treatments: tuple[dict[str, Any], ...] = (),
) -> PhantomTruth:
    """Image and write every visit of a patient, then truth.json (written last, under a temporary name first)."""
    if size not in SIZES:
        raise UsageError(
            "phantom-size-unknown", f"There is no phantom size {size!r}.", expected="one of " + ", ".join(SIZES)
        )
    out.mkdir(parents=True, exist_ok=True)
    studies: list[dict[str, Any]] = []
    seen: dict[str, list[dict[str, Any]]] = {lesion.id: [] for lesion in lesions}
    for visit in visits:
        study, observed = _write_visit(out, plan, lesions, visit, size)
        studies.append(study)
        for name, row in observed.items():
            seen[name].append(row)
    record = _record(plan, lesions, studies, seen) | {"treatments": list(treatments)}
    judge.name_events(record)
    part = out / "truth.json.part"
    part.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(part, out / "truth.json")
    return PhantomTruth(out, record)


def _write_visit(
    out: Path, plan: BodyPlan, lesions: tuple[LesionPlan, ...], visit: Visit, size: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    pose = Pose(visit.shift_mm, visit.breathing_pet_mm)
    writer = SeriesWriter(plan, visit, study_clock(plan, visit), out / "dicom" / visit.id, size)
    grid = pet_grid(plan, pose, size, writer.frame_uid)
    fine = activity(plan, lesions, visit, size)
    clean = image(fine.suv, fine.grid, grid, visit.psf_mm)
    liver_suv = fine.uptake["liver"]
    factor = writer.write_pet(add_noise(clean, grid, plan, visit, liver_suv), grid)
    organs = judge.organ_map(fine, grid)
    shares = judge.lesion_shares(fine, grid)
    labels = judge.lesion_map(shares, lesions, grid)
    reference = judge.references(fine, clean, organs, labels, grid)
    noise = 2.0 * visit.noise
    observed = {
        lesion.id: judge.observe(lesion, n, shares, fine, clean, labels, organs, grid, visit, reference, noise)
        for n, lesion in enumerate(lesions, start=1)
    }
    _save_maps(out / "truth" / visit.id, grid, organs=organs, lesions=labels)
    del fine, clean
    plane = ct_grid(plan, pose, size, writer.frame_uid)
    writer.write_ct(ct_image(plan, lesions, visit, plane), plane)
    clock = writer.clock
    study = {
        "id": visit.id,
        "tracer": visit.tracer,
        "tracer_name": INJECTED[visit.tracer].text,
        "epoch": visit.epoch,
        "day": visit.day,
        "date": clock.start.strftime("%Y%m%d"),
        "modality": "PT",
        "study_instance_uid": writer.study_uid,
        "frame_of_reference_uid": writer.frame_uid,
        "series_instance_uid": {"PT": writer.series_uid("PT"), "CT": writer.series_uid("CT")},
        "dicom": f"dicom/{visit.id}",
        "organs": f"truth/{visit.id}/organs.nii.gz",
        "lesions": f"truth/{visit.id}/lesions.nii.gz",
        "suv": {
            "units": "BQML",
            "decay_correction": "START",
            "factor": factor,
            "suv_per_bqml": factor,
            "decay_reference": clock.start.isoformat(),
            "injection": clock.injection.isoformat(),
            "series_time": clock.start.isoformat(),
            "dose_bq": clock.dose_bq,
            "half_life_s": clock.half_life_s,
            "weight_kg": clock.weight_kg,
        },
        "pet_grid": _grid_record(grid),
        "ct_grid": _grid_record(plane),
        "plan": asdict(visit) | {"hours_after_injection": (clock.start - clock.injection).total_seconds() / 3600},
        "references": reference,
    }
    return study, observed


def _grid_record(grid: Grid) -> dict[str, Any]:
    to_lps = grid.affine[:, [2, 1, 0, 3]]
    return {"shape": list(grid.shape), "spacing": list(grid.spacing_mm[::-1]), "affine_lps": to_lps.round(6).tolist()}


def _save_maps(folder: Path, grid: Grid, **maps: npt.NDArray[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, labels in maps.items():
        picture = nib.Nifti1Image(np.ascontiguousarray(labels.transpose(2, 1, 0)), grid.nifti_affine)
        picture.header.set_xyzt_units("mm")
        nib.save(picture, folder / f"{name}.nii.gz")


def _record(
    plan: BodyPlan,
    lesions: tuple[LesionPlan, ...],
    studies: list[dict[str, Any]],
    seen: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    shares = {}
    for study in studies:
        liver = study["references"]["liver"]
        replaced = 1 - liver["lesion_free_volume_ml"] / liver["volume_ml"] if liver.get("volume_ml") else 0.0
        shares[str(study["epoch"])] = round(replaced, 4)
    return {
        "format": judge.FORMAT,
        "generator": "lutetia phantom",
        "seed": plan.seed,
        "patient": asdict(plan) | {"weight_kg": plan.weight_kg},
        "organ_labels": ORGAN_LABELS,
        "liver_burden": shares,
        "studies": studies,
        "lesions": [
            {
                "id": lesion.id,
                "label": n,
                "kind": lesion.kind,
                "site": lesion.site,
                "tissue": lesion.tissue,
                "side": lesion.side,
                "diagnosis": lesion.diagnosis,
                "fate": lesion.fate,
                "parents": [],
                "confluent": lesion.confluent,
                "observations": seen[lesion.id],
            }
            for n, lesion in enumerate(lesions, start=1)
        ],
    }
