"""Confluent liver disease is one volume over the whole course, whoever drew its parts how."""

from __future__ import annotations

from typing import Any

import numpy as np

from builders.scans import aligned, scan
from lutetia.imaging.lesions.observed import observed
from lutetia.imaging.tracking import StudyFoci, track
from lutetia.model import Grid, Lesion, Visit, Volume
from lutetia.reading.course.confluent import gather_confluent
from lutetia.reading.course.identity import identify
from lutetia.reading.study import StudyReading

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
Ball = tuple[float, float, float, float]
MASS: tuple[Ball, ...] = ((45, 60, 60, 15), (60, 60, 60, 15), (75, 60, 60, 15))
BESIDE: Ball = (60, 95, 60, 7)


def inside(*balls: Ball) -> np.ndarray:
    hit: np.ndarray = np.zeros(GRID.shape, bool)
    for x, y, z, radius in balls:
        hit |= np.linalg.norm(POINTS - (x, y, z), axis=-1) <= radius
    return hit


def study(
    records: Any,
    name: str,
    tracer: str,
    *foci: tuple[Ball, ...],
    confluent: int | None = None,
    warm: tuple[Ball, ...] = (),
) -> StudyReading:
    """A study whose search outlined each of the foci; the one of number `confluent` is called confluent.

    What is `warm` takes up 6 (the foci 10, the rest 1) without having been outlined.
    """
    suv, labels = np.ones(GRID.shape, np.float32), np.zeros(GRID.shape, np.int16)
    suv[inside(*warm)] = 6.0
    for number, focus in enumerate(foci, 1):
        suv[inside(*focus)], labels[inside(*focus)] = 10.0, number
    volume, lesions = Volume(suv, GRID, "SUVbw"), []
    for number in range(1, len(foci) + 1):
        seen = observed(volume, np.argwhere(labels == number), name, number, method="drawn")
        lesion: Lesion = records.lesion(f"L{number}", observations=[seen], confluent=number == confluent)
        lesions.append(lesion)
    return scan(records, name, tracer, f"2025-0{name[-1]}-10", GRID, suv, labels, *lesions)


def course(*readings: StudyReading, visits: tuple[tuple[int, ...], ...]) -> dict[tuple[str, str], int]:
    """(study, its own lesion) → number of the lesion of the course."""
    names = [r.study.id for r in readings]
    frames = aligned(GRID, names)
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


def test_what_fdg_outlines_of_a_mass_that_is_warm_on_fdg_is_that_mass(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, (BESIDE,), confluent=1)
    fdg = study(records, "s2", "fdg", ((45, 60, 60, 6),), ((75, 60, 60, 5),), (BESIDE,), warm=MASS)
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


def test_a_neighbour_that_a_later_outline_of_the_mass_takes_in_is_followed_inside_it(records: Any) -> None:
    before = study(records, "s1", "dotatate", MASS, ((60, 83, 60, 6),), confluent=1)
    after = study(records, "s2", "dotatate", (*MASS, (60, 80, 60, 12)), confluent=1)
    number = course(before, after, visits=((0,), (1,)))
    assert {number["s2", x.id] for x in after.lesions} == {number["s1", "L1"], number["s1", "L2"]}
    (mass,) = (x for x in after.lesions if x.confluent)
    assert number["s2", mass.id] == number["s1", "L1"]


def test_what_a_reader_set_is_left_alone(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, confluent=1)
    fdg = study(records, "s2", "fdg", ((45, 60, 60, 6),), ((75, 60, 60, 5),), warm=MASS)
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


TWO: tuple[Ball, Ball] = ((45, 60, 60, 9), (75, 60, 60, 9))


def test_two_metastases_that_the_blur_of_a_spect_joins_keep_their_outlines_and_identities(records: Any) -> None:
    pet = study(records, "s1", "dotatate", (TWO[0],), (TWO[1],))
    spect = study(records, "s2", "lu177-dotatate", tuple((x, y, z, r + 8) for x, y, z, r in TWO))
    number = course(pet, spect, visits=((0,), (1,)))
    assert len(spect.lesions) == 2
    assert {number["s2", x.id] for x in spect.lesions} == {number["s1", "L1"], number["s1", "L2"]}
    for lesion in spect.lesions:
        assert abs(lesion.observations[0].volume_ml - inside(TWO[0]).sum() * 0.027) < 0.2
        assert "s1 carried over" in lesion.observations[0].mask_method


def test_a_lesion_that_a_spect_shows_by_itself_keeps_its_own_outline(records: Any) -> None:
    pet = study(records, "s1", "dotatate", (TWO[0],), (TWO[1],))
    spect = study(records, "s2", "lu177-dotatate", *(((x, y, z, r + 3),) for x, y, z, r in TWO))
    course(pet, spect, visits=((0,), (1,)))
    assert all(x.observations[0].mask_method == "drawn" for x in spect.lesions)


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


HOT: Ball = (60, 60, 60, 7)
HOT_ML = inside(HOT).sum() * 0.027


def part_of(reading: StudyReading) -> Lesion:
    (part,) = (x for x in reading.lesions if "part_of_confluent" in x.observations[0].flags)
    return part


def test_an_fdg_hot_part_of_a_mass_that_fdg_does_not_show_is_a_lesion_of_its_own_on_both_tracers(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, confluent=1)
    whole = sstr.lesions[0].observations[0].volume_ml
    fdg = study(records, "s2", "fdg", (HOT,))
    number = course(sstr, fdg, visits=((0, 1),))
    part, (mass,) = part_of(sstr), (x for x in sstr.lesions if x.confluent)
    assert number["s1", part.id] == number["s2", "L1"] != number["s1", mass.id]
    seen = part.observations[0]
    assert not part.confluent and "confluent" not in seen.flags
    assert abs(seen.volume_ml - HOT_ML) < 0.01 and "outline of s2" in seen.mask_method
    assert seen.krenning_modified is not None
    assert abs(mass.observations[0].volume_ml - (whole - HOT_ML)) < 0.01
    assert "without 1 part" in mass.observations[0].mask_method
    own = sstr.found.labels.array == seen.label  # type: ignore[union-attr]
    assert np.array_equal(own, inside(HOT))


def test_such_a_part_is_one_lesion_at_every_visit_and_the_mass_another(records: Any) -> None:
    before = study(records, "s1", "dotatate", MASS, confluent=1), study(records, "s2", "fdg", (HOT,))
    after = study(records, "s3", "dotatate", MASS, confluent=1), study(records, "s4", "fdg", ((60, 60, 60, 6),))
    number = course(*before, *after, visits=((0, 1), (2, 3)))
    parts = {number["s1", part_of(before[0]).id], number["s2", "L1"]}
    parts |= {number["s3", part_of(after[0]).id], number["s4", "L1"]}
    masses = {number[r.study.id, x.id] for r in (before[0], after[0]) for x in r.lesions if x.confluent}
    assert len(parts) == len(masses) == 1 and parts != masses


def test_nothing_below_half_a_millilitre_is_cut_out_of_a_mass(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, confluent=1)
    fdg = study(records, "s2", "fdg", ((60, 60, 60, 4),))
    number = course(sstr, fdg, visits=((0, 1),))
    assert len(sstr.lesions) == 1 and number["s1", "L1"] == number["s2", "L1"]


def test_an_fdg_uptake_of_most_of_a_mass_is_the_mass(records: Any) -> None:
    sstr = study(records, "s1", "dotatate", MASS, confluent=1)
    fdg = study(records, "s2", "fdg", (MASS[0],))
    number = course(sstr, fdg, visits=((0, 1),))
    assert len(sstr.lesions) == 1 and number["s1", "L1"] == number["s2", "L1"]


def test_another_somatostatin_receptor_tracer_tells_no_part_apart(records: Any) -> None:
    """Hotter and colder spots of one target are the same disease; only another target speaks of another clone."""
    mass = study(records, "s1", "dotatate", MASS, confluent=1)
    again = study(records, "s2", "dotatate", (HOT,))
    assert len(set(course(mass, again, visits=((0,), (1,))).values())) == 1
    assert len(mass.lesions) == 1
