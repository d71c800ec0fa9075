"""One identity per lesion: same, new, split, merged, with the alignment's doubt in mind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lutetia.imaging.matching import Focus, match, thinned
from lutetia.imaging.tracking import StudyFoci, Track, track


def ball(key: str, centre: tuple[float, float, float], radius: float = 8.0, tissue: str = "liver") -> Focus:
    step = max(1.0, radius / 4)
    axis = np.arange(-radius, radius + step, step)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) <= radius] + centre
    return Focus(key, points, 4 / 3 * np.pi * radius**3 / 1000, tissue)


def visit(name: str, number: int, foci: Sequence[Focus], tracer: str = "dotatate", status: str = "ok") -> StudyFoci:
    return StudyFoci(name, tracer, number, tuple(foci), status)


def identities(tracks: Sequence[Track]) -> dict[tuple[str, str], int]:
    return {(study, key): t.number for t in tracks for study, key in t.keys.items()}


def test_a_lesion_keeps_its_identity_when_it_grows_and_moves_a_little() -> None:
    tracks = track([visit("a", 0, [ball("x", (0, 0, 0))]), visit("b", 1, [ball("y", (4, 0, 2), 10)])])
    assert len(tracks) == 1
    assert "overlap" in tracks[0].links["b"].evidence


def test_a_lesion_four_centimetres_away_is_another_one() -> None:
    tracks = track([visit("a", 0, [ball("x", (0, 0, 0))]), visit("b", 1, [ball("y", (40, 0, 0))])])
    assert len(tracks) == 2


def test_neighbours_are_told_apart_by_the_best_assignment_of_all() -> None:
    before = [ball("p", (0, 0, 0), 6), ball("q", (18, 0, 0), 6)]
    after = [ball("r", (5, 0, 0), 6), ball("s", (23, 0, 0), 6)]
    found = identities(track([visit("a", 0, before), visit("b", 1, after)]))
    assert found["a", "p"] == found["b", "r"]
    assert found["a", "q"] == found["b", "s"]


def test_two_foci_inside_the_place_of_one_are_a_split_and_the_larger_keeps_the_identity() -> None:
    parts = [ball("big", (7, 0, 0), 6), ball("small", (-8, 0, 0), 5)]
    tracks = track([visit("a", 0, [ball("whole", (0, 0, 0), 13)]), visit("b", 1, parts)])
    found = identities(tracks)
    assert found["a", "whole"] == found["b", "big"]
    assert [t.parent for t in tracks if t.number == found["b", "small"]] == [found["a", "whole"]]
    assert all("b" in t.split_in for t in tracks)


def test_two_foci_that_become_one_are_a_merger() -> None:
    parts = [ball("left", (7, 0, 0), 7), ball("right", (-8, 0, 0), 6)]
    tracks = track([visit("a", 0, parts), visit("b", 1, [ball("one", (0, 0, 0), 14)])])
    found = identities(tracks)
    assert found["b", "one"] == found["a", "left"]
    gone = next(t for t in tracks if t.number == found["a", "right"])
    assert gone.merged_into == (found["a", "left"], "b")


def test_islands_of_a_confluent_tumour_keep_its_identity_though_its_voxels_were_thinned() -> None:
    """A litre of tumour thinned to some thousand voxels has gaps wider than the tolerance."""
    giant = ball("giant", (0, 0, 0), 62)
    sparse = Focus("giant", thinned(giant.points_mm, 400), giant.volume_ml, "liver")
    islands = [ball(f"island {n}", (x, 15, 0), 12) for n, x in enumerate((-40.0, -8.0, 30.0))]
    tracks = track([visit("a", 0, [sparse]), visit("b", 1, islands)])
    assert any("a" in t.keys and "b" in t.keys for t in tracks)
    assert all("b" in t.split_in for t in tracks)


def test_a_new_neighbour_of_a_stable_lesion_is_not_a_split() -> None:
    after = [ball("same", (0, 0, 0)), ball("new", (22, 0, 0))]
    tracks = track([visit("a", 0, [ball("x", (0, 0, 0))]), visit("b", 1, after)])
    assert not any(t.split_in for t in tracks)
    assert len(tracks) == 2


def test_bone_and_liver_foci_are_never_one_lesion_unless_they_overlap() -> None:
    found = match([ball("rib", (0, 0, 0), 5, "bone")], [ball("edge", (13, 0, 0), 5, "liver")], "caution")
    assert not found


def test_a_poor_alignment_lets_lesions_lie_further_apart() -> None:
    before, after = [ball("x", (0, 0, 0), 5)], [ball("y", (14, 0, 0), 5)]
    assert not match(before, after, "ok")
    assert match(before, after, "poor")


def test_a_lesion_not_seen_at_one_visit_is_known_again_at_the_next() -> None:
    tracks = track(
        [
            visit("a", 0, [ball("x", (0, 0, 0))]),
            visit("b", 1, []),
            visit("c", 2, [ball("y", (2, 0, 0))]),
        ]
    )
    assert len(tracks) == 1


def test_a_reader_s_identity_wins_over_the_matching() -> None:
    studies = [visit("a", 0, [ball("x", (0, 0, 0))]), visit("b", 1, [ball("y", (40, 0, 0))])]
    found = identities(track(studies, corrections={("b", "y"): 1}))
    assert found["a", "x"] == found["b", "y"] == 1


def test_a_mass_is_matched_to_the_mass_and_not_to_a_crumb_inside_it_so_that_every_focus_has_a_partner() -> None:
    before = [ball("mass", (0, 0, 0), 60), ball("neighbour", (75, 0, 0), 12)]
    after = [ball("mass again", (8, 5, 0), 48), ball("crumb", (0, -52, 0), 6)]
    found = identities(track([visit("a", 0, before), visit("b", 1, after)]))
    assert found["b", "mass again"] == found["a", "mass"]
    assert found["b", "crumb"] != found["a", "neighbour"]


def test_what_another_tracer_shows_in_parts_is_no_split_in_time() -> None:
    parts = [ball("p", (9, 0, 0), 6), ball("q", (-9, 0, 0), 5)]
    tracks = track(
        [
            visit("sstr", 0, [ball("whole", (0, 0, 0), 15)]),
            visit("fdg", 0, parts, "fdg"),
            visit("sstr again", 1, [ball("whole again", (0, 0, 0), 15)]),
        ]
    )
    assert not any(t.split_in or t.merged_in or t.merged_into for t in tracks)
    assert len({t.number for t in tracks if {"sstr", "sstr again"} <= set(t.keys)}) == 1


def test_a_spect_that_joins_two_neighbours_ends_neither() -> None:
    two = [ball("l", (10, 0, 0), 7), ball("r", (-10, 0, 0), 7)]
    spect = StudyFoci("spect", "lu177", 1, (ball("both", (0, 0, 0), 18),), "ok", "sstr", fine=False)
    tracks = track(
        [
            StudyFoci("a", "dotatate", 0, tuple(two), "ok", "sstr"),
            spect,
            StudyFoci("b", "dotatate", 2, tuple(two), "ok", "sstr"),
        ]
    )
    assert len(tracks) == 2
    assert all({"a", "b"} <= set(t.keys) for t in tracks)


def test_a_nodule_is_not_taken_for_the_mass_fifty_times_its_size_that_another_tracer_shows_there() -> None:
    nodule = replace(ball("nodule", (40, 0, 0), 12), tracer="dotatate")
    mass = replace(ball("mass", (0, 0, 0), 48), tracer="fdg")
    assert len(track([visit("a", 0, [nodule]), visit("b", 0, [mass], "fdg")])) == 2


def test_a_small_lesion_that_grew_tenfold_is_the_same() -> None:
    tracks = track([visit("a", 0, [ball("x", (0, 0, 0), 4)]), visit("b", 1, [ball("y", (2, 0, 0), 9)])])
    assert len(tracks) == 1


def test_a_blurred_focus_belongs_to_the_lesion_that_holds_its_hottest_voxel() -> None:
    hot = replace(ball("hot node", (17, 0, 0), 6), peak_mm=np.array([17.0, 0.0, 0.0]))
    cool = replace(ball("cool mass", (-13, 0, 0), 20), peak_mm=np.array([-20.0, 0.0, 0.0]))
    spect = replace(ball("blur", (6, 0, 0), 17), peak_mm=np.array([16.0, 1.0, 0.0]))
    links = match([hot, cool], [spect])
    assert any(link.earlier == "hot node" for link in links)


def test_a_lesion_that_two_misalignments_keep_from_its_last_look_is_known_by_the_one_before() -> None:
    """The first SPECT is off one way, the second the other way; the PET lies between them."""

    def sstr(name: str, number: int, at: float, tracer: str) -> StudyFoci:
        fine = tracer == "dotatate"
        return StudyFoci(name, tracer, number, (ball(name, (0, 0, at), 6),), "ok", "sstr", fine)

    studies = [sstr("pet", 0, 0, "dotatate"), sstr("early", 1, 9, "lu177"), sstr("late", 2, -9, "lu177")]
    assert len(track(studies)) == 1
    assert len(track(studies[1:])) == 2
