"""Courses made of records, for what is judged after the pixels; and one course read from images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import lutetia
from builders.once import made_once
from lutetia.imaging.registration import AlignmentSettings
from lutetia.model import Course, Lesion, Patient, Tracer
from lutetia.phantom import PhantomTruth, make_course
from lutetia.reading.course import frames
from lutetia.rules.loader import RuleSet, load_rules

TRACERS = {
    "dotatate": ("sstr_agonist", "68Ga", "PET", {"liver": 6.0, "blood_pool": 1.5, "spleen": 18.0}),
    "fdg": ("glucose", "18F", "PET", {"liver": 2.4, "blood_pool": 1.7}),
    "i123-mibg": ("norepinephrine_transporter", "123I", "SPECT", {}),
    "exendin": ("glp1r", "68Ga", "PET", {"liver": 1.0}),
    "lu177-dotatate": ("sstr_agonist", "177Lu", "SPECT", {"liver": 3.0, "blood_pool": 0.5, "spleen": 9.0}),
}


def study(name: str, tracer: str, date: str, **more: Any) -> dict[str, Any]:
    """A study with its references; `liver=…` and the like change one of them."""
    binds, nuclide, modality, values = TRACERS[tracer]
    values = values | {k: v for k, v in more.items() if k in ("liver", "blood_pool", "spleen")}
    rest = {k: v for k, v in more.items() if k not in values}
    detail = Tracer.model_validate(
        {"key": tracer, "name": tracer, "binds": binds, "radionuclide": nuclide, "modality": modality}
    )
    return {
        "id": name,
        "study_instance_uid": f"1.2.{name}",
        "date": date,
        "tracer": tracer,
        "modality": "SPECT/CT" if modality == "SPECT" else "PET/CT",
        "tracer_detail": detail.model_dump(),
        "references": {n: {"name": n, "status": "ok", "suv_mean": v} for n, v in values.items()},
        "summary": {},
        **rest,
    }


def grade(value: int) -> dict[str, Any]:
    """A settled grade."""
    return {"value": (str(value),), "set": (str(value),), "uptake": 1.0, "rule": "krenning-modified"}


def focus(name: str, suv: float, krenning: int | None = None, **more: Any) -> dict[str, Any]:
    """A focus of a lesion in a study."""
    made = {
        "study": name,
        "label": 1,
        "suv_max": suv,
        "suv_mean": 0.6 * suv,
        "suv_peak": 0.9 * suv,
        "volume_ml": 8.0,
        "tlu": 4.8 * suv,
        "centroid_mm": (0.0, 0.0, 0.0),
        "max_position_mm": (1.0, 2.0, 3.0),
        "long_axis_mm": 30.0,
    }
    if krenning is not None:
        made["krenning_spect" if more.pop("spect", False) else "krenning_modified"] = grade(krenning)
    return made | more


def place(name: str, suv: float, krenning: int | None = None, **more: Any) -> dict[str, Any]:
    """A lesion's place without a focus."""
    made: dict[str, Any] = {"study": name, "in_field": True, "suv_mean": suv, "core_mean": suv, "background_mean": suv}
    if krenning is not None:
        made["krenning_modified"] = grade(krenning)
    return made | more


def pair(visit: str, sstr: str, fdg: str, phenotype: str) -> list[dict[str, Any]]:
    """The same class by both definitions."""
    common = {"visit": visit, "sstr_study": sstr, "fdg_study": fdg, "phenotype": phenotype}
    return [common | {"definition": definition} for definition in ("background", "liver")]


def lesion(name: str, **fields: Any) -> Lesion:
    """A lesion of the liver, unless told otherwise."""
    made = {"id": name, "site": "liver", "tissue": "liver", "region": "liver", "status": "candidate"}
    return Lesion.model_validate(made | fields)


@pytest.fixture(scope="session")
def records() -> Any:
    """The makers of this file: ``records.study``, ``records.focus``, ``records.place``, ``records.lesion`` …"""

    class Records:
        study, focus, place, pair, lesion = map(staticmethod, (study, focus, place, pair, lesion))

    return Records


@pytest.fixture(scope="session")
def rule_set() -> RuleSet:
    """The built-in rules."""
    return load_rules()


@pytest.fixture
def two_visits() -> Callable[..., Course]:
    """SSTR and FDG before (s1, f1) and half a year later (s2, f2), with the lesions that are given."""

    def make(*lesions: Lesion, **more: Any) -> Course:
        visits = [
            {"id": "v1", "studies": ("s1", "f1"), "first_date": "2025-01-10"},
            {"id": "v2", "studies": ("s2", "f2"), "first_date": "2025-07-10"},
        ]
        studies = [
            study("s1", "dotatate", "2025-01-10"),
            study("f1", "fdg", "2025-01-14"),
            study("s2", "dotatate", "2025-07-10"),
            study("f2", "fdg", "2025-07-14"),
        ]
        made = {"patient": Patient(id="P"), "studies": studies, "visits": visits, "lesions": lesions}
        return Course.model_validate(made | more)

    return make


@contextmanager
def aligned_coarsely() -> Iterator[None]:
    """Studies are aligned on a grid of 8 mm, an eighth of the voxels: asked here is what is made of an alignment.

    How well it is made is asked in tests of the imaging room, at full resolution.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "AlignmentSettings", partial(AlignmentSettings, spacing_mm=8.0))
        yield


@pytest.fixture(scope="module")
def coarse_alignment() -> Iterator[None]:
    """See `aligned_coarsely`."""
    with aligned_coarsely():
        yield


@pytest.fixture(scope="session")
def captem(tmp_path_factory: pytest.TempPathFactory) -> PhantomTruth:
    """The made-up course, small: SSTR and FDG before CAPTEM, both again after it."""
    folder = made_once(tmp_path_factory, "captem", lambda place: make_course(place, 1, "captem", size="small"))
    return PhantomTruth(folder, json.loads((folder / "truth.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def captem_reading(captem: PhantomTruth, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Path]:
    """The made-up course read once, and the folder of its results with its finished stages."""

    def read(place: Path) -> None:
        with aligned_coarsely():
            lutetia.read(captem.dicom, place, output={"report": False})

    out = made_once(tmp_path_factory, "captem-reading", read)
    return Course.model_validate_json((out / "findings.json").read_text(encoding="utf-8")), out
