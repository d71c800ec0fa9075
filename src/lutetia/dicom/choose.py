"""The choice among candidates: one PET, one CT, and a reason for each that was left."""

from __future__ import annotations

import re

from lutetia.dicom.ct_beds import as_one, why_not_one
from lutetia.dicom.series import SeriesFiles, StudyFiles
from lutetia.dicom.suitability import Candidate, coverage, coverage_beside, judge_ct, sharp_kernel
from lutetia.model import Issue
from lutetia.model.base import Level

#: id of a series → (role, reason)
Reasons = dict[int, tuple[str, str]]

#: a CT that covers less of the PET than this is used where it lies, and an issue says so
_WELL_COVERED = 0.98
#: coverages that differ by less than this part of the PET's length count as equal
_SIMILAR = 0.05
#: lengths of PETs that differ by less than this count as equal, mm
_SIMILAR_MM = 50.0
#: reconstructions of one acquisition begin at the same time, give or take a bed (s)
_SAME_ACQUISITION_S = 300.0


def _issue(series: SeriesFiles | None, code: str, message: str, level: Level = "caution") -> Issue:
    return Issue(code=code, level=level, message=message, where=series.label if series else "")


def choose_pet(
    study: StudyFiles,
    pets: list[Candidate],
    by_hand: SeriesFiles | None,
    reasons: Reasons,
    issues: list[Issue],
) -> Candidate | None:
    """The PET to read, or None with an issue; `reasons` and `issues` are added to.

    Best first: attenuation-corrected, original, longest, finest voxels. `by_hand` overrides all of it.
    """
    for candidate in pets:
        reasons[id(candidate.series)] = ("", candidate.reason)
    if by_hand is not None:
        chosen = next(c for c in pets if c.series is by_hand)
        against = f"; it is {chosen.reason}" if chosen.reason else ""
        reasons[id(by_hand)] = ("PET", f"chosen by hand{against}")
        if against:
            issues.append(_issue(by_hand, "pet-chosen-by-hand", f"The PET was chosen by hand although {chosen.reason}"))
        issues += _of_the_chosen(chosen)
        _note_others(pets, chosen, "another was chosen by hand", reasons)
        return chosen
    usable = sorted((c for c in pets if c.usable), key=_pet_rank)
    if not usable:
        issues.append(_nothing_usable(study, pets))
        return None
    chosen = usable[0]
    reasons[id(chosen.series)] = ("PET", _why_pet(chosen, usable, pets))
    _note_others(pets, chosen, "", reasons)
    if chosen.attenuation_corrected is None:
        text = "The header does not say whether the PET is attenuation-corrected (Corrected Image is empty)"
        issues.append(_issue(chosen.series, "attenuation-correction-unknown", text))
    if not chosen.original:
        text = "The PET is a derived image (Image Type DERIVED): someone changed it after reconstruction"
        issues.append(_issue(chosen.series, "derived-pet", text))
    issues += _of_the_chosen(chosen)
    issues += _other_pets(chosen, usable[1:])
    return chosen


def _of_the_chosen(chosen: Candidate) -> list[Issue]:
    """What is odd about the chosen PET itself: its kind, and how its slices lie."""
    return [*chosen.issues, *(chosen.stack.issues if chosen.stack else ())]


def _other_pets(chosen: Candidate, others: list[Candidate]) -> list[Issue]:
    """Usable PET series that were not chosen; another tracer in the same study is worth a warning."""
    foreign = [c for c in others if _tracer_name(c) != _tracer_name(chosen)]
    found = []
    if foreign:
        names = "; ".join(f"{c.series.label}: {_tracer_name(c)}" for c in foreign)
        text = f"The study holds PET of another tracer, read it with --pet: {names}"
        found.append(_issue(chosen.series, "several-tracers", text))
    same = [c for c in others if c not in foreign]
    apart = [(c, mm) for c in same if (mm := _beyond_mm(c, chosen)) >= _SIMILAR_MM]
    if apart:
        names = "; ".join(f"{c.series.label} ({mm:.0f} mm)" for c, mm in apart)
        text = f"Other PET of the study covers what the PET that is read does not; nothing is looked for there: {names}"
        found.append(_issue(chosen.series, "pet-covers-part", text))
    if same:
        names = "; ".join(c.series.label for c in same)
        found.append(_issue(chosen.series, "several-pets", f"Other PET series could be read (--pet): {names}", "info"))
    return found


def _beyond_mm(candidate: Candidate, chosen: Candidate) -> float:
    """Length of a PET that lies outside the chosen one, mm; 0 where the two are in different frames of reference."""
    if candidate.stack is None or chosen.stack is None or same_frame(candidate, chosen) is False:
        return 0.0
    return (1.0 - coverage(candidate.stack.grid, chosen.stack.grid)[0]) * candidate.length_mm


def _began_s(candidate: Candidate) -> float | None:
    """Time of day at which the first image was acquired, seconds; None where no image tells it."""
    times = [h.acquisition_time for h in candidate.series.instances if h.acquisition_time]
    found = re.match(r"(\d\d)(\d\d)(\d\d)?", min(times)) if times else None
    return (
        None
        if found is None
        else sum(int(part or 0) * s for part, s in zip(found.groups(), (3600, 60, 1), strict=True))
    )


def _why_not_pet(c: Candidate, chosen: Candidate) -> str:
    """Why a usable PET was left for the chosen one."""
    if c.attenuation_corrected is not True and chosen.attenuation_corrected is True:
        return "its attenuation correction is not stated; another's is"
    if chosen.original and not c.original:
        return "derived image; the original is there"
    beyond = _beyond_mm(c, chosen)
    if beyond >= max(_SIMILAR_MM, 0.9 * c.length_mm):
        return f"covers another part of the body ({c.length_mm:.0f} mm; the PET that is read {chosen.length_mm:.0f} mm)"
    if c.length_mm < chosen.length_mm - _SIMILAR_MM:
        return f"shorter: {c.length_mm:.0f} mm against {chosen.length_mm:.0f} mm"
    if beyond >= _SIMILAR_MM:
        return f"of similar length, and covers {beyond:.0f} mm that the PET that is read does not"
    if same_frame(c, chosen) is False:
        return "a scan of similar length in a frame of reference of its own"
    times = _began_s(c), _began_s(chosen)
    if times[0] is not None and times[1] is not None and abs(times[0] - times[1]) > _SAME_ACQUISITION_S:
        return f"another acquisition of similar length, {abs(times[0] - times[1]) / 60:.0f} min apart, was chosen"
    return "another reconstruction of similar length was chosen"


def _tracer_name(candidate: Candidate) -> str:
    finding = candidate.tracer
    if finding is None:
        return "unknown"
    return finding.tracer.name if finding.tracer else finding.radionuclide or "unknown"


def _pet_rank(candidate: Candidate) -> tuple[object, ...]:
    """Sort key, best first: corrected, original, static, longest (in steps of 5 cm), finest voxels, first there."""
    grid = candidate.stack.grid if candidate.stack else None
    voxel = round(grid.voxel_ml, 4) if grid else 0.0
    return (
        candidate.attenuation_corrected is not True,
        not candidate.original,
        "DYNAMIC" in candidate.series.first.series_type[:1],
        -round(candidate.length_mm / 50),
        voxel,
        candidate.series.number or 0,
        candidate.series.series_instance_uid,
    )


def _why_pet(chosen: Candidate, usable: list[Candidate], pets: list[Candidate]) -> str:
    grid = chosen.stack.grid if chosen.stack else None
    corrected = {True: "attenuation-corrected", None: "attenuation correction not stated"}.get(
        chosen.attenuation_corrected, "not attenuation-corrected"
    )
    size = f", {chosen.length_mm:.0f} mm long, {grid.spacing_mm[0]:.3g} mm slices" if grid else ""
    if len(pets) == 1:
        return f"the only PET; {corrected}{size}"
    if len(usable) == 1:
        return f"the only usable of {len(pets)}; {corrected}{size}"
    return f"best of {len(usable)} usable (corrected, original, longest, finest); {corrected}{size}"


def _note_others(pets: list[Candidate], chosen: Candidate, why: str, reasons: Reasons) -> None:
    for c in pets:
        if c is chosen or not c.usable:
            continue
        reasons[id(c.series)] = ("", why or _why_not_pet(c, chosen))


def _nothing_usable(study: StudyFiles, pets: list[Candidate]) -> Issue:
    first = min(pets, key=lambda c: (c.code in ("", "nm-not-tomographic"), -c.series.n_images))
    by_reason: dict[str, list[str]] = {}
    for c in pets:
        by_reason.setdefault(c.reason, []).append(c.series.label)
    named = [f"{_some(labels)}: {reason}" for reason, labels in by_reason.items()]
    listed = _some(named, "; ").rstrip(".")
    text = f"No PET or SPECT of this study can be measured. {listed}"
    if first.code in ("not-attenuation-corrected", "dynamic-pet", "gated-pet"):
        text += ". --pet reads one of them all the same"
    return Issue(code=first.code or "no-usable-pet", level="error", message=text, where=study.study_instance_uid)


def _some(words: list[str], between: str = ", ") -> str:
    """The first of many."""
    return between.join(words[:5]) + (f"{between}… ({len(words)} in all)" if len(words) > 5 else "")


def same_frame(ct: Candidate, pet: Candidate) -> bool | None:
    """Whether CT and PET share the frame of reference; None when one of them has none."""
    a, b = ct.series.first.frame_of_reference_uid, pet.series.first.frame_of_reference_uid
    return a == b if a and b else None


def choose_ct(
    pet: Candidate | None,
    cts: list[Candidate],
    by_hand: SeriesFiles | None,
    reasons: Reasons,
    issues: list[Issue],
) -> Candidate | None:
    """The CT that lies on the PET, or None; `reasons` and `issues` are added to.

    It must share the frame of reference and cover some of the PET. Best first: length covered, width covered,
    soft-tissue kernel, original, thinner slices; with it every further bed of the same scan (`lutetia.dicom.ct_beds`).
    `by_hand` overrides all of it.
    """
    for c in cts:
        reasons[id(c.series)] = ("", c.reason)
        issues += [_issue(c.series, c.code, f"The CT is not used: {c.reason}")] if c.code else []
    if by_hand is not None:
        chosen = next((c for c in cts if c.series is by_hand), None) or judge_ct(by_hand)
        _note_others_ct(cts, chosen, reasons)
        reasons[id(by_hand)] = ("CT", "chosen by hand" + (f"; it is {chosen.reason}" if chosen.reason else ""))
        if chosen.reason:
            issues.append(_issue(by_hand, "ct-chosen-by-hand", f"The CT was chosen by hand although {chosen.reason}"))
        if pet is not None and same_frame(chosen, pet) is not True:
            text = "The CT chosen by hand does not share the PET's frame of reference: the two may not lie together"
            issues.append(_issue(by_hand, "ct-other-frame", text))
        return chosen
    usable = [c for c in cts if c.usable]
    if pet is None or pet.stack is None:
        for c in usable:
            reasons[id(c.series)] = ("", "there is no PET to lay it on")
        return None
    found: list[tuple[Candidate, float, float]] = []
    for c in usable:
        if c.stack is None:
            continue
        same = same_frame(c, pet)
        length, width = coverage(pet.stack.grid, c.stack.grid)
        if same is False:
            reasons[id(c.series)] = ("", "another frame of reference than the PET (--ct uses it all the same)")
        elif length <= 0 or width <= 0:
            reasons[id(c.series)] = ("", "does not cover any of the PET")
        else:
            found.append((c, length, width))
    if not found:
        if usable:
            issues.append(
                _issue(pet.series, "no-ct-on-pet", "No CT lies on the PET; anatomy is read from the PET alone")
            )
        return None
    best = max(f[1] for f in found), max(f[2] for f in found)
    found.sort(key=lambda f: _ct_rank(f[0], same_frame(f[0], pet), best[0] - f[1], best[1] - f[2]))
    first, length, width = found[0]
    further = {id(c): beside for c, _, _ in found[1:] if (beside := _beside(pet, first, c)) >= _SIMILAR}
    chosen, beds = as_one(first, [c for c, _, _ in found if id(c) in further])
    reasons[id(first.series)] = ("CT", _why_ct(first, pet, length, width))
    left: list[str] = []
    for c, other_length, other_width in found[1:]:
        role = ""
        if c in beds:
            role, reason = "CT", f"another bed of the same CT: covers another {further[id(c)]:.0%}; read as one with it"
        elif id(c) in further and (beside := _beside(pet, chosen, c)) >= _SIMILAR:
            left.append(f"{c.series.label} covers {beside:.0%} more")
            apart = why_not_one(chosen, c) or "the two make no stack without a gap"
            reason = (
                f"covers another {beside:.0%} of the PET's length, but can't be joined to the CT that is read: {apart}"
            )
        else:
            reason = _why_not_ct(c, first, (other_length, length), (other_width, width))
        reasons[id(c.series)] = (role, reason)
    if beds and chosen.stack is not None:
        length, _ = coverage(pet.stack.grid, chosen.stack.grid)
        names = _some([c.series.label for c in (first, *beds)])
        text = f"The CT lies in {len(beds) + 1} series, read as one; where they overlap the first is taken: {names}"
        issues.append(_issue(first.series, "ct-in-beds", text, "info"))
    if same_frame(chosen, pet) is None:
        text = "The CT or the PET has no frame of reference; they are taken to lie together because they overlap"
        issues.append(_issue(chosen.series, "frame-of-reference-missing", text))
    if length < _WELL_COVERED:
        text = f"The CT covers {length:.0%} of the PET's length; elsewhere anatomy is read from the PET alone"
        if left:
            text += f" ({_some(left)}, but can't be joined to it; --ct chooses another)"
        issues.append(_issue(chosen.series, "ct-covers-part", text, "caution" if length < 0.9 else "info"))
    return chosen


def _beside(pet: Candidate, ct: Candidate, other: Candidate) -> float:
    """How much of the PET's length another CT covers beside what the first one does."""
    if pet.stack is None or ct.stack is None or other.stack is None:
        return 0.0
    return coverage_beside(pet.stack.grid, ct.stack.grid, other.stack.grid)


def _note_others_ct(cts: list[Candidate], chosen: Candidate, reasons: Reasons) -> None:
    for c in cts:
        if c is not chosen and c.usable:
            reasons[id(c.series)] = ("", "another was chosen by hand")


def _ct_rank(c: Candidate, same: bool | None, less_length: float, less_width: float) -> tuple[object, ...]:
    """Sort key, best first: same frame, length covered, width covered, soft kernel, original, thinner slices.

    `less_length`, `less_width` are what it covers less than the best (parts of one).
    """
    spacing = c.stack.grid.spacing_mm[0] if c.stack else 0.0
    return (
        same is not True,
        int(less_length / _SIMILAR),
        int(less_width / (2 * _SIMILAR)),
        sharp_kernel(c.series),
        not c.original,
        round(max(spacing, 1.0), 2),
        c.series.number or 0,
        c.series.series_instance_uid,
    )


def _why_ct(chosen: Candidate, pet: Candidate, length: float, width: float) -> str:
    frame = "shares the PET's frame of reference" if same_frame(chosen, pet) else "overlaps the PET"
    spacing = chosen.stack.grid.spacing_mm[0] if chosen.stack else 0.0
    return f"{frame}, covers {length:.0%} of its length and {width:.0%} of its width, {spacing:.3g} mm slices"


def _why_not_ct(c: Candidate, chosen: Candidate, length: tuple[float, float], width: tuple[float, float]) -> str:
    """Why `c` was left for `chosen`; `length` and `width` are what the two cover."""
    if length[1] - length[0] >= _SIMILAR:
        return f"covers less of the PET's length: {length[0]:.0%} against {length[1]:.0%}"
    if width[1] - width[0] >= 2 * _SIMILAR:
        return f"narrower: covers {width[0]:.0%} of the PET's width against {width[1]:.0%}"
    if sharp_kernel(c.series) and not sharp_kernel(chosen.series):
        return "reconstructed for lung or bone; a soft-tissue CT is there"
    if chosen.original and not c.original:
        return "derived image; the original is there"
    return "thicker slices or a later series of the same coverage"
