"""A small made-up patient: boxes and balls of known uptake, one course with its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.source_images import SourceImages
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.model import (
    Acquisition,
    Code,
    ConventionUse,
    Course,
    Grade,
    Grid,
    GridRecord,
    HistoryEvent,
    Issue,
    Lesion,
    Observation,
    OrganRecord,
    Patient,
    Reference,
    Refusal,
    SeriesNote,
    Study,
    StudySummary,
    SuvRecord,
    Tracer,
    VoiMeasure,
    Volume,
)
from lutetia.outputs.volumes import Region, StudyVolumes

LIVER = Code(value="10200004", scheme="SCT", meaning="Liver")
BONE = Code(value="272673000", scheme="SCT", meaning="Bone structure")


@dataclass(frozen=True)
class MadeUp:
    """A course and its pixels."""

    course: Course
    volumes: dict[str, StudyVolumes]

    @property
    def study(self) -> Study:
        return self.course.studies[0]

    @property
    def pixels(self) -> StudyVolumes:
        return self.volumes[self.study.id]


GRID = Grid(
    shape=(30, 40, 48), spacing_mm=(5.0, 4.0, 4.0), origin_mm=(-96.0, -80.0, -75.0), frame_of_reference_uid="1.2.9"
)


def _ball(centre_mm: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), axis=-1)
    return np.linalg.norm(GRID.to_lps(index) - np.asarray(centre_mm), axis=-1) <= radius_mm


def source_images(grid: Grid = GRID, study_uid: str = "1.2.3.4", *, slope: float = 2.0) -> SourceImages:
    """The headers of a PET series on `grid`; each image has its own rescale slope."""
    header = Dataset()
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
    header.Modality = "PT"
    header.PatientID = "P1"
    header.PatientName = "Made^Up"
    header.StudyInstanceUID = study_uid
    header.SeriesInstanceUID = study_uid + ".1"
    header.StudyDate, header.StudyTime = "20260314", "101500"
    header.SeriesDate, header.SeriesTime = "20260314", "113000"
    matrix = grid.affine
    row, column = np.asarray(grid.direction)[:, 2], np.asarray(grid.direction)[:, 1]
    slices = tuple(
        InstanceHeader(
            path=f"{z}.dcm",
            sop_class_uid=header.SOPClassUID,
            sop_instance_uid=f"{study_uid}.1.{z + 1}",
            study_instance_uid=study_uid,
            series_instance_uid=header.SeriesInstanceUID,
            frame_of_reference_uid=grid.frame_of_reference_uid,
            modality="PT",
            instance_number=z + 1,
            rows=grid.shape[1],
            columns=grid.shape[2],
            position_mm=tuple(float(v) for v in matrix[:3, 0] * z + matrix[:3, 3]),
            orientation=(*map(float, row), *map(float, column)),
            pixel_spacing_mm=(grid.spacing_mm[1], grid.spacing_mm[2]),
            slice_thickness_mm=grid.spacing_mm[0],
            rescale_slope=slope + 0.001 * z,
            rescale_intercept=0.0,
            bits_stored=16,
            pixel_representation=1,
        )
        for z in range(grid.shape[0])
    )
    return SourceImages(header, slices)


def krenning(value: tuple[str, ...], margin: float | None = 0.5, **more: object) -> Grade:
    """A grade as the rules room gives it."""
    fields: dict[str, object] = {"set": value, "nearest_cut": "liver", "uptake": 9.0, "uptake_measure": "SUVmax"}
    return Grade(value=value, margin=margin, rule="krenning-modified", **(fields | more))


def observation(
    study: str, label: int, suv_max: float, centre: tuple[float, float, float], **more: object
) -> Observation:
    """An observation with everything a report shows."""
    fields: dict[str, object] = {
        "suv_mean": 0.6 * suv_max,
        "suv_peak": 0.8 * suv_max,
        "suv_sd": 0.1 * suv_max,
        "volume_ml": 4.2,
        "tlu": 0.6 * suv_max * 4.2,
        "max_position_mm": centre,
        "long_axis_mm": 24.0,
        "short_axis_mm": 18.0,
        "ratio_liver": suv_max / 6.0,
        "ratio_spleen": suv_max / 15.0,
        "ratio_blood_pool": suv_max / 1.5,
        "mask_method": "45 % of SUVmax",
        "mask_threshold_suv": 0.45 * suv_max,
    }
    return Observation(study=study, label=label, suv_max=suv_max, centroid_mm=centre, **(fields | more))


def _voi(method: str, mean: float, centre: tuple[float, float, float], volume: float) -> VoiMeasure:
    return VoiMeasure(
        method=method,
        suv_mean=mean,
        suv_sd=0.3,
        suv_max=mean + 1,
        standard_error=0.02,
        volume_ml=volume,
        centroid_mm=centre,
    )


def _reference(name: str, mean: float, centre: tuple[float, float, float]) -> Reference:
    whole, classical = _voi("whole organ", mean, centre, 300.0), _voi("sphere of 3 cm", mean * 1.04, centre, 14.1)
    return Reference(
        name=name,
        status="ok",
        method="whole_organ",
        suv_mean=mean,
        suv_sd=0.3,
        suv_max=mean + 1,
        standard_error=0.02,
        volume_ml=300.0,
        centroid_mm=centre,
        classical=classical,
        whole_organ=whole,
    )


_CENTRES = {"liver": (-48.0, 0.0, 0.0), "spleen": (56.0, 20.0, 10.0), "blood_pool": (0.0, 24.0, 30.0)}
_MEANS = {"liver": 6.0, "spleen": 15.0, "blood_pool": 1.5}


def make_study(
    study_id: str = "study-1", uid: str = "1.2.3.4", *, tracer: str = "dotatate", date: str = "2026-03-14"
) -> Study:
    """One readable study."""
    sstr = tracer != "fdg"
    detail = Tracer(
        key=tracer,
        name="68Ga-DOTATATE" if sstr else "18F-FDG",
        binds="sstr_agonist" if sstr else "glucose",
        radionuclide="68Ga" if sstr else "18F",
        evidence="RadiopharmaceuticalCodeSequence",
    )
    return Study(
        id=study_id,
        study_instance_uid=uid,
        date=date,
        tracer=tracer,
        tracer_detail=detail,
        acquisition=Acquisition(
            manufacturer="MAKER",
            model="Scanner 1",
            injection="2026-03-14T10:30:00",
            scan_start="2026-03-14T11:30:00",
            uptake_minutes=60.0,
            injected_mbq=150.0,
            weight_kg=75.0,
            size_m=1.75,
            sex="F",
            age_years=61.0,
            corrections=("ATTN", "DECY"),
            ct_kvp=120.0,
            voxel_mm=(4.0, 4.0, 5.0),
        ),
        series=(
            SeriesNote(
                series_instance_uid=uid + ".1",
                modality="PT",
                description="PET WB",
                n_images=30,
                role="PET",
                reason="attenuation-corrected",
            ),
        ),
        grid=GridRecord(
            shape=GRID.shape, spacing_mm=GRID.spacing_mm, origin_mm=GRID.origin_mm, direction=GRID.direction
        ),
        suv=SuvRecord(
            basis="bw",
            factor=0.000123456789012,
            decay_reference="2026-03-14T11:30:00",
            decay_reference_reason="DecayCorrection START",
            units="BQML",
            elements={"PatientWeight": "75", "Units": "BQML"},
        ),
        anatomy_source="embedded",
        organs=tuple(
            OrganRecord(name=name, label=LABELS[name], source="embedded", status="ok", volume_ml=300.0)
            for name in ("liver", "spleen", "aorta")
        ),
        references={name: _reference(name, _MEANS[name], _CENTRES[name]) for name in _CENTRES},
        summary=StudySummary(
            lesion_count=2,
            volume_ml=8.4,
            tlu=60.0,
            lowest_suv_mean=3.7,
            segmentation_scheme="45 % of SUVmax",
            volume_by_region_ml={"liver": 4.2, "bone": 4.2},
        ),
    )


def make_volumes(lesions: list[tuple[tuple[float, float, float], float]], uid: str = "1.2.3.4") -> StudyVolumes:
    """The pixels of a study: organs and lesions as balls. `lesions` gives centre and SUVmax, labels in that order."""
    suv = np.full(GRID.shape, 0.3, np.float32)
    organs = np.zeros(GRID.shape, np.uint8)
    labels = np.zeros(GRID.shape, np.int32)
    regions = {}
    for name, organ, radius in (("liver", "liver", 34.0), ("spleen", "spleen", 18.0), ("blood_pool", "aorta", 10.0)):
        mask = _ball(_CENTRES[name], radius)
        suv[mask] = _MEANS[name]
        organs[mask] = LABELS[organ]
        regions[name] = Region.from_mask(_ball(_CENTRES[name], radius - 4.0))
        regions[f"{name}:classical"] = Region.from_mask(_ball(_CENTRES[name], 8.0))
    for label, (centre, maximum) in enumerate(lesions, start=1):
        mask = _ball(centre, 9.0)
        suv[mask] = maximum
        labels[mask] = label
    ct_grid = Grid(shape=(30, 80, 96), spacing_mm=(5.0, 2.0, 2.0), origin_mm=(-97.0, -81.0, -75.0))
    ct = np.full(ct_grid.shape, 40, np.int16)
    return StudyVolumes(
        suv=Volume(suv, GRID, "SUVbw"),
        ct=Volume(ct, ct_grid, "HU"),
        lesions=Volume(labels, GRID, "label"),
        organs=Volume(organs, GRID, "label"),
        references=regions,
        pet=source_images(study_uid=uid),
    )


_PLACES = [((-60.0, 0.0, 10.0), 14.0), ((30.0, 10.0, -40.0), 6.2), ((60.0, -20.0, -50.0), 4.0)]


@pytest.fixture
def made_up() -> MadeUp:
    """Two lesions (one borderline), one physiological focus, three trusted references."""
    study = make_study()
    lesions = (
        Lesion(
            id="lesion-1",
            site="liver",
            site_code=LIVER,
            side="right",
            region="liver",
            tissue="liver",
            status="candidate",
            observations=(
                observation(
                    study.id, 1, 14.0, _PLACES[0][0], krenning_modified=krenning(("3",), -0.067, nearest_cut="spleen")
                ),
            ),
        ),
        Lesion(
            id="lesion-2",
            site="left femur",
            site_code=BONE,
            side="left",
            region="bone",
            tissue="bone",
            status="candidate",
            observations=(
                observation(
                    study.id,
                    2,
                    6.2,
                    _PLACES[1][0],
                    flags=("small",),
                    krenning_modified=krenning(("3",), 0.0333, set=("2", "3"), cautions=("SMALL",)),
                ),
            ),
        ),
        Lesion(
            id="lesion-3",
            site="ureter",
            side="left",
            tissue="soft",
            status="physiological",
            status_reason="tubular uptake on the way from kidney to bladder",
            observations=(observation(study.id, 3, 4.0, _PLACES[2][0]),),
        ),
    )
    course = Course(
        software={"name": "lutetia", "version": "0.0.test"},
        patient=Patient(id="P1", sex="F"),
        studies=(study,),
        lesions=lesions,
        conventions=(ConventionUse(key="reference_estimate", chosen="classical", default="whole_organ"),),
        issues=(Issue(code="activity-outside-window", message="The activity lies outside the usual window."),),
        not_used=(
            SeriesNote(
                series_instance_uid="9.9", modality="PT", description="PET NAC", n_images=30, reason="not corrected"
            ),
        ),
    )
    return MadeUp(course, {study.id: make_volumes(_PLACES)})


@pytest.fixture
def refused(made_up: MadeUp) -> MadeUp:
    """The same scan where SUV is refused: no references, no lesions, stored values only."""
    study = made_up.study.model_copy(
        update={
            "suv": None,
            "suv_refusal": Refusal(code="missing-weight", message="PatientWeight is missing.", override="--weight KG"),
            "references": {},
            "summary": None,
        }
    )
    held = replace(made_up.pixels, suv=None, stored=made_up.pixels.suv, lesions=None, references={})
    course = made_up.course.model_copy(update={"studies": (study,), "lesions": ()})
    return MadeUp(course, {study.id: held})


@pytest.fixture
def without_lesions(made_up: MadeUp) -> MadeUp:
    """The same scan with nothing found."""
    assert made_up.pixels.lesions is not None
    empty = Volume(np.zeros(GRID.shape, np.int32), GRID, "label")
    course = made_up.course.model_copy(update={"lesions": ()})
    return MadeUp(course, {made_up.study.id: replace(made_up.pixels, lesions=empty)})


@pytest.fixture
def many_lesions() -> Callable[[int], MadeUp]:
    """A maker of scans with any number of lesions."""

    def make(count: int) -> MadeUp:
        study = make_study()
        places = [((-80.0 + 7 * (i % 23), -40.0 + 9 * (i // 23), -60.0 + 4 * (i % 29)), 5.0 + i) for i in range(count)]
        lesions = tuple(
            Lesion(
                id=f"lesion-{i}",
                site="lymph node",
                region="lymph_nodes",
                tissue="lymph_node",
                status="candidate",
                observations=(observation(study.id, i, top, centre, krenning_modified=krenning((str(i % 5),))),),
            )
            for i, (centre, top) in enumerate(places, start=1)
        )
        course = Course(patient=Patient(id="P1"), studies=(study,), lesions=lesions)
        return MadeUp(course, {study.id: make_volumes(places)})

    return make


@pytest.fixture
def two_visits(made_up: MadeUp) -> MadeUp:
    """The same patient half a year later: one lesion seen again, one not visible."""
    later = make_study("study-2", "1.2.3.5", date="2026-09-20")
    first, second, third = made_up.course.lesions
    seen_again = observation("study-2", 1, 11.0, _PLACES[0][0], krenning_modified=krenning(("3",)))
    lesions = (
        first.model_copy(
            update={
                "observations": (*first.observations, seen_again),
                "history": (HistoryEvent(study="study-2", event="shrinking", evidence="volume −42 %"),),
            }
        ),
        second.model_copy(update={"history": (HistoryEvent(study="study-2", event="not_visible"),)}),
        third,
    )
    course = made_up.course.model_copy(update={"studies": (made_up.study, later), "lesions": lesions})
    volumes = dict(made_up.volumes) | {"study-2": make_volumes(_PLACES[:1], "1.2.3.5")}
    return MadeUp(course, volumes)
