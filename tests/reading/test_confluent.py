"""Confluent liver disease is one volume over the whole course, whoever drew its parts how."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutetia.imaging.lesions import LesionResult
from lutetia.imaging.lesions.observed import observed
from lutetia.imaging.registration import identity_alignment
from lutetia.imaging.tracking import StudyFoci, track
from lutetia.model import Grid, Lesion, Study, Tracer, Visit, Volume
from lutetia.reading.course.confluent import gather_confluent
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import identify
from lutetia.reading.study import StudyReading

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
Ball = tuple[float, float, float, float]
MASS: tuple[Ball, ...] = ((45, 60, 60, 15), (60, 60, 60, 15), (75, 60, 60, 15))
BESIDE: Ball = (60, 95, 60, 7)


def inside(*balls: Ball) -> np.ndarray:
    hit = np.zeros(GRID.shape, bool)
    for x, y, z, radius in balls:
        hit |= np.linalg.norm(POINTS - (x, y, z), axis=-1) <= radius
    return hit


def study(records: Any, name: str, tracer: str, *foci: tuple[Ball, ...], confluent: int | None = None) -> StudyReading:
    """A study whose search outlined each of the foci; the one of number `confluent` is called confluent."""
    made = Study.model_validate(records.study(name, tracer, f"2025-0{name[-1]}-10"))
    suv, labels = np.ones(GRID.shape, np.float32), np.zeros(GRID.shape, np.int16)
    for number, focus in enumerate(foci, 1):
        suv[inside(*focus)], labels[inside(*focus)] = 10.0, number
    volume, lesions = Volume(suv, GRID, "SUVbw"), []
    for number in range(1, len(foci) + 1):
        seen = observed(volume, np.argwhere(labels == number), name, number, method="drawn")
        lesion: Lesion = records.lesion(f"L{number}", observations=[seen], confluent=number == confluent)
        lesions.append(lesion)
    found = LesionResult(Volume(labels, GRID, "label"), tuple(lesions), (), None, None, frozenset(), (), "drawn")
    tracer_of = Tracer.model_validate(made.tracer_detail)
    return StudyReading(made, None, tracer=tracer_of, lesions=tuple(lesions), suv=volume, found=found)  # type: ignore[arg-type]


def course(*readings: StudyReading, visits: tuple[tuple[int, ...], ...]) -> dict[tuple[str, str], int]:
    """(study, its own lesion) → number of the lesion of the course."""
    names = [r.study.id for r in readings]
    frames = Frames(names[0], {n: identity_alignment(GRID) for n in names}, (), ())
    made = [
        Visit(id=f"v{n}", studies=tuple(names[i] for i in own), first_date=f"2025-0{n}-01")
        for n, own in enumerate(visits, 1)
    ]
    same = gather_confluent(readings, made, frames)
    return {
        (study, lesion.id): found.number
        for found in identify(readings, made, frames, same=same)
        for study, lesion in found.members.items()
    }


def test_fdg_hot_parts_inside_an_sstr_mass_are_that_mass(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, (BESIDE,), confluent=1)
    fdg = study(records, "s2", "fdg", ((45, 60, 60, 6),), ((75, 60, 60, 5),), (BESIDE,))
    number = course(sstr, fdg, visits=((0, 1),))
    assert number["s1", "L1"] == number["s2", "L1"]
    assert number["s1", "L2"] == number["s2", "L3"] != number["s1", "L1"]
    assert len(fdg.lesions) == 2
    (mass,) = (x for x in fdg.lesions if x.confluent)
    assert "1 more inside" in mass.observations[0].mask_method
    own = fdg.found.labels.array == mass.observations[0].label  # type: ignore[union-attr]
    assert own.sum() == inside((45, 60, 60, 6), (75, 60, 60, 5)).sum()
    assert abs(mass.observations[0].volume_ml - own.sum() * 0.027) < 0.01


def test_islands_left_of_a_mass_after_therapy_are_no_split(records: Any) -> None:
    before = study(records, "s1", "dotatate", MASS, confluent=1)
    after = study(records, "s2", "dotatate", ((45, 60, 60, 9),), ((75, 60, 60, 8),))
    number = course(before, after, visits=((0,), (1,)))
    assert set(number.values()) == {number["s1", "L1"]}


def test_metastases_that_lay_apart_before_they_met_stay_apart_then(records: Any) -> None:
    before = study(records, "s1", "dotatate", ((42, 60, 60, 6),), ((60, 60, 60, 5),), ((78, 60, 60, 5),))
    after = study(records, "s2", "dotatate", MASS, confluent=1)
    number = course(before, after, visits=((0,), (1,)))
    assert len({number["s1", f"L{n}"] for n in (1, 2, 3)}) == 3
    assert number["s2", "L1"] in {number["s1", f"L{n}"] for n in (1, 2, 3)}


def test_a_neighbour_that_a_later_outline_of_the_mass_takes_in_belongs_to_the_mass(records: Any) -> None:
    before = study(records, "s1", "dotatate", MASS, ((60, 83, 60, 6),), confluent=1)
    after = study(records, "s2", "dotatate", (*MASS, (60, 80, 60, 12)), confluent=1)
    assert len(set(course(before, after, visits=((0,), (1,))).values())) == 1


def test_what_a_reader_set_is_left_alone(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, confluent=1)
    fdg = study(records, "s2", "fdg", ((45, 60, 60, 6),), ((75, 60, 60, 5),))
    fdg.lesions = (fdg.lesions[0].model_copy(update={"corrected_by": "AB"}), fdg.lesions[1])
    course(sstr, fdg, visits=((0, 1),))
    assert [x.id for x in fdg.lesions] == ["L1", "L2"]


def test_on_a_therapy_spect_the_outlines_of_the_pet_are_carried_over(records: Any) -> None:
    """The blur of the SPECT takes in the neighbour; the PET knows both borders."""
    pet = study(records, "s1", "dotatate", MASS, (BESIDE,), confluent=1)
    blurred = (*((x, y, z, r + 9) for x, y, z, r in MASS), (60, 90, 60, 14))
    spect = study(records, "s2", "lu177-dotatate", blurred, confluent=1)
    number = course(pet, spect, visits=((0,), (1,)))
    found = {x.id: x for x in spect.lesions}
    assert len(found) == 2
    assert {number["s2", name] for name in found} == {number["s1", "L1"], number["s1", "L2"]}
    mass = next(x for x in found.values() if x.confluent)
    assert abs(mass.observations[0].volume_ml - inside(*MASS).sum() * 0.027) < 0.01
    assert "s1 carried over" in mass.observations[0].mask_method
    assert mass.observations[0].krenning_spect is not None


def test_without_a_confluent_mass_nothing_is_gathered(records: Any) -> None:
    before = study(records, "s1", "dotatate", MASS)
    after = study(records, "s2", "dotatate", ((45, 60, 60, 9),), ((75, 60, 60, 8),))
    assert len(set(course(before, after, visits=((0,), (1,))).values())) == 2


def test_foci_known_to_be_one_need_no_matching() -> None:
    from lutetia.imaging.matching import Focus

    near, far = (Focus("x", np.zeros((4, 3)) + d, 1.0, "liver") for d in (0.0, 90.0))
    studies = [StudyFoci("a", "dotatate", 0, (near,)), StudyFoci("b", "fdg", 0, (far,))]
    assert len(track(studies)) == 2
    assert len(track(studies, same={("a", "x"): "one", ("b", "x"): "one"})) == 1
