"""A course: the same patient before and after therapy, with two tracers.

The founding story (Basu and colleagues, J Nucl Med Technol): a grade 2 gastric tumour whose liver metastases take up
no more DOTATATE than blood, treated with capecitabine and temozolomide (CAPTEM), after which the same metastases are
above the liver. Our patient adds what such a course must not hide: one node goes the other way, loses its receptors and
gains FDG; one lesion is new, one resolves.
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
    """The referral data of the story as a typed case: what was given between the visits."""
    first = datetime.strptime(str(truth.studies[0]["date"]), "%Y%m%d").date()
    start, end = (first + timedelta(days=int(str(_CAPTEM[day]))) for day in ("from_day", "to_day"))
    return (
        "# Made up after the founding case report: metastatic grade 2 NET, CAPTEM between two dual-tracer visits.\n"
        'case: "1.0"\n'
        "id: CAPTEM (made up)\n"
        "timeline:\n"
        f"  - {{kind: treatment, agent: {_CAPTEM['name']}, date: {start}, until: {end}, cycle: {_CAPTEM['cycles']}}}\n"
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
    nodules = liver_nodules(plan, rng, [24.0, 17.0, 13.0, 10.5, 8.5, 7.0], 9.0, avoid=mass)
    for n, nodule in enumerate(nodules):
        before = blood * float(rng.uniform(0.70, 1.0))
        after = min(liver * float(rng.uniform(1.45, 1.85)), 0.8 * spleen)
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
                growth=0.72 if n < 5 else 0.9,
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
            (24.0, 6.0, 1076.0, 9.5),
            (16.0, 1.3),
            (1.9, 8.0),
            node | {"fate": "sstr loss", "growth": 1.12},
        ),
        ("vertebra", "midline", (x + 5.0, y, z, 10.0), (13.0, 13.0), (2.8, 2.8), bone),
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
