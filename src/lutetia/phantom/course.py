"""A course: the same patient before and after therapy, with two tracers.

The founding story (Basu and colleagues, J Nucl Med Technol): a grade 2 gastric tumour whose liver metastases take up
no more DOTATATE than blood, treated with capecitabine and temozolomide (CAPTEM), after which the same metastases are
above the liver. Our patient adds what such a course must not hide, made up after figure 4 of the founding review: one
node goes the other way, loses its receptors and gains FDG; one lesion is new, one resolves. The metastases are large
enough for a scanner of 6 mm resolution to show a cold centre as cold.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lutetia.model import UsageError
from lutetia.phantom.lesions import LesionPlan, liver_nodules
from lutetia.phantom.make import PhantomTruth, write_patient
from lutetia.phantom.plan import BodyPlan, generator, plan_body
from lutetia.phantom.scanner import Visit
from lutetia.phantom.skeleton import rib_line, vertebrae
from lutetia.phantom.tissues import draw_uptake

STORIES = ("captem",)
#: study, tracer, epoch, day: SSTR and FDG within a week, before and after six cycles
_CAPTEM_VISITS = (
    ("S1_SSTR", "dotatate", 0, 0),
    ("S2_FDG", "fdg", 0, 5),
    ("S3_SSTR", "dotatate", 1, 203),
    ("S4_FDG", "fdg", 1, 209),
)
_CAPTEM = {"name": "CAPTEM", "cycles": 6, "from_day": 14, "to_day": 182}
#: radii of the liver metastases before therapy, mm, and what therapy makes of a radius
_LIVER_RADII = (25.0, 20.0, 17.0, 14.0, 13.0, 13.0)
_LIVER_GROWTH = 0.85
_NODE_RADIUS, _NODE_GROWTH = 11.0, 1.1


def make_course(out: Path | str, seed: int = 1, story: str = "captem", *, size: str = "standard") -> PhantomTruth:
    """Write a patient with several studies, and the truth of every lesion in each.

    Parameters
    ----------
    out : folder to write into; made if missing
    seed : draws the patient, as in `make_phantom`
    story : "captem": SSTR and FDG before six cycles of CAPTEM, both again after them
    size : as in `make_phantom`

    Returns
    -------
    PhantomTruth
        ``record["treatments"]`` names what was given when; each lesion has a `fate` and one observation a study.

    Raises
    ------
    UsageError
        for a story or size that does not exist.
    """
    if story not in STORIES:
        raise UsageError(
            "phantom-story-unknown",
            f"There is no course {story!r}.",
            expected="one of " + ", ".join(STORIES),
            remedy="name a course of that list",
        )
    plan = replace(plan_body(seed, "standard"), story=story)
    visits = tuple(_visit(plan, *row) for row in _CAPTEM_VISITS)
    lesions = captem_lesions(plan)
    truth = write_patient(Path(out), plan, lesions, visits, size, treatments=(dict(_CAPTEM),))
    (Path(out) / "case.yaml").write_text(_case(truth), encoding="utf-8")
    return truth


def _case(truth: PhantomTruth) -> str:
    """The referral data of the story as a typed case: disease, treatment, markers, diameters that a reader gave."""
    days = [datetime.strptime(str(study["date"]), "%Y%m%d").date() for study in truth.studies]
    first, last, biopsy = days[0], days[2], days[0] - timedelta(days=30)
    start, end = (first + timedelta(days=int(str(_CAPTEM[day]))) for day in ("from_day", "to_day"))
    before = {"T1": 2 * _LIVER_RADII[0], "T2": 2 * _LIVER_RADII[1], "N1": 2 * _NODE_RADIUS}
    after = {"T1": before["T1"] * _LIVER_GROWTH, "T2": before["T2"] * _LIVER_GROWTH, "N1": before["N1"] * _NODE_GROWTH}
    mm = ["{" + ", ".join(f"{name}: {size:.1f}" for name, size in row.items()) + "}" for row in (before, after)]
    return (
        "# Made up after the founding case report: metastatic grade 2 gastric NET, CAPTEM between two visits.\n"
        "# One node that loses its receptors and gains FDG is made up after figure 4 of the founding review.\n"
        'case: "1.0"\n'
        "id: CAPTEM (made up)\n"
        "disease: {primary: stomach, differentiation: well, stage: metastatic, histology_proven: yes}\n"
        "timeline:\n"
        f"  - {{kind: pathology, name: Ki-67, date: {biopsy}, value: 8, unit: '%', site: stomach}}\n"
        f"  - {{kind: pathology, name: grade, date: {biopsy}, value: G2, site: stomach}}\n"
        f"  - {{kind: marker, name: CgA, date: {first - timedelta(days=4)}, value: 410, unit: ng/mL}}\n"
        f"  - {{kind: treatment, agent: {_CAPTEM['name']}, date: {start}, until: {end}, cycle: {_CAPTEM['cycles']}}}\n"
        f"  - {{kind: marker, name: CgA, date: {last - timedelta(days=3)}, value: 160, unit: ng/mL}}\n"
        "recist:\n"
        "  reader: made up\n"
        "  targets:\n"
        "    - {id: T1, organ: liver}\n"
        "    - {id: T2, organ: liver}\n"
        "    - {id: N1, organ: lymph nodes, node: yes}\n"
        "  visits:\n"
        f"    - {{date: {first}, mm: {mm[0]}}}\n"
        f"    - {{date: {last}, mm: {mm[1]}, non_target: persists, new_lesion: no}}\n"
    )


def _visit(plan: BodyPlan, name: str, tracer: str, epoch: int, day: int) -> Visit:
    """A visit with its own position on the table and its own breathing."""
    rng = generator(plan.seed, "visit", name)
    x, y, z = (float(v) for v in np.round(np.clip(rng.standard_normal(3), -1.6, 1.6) * (7.0, 5.0, 12.0), 1))
    breath = float(np.round(rng.uniform(1.0, 7.0), 1))
    return Visit(name, tracer, epoch, day, shift_mm=(x, y, z), breathing_ct_mm=breath)


def captem_lesions(plan: BodyPlan) -> tuple[LesionPlan, ...]:
    """The lesions of the founding story; levels are tied to this patient's own blood pool and liver."""
    rng = generator(plan.seed, "captem lesions")
    sstr = draw_uptake(generator(plan.seed, "uptake", "dotatate"), "dotatate")
    glucose = draw_uptake(generator(plan.seed, "uptake", "fdg"), "fdg")
    blood, liver, spleen = sstr["aorta_thoracic"], sstr["liver"], sstr["spleen"]
    mass = ((24.0, -34.0, 1158.0, 25.0), (38.0, -44.0, 1132.0, 20.0), (16.0, -46.0, 1136.0, 17.0))
    rows = []
    nodules = liver_nodules(plan, rng, list(_LIVER_RADII), 11.0, avoid=mass)
    for nodule in nodules:
        before = blood * float(rng.uniform(0.70, 1.0))
        after = min(liver * float(rng.uniform(1.75, 2.1)), 0.8 * spleen)
        hungry = glucose["liver"] * float(rng.uniform(2.4, 3.4))
        rows.append(
            LesionPlan(
                id="",
                site="liver",
                tissue="liver",
                side="right" if nodule[0] < -10 else "left",
                nodules=(nodule,),
                suv={"dotatate": (before, after), "fdg": (hungry, glucose["liver"] * float(rng.uniform(1.0, 1.15)))},
                ct_delta_hu=-25.0,
                growth=_LIVER_GROWTH,
                fate="redifferentiated",
            )
        )
    rows.append(
        LesionPlan(
            id="",
            site="stomach",
            tissue="stomach",
            side="left",
            nodules=mass,
            suv={"dotatate": (9.1, 11.5), "fdg": (6.8, 3.4)},
            diagnosis="primary",
            ct_hu=46.0,
            growth=0.78,
            fate="shrinking",
        )
    )
    rows += _elsewhere(plan)
    return tuple(replace(lesion, id=f"L{n:02d}") for n, lesion in enumerate(rows, start=1))


def _elsewhere(plan: BodyPlan) -> list[LesionPlan]:
    """Nodes and bone: one that loses its receptors, one stable, one resolved, one new, and a mimic."""
    x, y, z = vertebrae()["L2"]
    rib_x, rib_y, rib_z, _ = rib_line(plan, 6, -1.0)[8]
    node = {"tissue": "lymph node", "ct_hu": 45.0}
    bone = {"tissue": "bone", "ct_hu": 430.0}
    rows: tuple[tuple[str, str, tuple[float, ...], tuple[float, float], tuple[float, float], dict[str, Any]], ...] = (
        (
            "node retroperitoneal",
            "left",
            (24.0, 6.0, 1076.0, _NODE_RADIUS),
            (16.0, 0.9),
            (0.9, 8.0),
            node | {"fate": "sstr loss", "growth": _NODE_GROWTH},
        ),
        ("vertebra", "midline", (x + 5.0, y, z, 7.5), (13.0, 13.0), (2.8, 2.8), bone),
        (
            "node supraclavicular left",
            "left",
            (44.0, 2.0, 1428.0, 7.5),
            (12.0, 12.0),
            (4.2, 4.2),
            node | {"fate": "resolved", "last_epoch": 0},
        ),
        (
            "rib",
            "right",
            (rib_x, rib_y, rib_z, 7.0),
            (14.0, 14.0),
            (3.0, 3.0),
            bone | {"fate": "new", "first_epoch": 1},
        ),
        (
            "osteophyte",
            "right",
            (-22.0, 60.0, 1000.0, 5.0),
            (2.9, 2.9),
            (2.2, 2.2),
            bone | {"kind": "benign", "diagnosis": "degenerative osteophyte"},
        ),
    )
    return [
        LesionPlan(
            id="",
            site=site,
            side=side,
            nodules=((place[0], place[1], place[2], place[3]),),
            suv={"dotatate": sstr, "fdg": fdg},
            **more,
        )
        for site, side, place, sstr, fdg, more in rows
    ]
