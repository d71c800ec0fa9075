"""From a PET to its lesions: search, judge, outline, measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.lesions.confluent import confluent_groups, mostly_tumour, one_mass
from lutetia.imaging.lesions.densities import measure_densities
from lutetia.imaging.lesions.flooding import flooding_issues
from lutetia.imaging.lesions.foci import HOT_BESIDE_LIVER, Focus, find_foci
from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.judging import judge_all
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels, measure_levels
from lutetia.imaging.lesions.liver_membership import belongs_to_liver
from lutetia.imaging.lesions.local_edge import reach_edges
from lutetia.imaging.lesions.outline import Outline, grow_outline, owner_map, reference_maximum
from lutetia.imaging.lesions.own_bowel import compare_with_bowel
from lutetia.imaging.lesions.records import lesion_record
from lutetia.imaging.lesions.scan import Scan
from lutetia.imaging.lesions.schemes import SCHEMES, threshold_of
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.sites import organ_site, site_of
from lutetia.imaging.lesions.surroundings import compare_sides, compare_with_neighbours, describe
from lutetia.imaging.lesions.working import Working, working_grid
from lutetia.imaging.peak import sphere_offsets
from lutetia.imaging.threads import each
from lutetia.model import ConventionUse, Issue, Lesion, Reference, Tracer, UsageError, Volume

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class LesionResult:
    """What the lesion step hands over.

    Attributes
    ----------
    labels : label map (int16) on the PET grid; the number of each lesion is its observation's `label`
    lesions : candidates from the hottest down, then physiological uptake; each with one observation, not yet graded
    issues : what a reader must know
    liver_maximum_noise : how far noise alone lifts a single-voxel maximum above the mean at liver level (one SD, SUV);
        None without a liver
    at_liver_limit : liver level + k × that noise: a liver lesion with SUVmax up to here is "at liver level"
    at_liver_level : labels of the liver lesions that are
    conventions : the choices in force
    scheme : the segmentation scheme, as printed with every volume
    """

    labels: Volume
    lesions: tuple[Lesion, ...]
    issues: tuple[Issue, ...]
    liver_maximum_noise: float | None
    at_liver_limit: float | None
    at_liver_level: frozenset[int]
    conventions: tuple[ConventionUse, ...]
    scheme: str


def find_lesions(
    suv: Volume,
    ct: Volume | None,
    anatomy: Anatomy,
    references: dict[str, Reference],
    tracer: Tracer,
    settings: LesionSettings | None = None,
    study: str = "",
    *,
    sex: str | None = None,
) -> LesionResult:
    """Find, outline and measure lesions in a PET.

    Parameters
    ----------
    suv : PET, SUV
    ct : CT in HU on its own grid, None for PET alone
    anatomy : organs on the PET grid; missing organs make the judgement poorer, never impossible
    references : "liver", "spleen", "blood_pool"
    tracer : what was injected
    settings : see `LesionSettings`
    study : id of the study, for the observations
    sex : "M", "F", anything else or None where it is not known; it names uptake beside the bladder, no more

    Raises
    ------
    UsageError
        When the segmentation scheme is not known.
    """
    settings = settings or LesionSettings()
    if settings.scheme not in SCHEMES:
        raise UsageError(
            "unknown-segmentation-scheme",
            f"There is no segmentation scheme named {settings.scheme!r}.",
            expected=", ".join(sorted(SCHEMES)),
            remedy="Choose one of these names.",
        )
    work, levels, marks, found = search(suv, ct, anatomy, references, tracer, settings, sex)
    issues = list(levels.issues)
    if ct is None:
        issues.append(
            Issue(
                code="lesions-without-ct",
                message="Uptake was judged without CT: bone, bowel and fat can't be told by density, so more "
                "physiological uptake stays a candidate.",
            )
        )
    labels, entries = _outline_all(suv, work, levels, references, found, settings)
    liver_voxels = int((work.labels == LABELS["liver"]).sum()) * int(np.prod(work.factor))
    issues += flooding_issues(entries, anatomy.labels.array, liver_voxels, levels, suv.grid.voxel_ml, settings.scheme)
    offsets = sphere_offsets(suv.grid.spacing_mm)
    noise = levels.voxel_noise * levels.liver if levels.liver is not None else None
    limit = levels.liver + settings.at_liver_noise * noise if levels.liver is not None and noise is not None else None

    def record(number: int) -> Lesion:
        entry = entries[number - 1]
        return lesion_record(suv, ct, work, marks, levels, references, entry, number, study, offsets, settings)

    lesions = each(record, range(1, len(entries) + 1))
    at_liver = set()
    for number, (entry, lesion) in enumerate(zip(entries, lesions, strict=True), 1):
        if limit is not None and entry.focus.in_liver and lesion.observations[0].suv_max <= limit:
            at_liver.add(number)
    return LesionResult(
        labels=Volume(labels, suv.grid, "label"),
        lesions=tuple(lesions),
        issues=tuple(replace_study(i, study) for i in issues),
        liver_maximum_noise=noise,
        at_liver_limit=limit,
        at_liver_level=frozenset(at_liver),
        conventions=settings.conventions(),
        scheme=SCHEMES[settings.scheme].text(settings),
    )


def search(
    suv: Volume,
    ct: Volume | None,
    anatomy: Anatomy,
    references: dict[str, Reference],
    tracer: Tracer,
    settings: LesionSettings,
    sex: str | None = None,
) -> tuple[Working, Levels, Landmarks, list[Found]]:
    """Find the foci and judge them; nothing is outlined yet."""
    work = working_grid(suv, anatomy.labels.array, settings.finest_mm, settings.smoothing_mm)
    levels = measure_levels(work, references, tracer)
    marks = Landmarks(work, anatomy, sex)
    found = []
    foci = find_foci(work, levels, settings)
    facts = compare_sides(each(lambda focus: describe(focus, work, ct, marks), foci), [f.peak for f in foci], marks)
    facts = compare_with_neighbours(foci, compare_with_bowel(foci, facts, marks))
    liver_hu = anatomy.evidence.get("liver", {}).get("hu_mode", float("nan"))
    densities = measure_densities(foci, facts, marks, liver_hu)
    for focus, around in zip(foci, facts, strict=True):
        belongs_to_liver(focus, around, marks, levels, tracer, densities)
    judgements = judge_all(foci, facts, Scan(work, marks, levels, densities, tracer, settings))
    for focus, around, judgement in zip(foci, facts, judgements, strict=True):
        site = (
            organ_site(judgement.organ, marks.side(around.point))
            if judgement.physiological
            else site_of(focus, around, marks, judgement.marks)
        )
        found.append(Found(focus, around, judgement, site))
    return work, levels, marks, found


def replace_study(issue: Issue, study: str) -> Issue:
    """The issue with its study named."""
    return issue.model_copy(update={"study": study or issue.study})


def _thresholds_elsewhere(focus: Focus, maximum: float, levels: Levels, settings: LesionSettings) -> dict[int, float]:
    """What holds in the organs next to a lesion's own, by our own scheme: background differs there.

    A lesion of the liver ends at kidney and spleen; one that lies against the liver goes on into it only where it
    stands out of the liver, else the liver beside a lesion of lung, whose background is low, would be its part.
    """
    if settings.scheme != "lutetia":
        return {}
    if focus.in_liver:
        return {organ: float("inf") for organ in HOT_BESIDE_LIVER if organ != focus.label}
    if levels.liver is None or focus.label == LABELS["liver"]:
        return {}
    return {LABELS["liver"]: levels.liver + settings.outline_fraction_liver * max(maximum - levels.liver, 0.0)}


def _outline_all(
    suv: Volume,
    work: Working,
    levels: Levels,
    references: dict[str, Reference],
    found: list[Found],
    settings: LesionSettings,
) -> tuple[Array, list[Found]]:
    """Draw every outline into one label map; join what belongs together; number candidates first, hottest first."""
    outside = [f for f in found if not f.focus.in_liver]
    inside = [f for f in found if f.focus.in_liver]
    drawn: list[Found] = []
    in_liver = work.labels == LABELS["liver"]
    organs = [f for f in outside if f.judgement.physiological]
    for group, others, where in ((outside, inside, in_liver), (inside, organs, ~in_liver)):
        owner = owner_map(work, [f.focus for f in group])
        # what drains to a focus of the other search, on its side of the liver's rim, is not free: the liver's own foci
        # inside, physiological uptake (kidney, bowel) outside
        owner[where & (owner < 0) & (owner_map(work, [f.focus for f in others]) >= 0)] = len(group)

        def drawn_at(n: int, group: list[Found] = group, owner: Array = owner) -> Outline | None:
            focus = group[n].focus
            maximum = reference_maximum(suv.array, focus, work)
            threshold, method = threshold_of(settings, focus, maximum, levels, references)
            elsewhere = _thresholds_elsewhere(focus, maximum, levels, settings)
            voxels, filled = grow_outline(suv.array, focus, n, owner, work, threshold, elsewhere)
            if len(voxels) < settings.smallest_voxels or len(voxels) * suv.grid.voxel_ml < settings.smallest_ml:
                return None
            return Outline(voxels, threshold, method, maximum, filled)

        for entry, found_outline in zip(group, each(drawn_at, range(len(group))), strict=True):
            if found_outline is not None:
                entry.outline = found_outline
                drawn.append(entry)
    candidates = [f for f in drawn if not f.judgement.physiological]
    entries = confluent_groups([f for f in candidates if f.focus.in_liver], suv.array.shape, settings)
    entries = reach_edges(entries, drawn, suv.array, work, levels, settings)
    if levels.tumour is not None:
        entries = mostly_tumour(entries, suv.array.shape, int(in_liver.sum() * np.prod(work.factor)))
    entries += one_mass([f for f in candidates if not f.focus.in_liver and f.focus.basin >= 0], settings)
    entries = _sorted(entries, suv.array) + _sorted(
        _by_organ([f for f in drawn if f.judgement.physiological]), suv.array
    )
    labels = np.zeros(suv.array.shape, np.int16)
    for number in range(len(entries), 0, -1):  # the hotter lesion keeps a shared voxel, a candidate before physiology
        outline = entries[number - 1].outline
        assert outline is not None
        labels[tuple(outline.voxels.T)] = number
    kept, final = [], np.zeros(len(entries) + 1, np.int16)
    for number, entry in enumerate(entries, 1):
        assert entry.outline is not None
        voxels = entry.outline.voxels
        own = voxels[labels[tuple(voxels.T)] == number]
        if len(own) < settings.smallest_voxels or len(own) * suv.grid.voxel_ml < settings.smallest_ml:
            labels[tuple(own.T)] = 0
            continue
        kept.append(replace(entry, outline=replace(entry.outline, voxels=own)))
        final[number] = len(kept)
    for number, entry in enumerate(entries, 1):
        assert entry.outline is not None
        if final[number] != number:
            at = tuple(entry.outline.voxels.T)
            mine = labels[at] == number
            labels[tuple(a[mine] for a in at)] = final[number]
    return labels, kept


def _sorted(entries: list[Found], suv: Array) -> list[Found]:
    def hottest(entry: Found) -> float:
        assert entry.outline is not None
        return float(suv[tuple(entry.outline.voxels.T)].max())

    return sorted(entries, key=lambda e: -hottest(e))


def _by_organ(entries: list[Found]) -> list[Found]:
    """Join physiological foci of the same organ (and side) into one entry, named after its hottest focus."""
    groups: dict[tuple[str, str | None], list[Found]] = {}
    for entry in entries:
        groups.setdefault((entry.judgement.organ, entry.site.side), []).append(entry)
    joined = []
    for group in groups.values():
        first = max(group, key=lambda e: e.focus.peak)
        outlines = [e.outline for e in group if e.outline is not None]
        assert first.outline is not None
        voxels = (
            np.unique(np.concatenate([o.voxels for o in outlines]), axis=0) if len(group) > 1 else outlines[0].voxels
        )
        joined.append(replace(first, outline=replace(first.outline, voxels=voxels), members=len(group)))
    return joined
