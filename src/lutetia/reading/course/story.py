"""The course in sentences: what was imaged and given when, and what each lesion's numbers did in between.

Every sentence is made from numbers that stand elsewhere in the record; none interprets beyond the sources' own words
and none names a treatment to give.
"""

from __future__ import annotations

from collections.abc import Sequence

from lutetia.model import Course, Lesion, Study
from lutetia.reading.course.values import named, value_at
from lutetia.rules.pairings import Pairing, grades_at, pair_at, pairings

#: more lesions than this are counted, not listed
LISTED = 4
_PHENOTYPES = {
    "sstr+/fdg-": "SSTR without FDG",
    "sstr+/fdg+": "both tracers",
    "sstr-/fdg+": "FDG without SSTR",
}


def story(course: Course) -> tuple[str, ...]:
    """Sentences on the whole course; empty for a single visit."""
    chain = pairings(course)
    if len(course.visits) < 2:
        return ()
    said = [_visits(course)]
    for pairing in chain:
        if pairing.previous is not None:
            said += _step(course, pairing)
            said += _anew(course, pairing)
    said += _recist(course)
    return tuple(said)


def _tracer(study: Study) -> str:
    return study.tracer_detail.name if study.tracer_detail is not None else study.tracer


def _visits(course: Course) -> str:
    studies = {s.id: s for s in course.studies}
    words = []
    for visit in course.visits:
        tracers = " and ".join(dict.fromkeys(_tracer(studies[s]) for s in visit.studies if s in studies))
        words.append(f"{visit.first_date or 'no date'} ({tracers})")
    given = [
        f"{t.get('agent')} from {t.get('date')}" + (f" to {t['until']}" if t.get("until") else "")
        for t in course.treatments
    ]
    text = f"{len(course.visits)} visits: " + "; ".join(words) + "."
    return text + (f" Given: {'; '.join(given)}." if given else "")


def _step(course: Course, pairing: Pairing) -> list[str]:
    studies = {s.id: s for s in course.studies}
    then, now = studies[pairing.previous or ""], studies[pairing.sstr or ""]
    kept = [lesion for lesion in course.lesions if lesion.counts]
    said = []
    barred = next((c for c in course.comparability if (c.earlier, c.later) == (then.id, now.id)), None)
    if barred is not None and barred.verdict == "not_comparable":
        said.append(f"SSTR PET of {then.date} and {now.date}: {barred.note}")
    said += _risen(kept, then, now)
    said += _changed_over(kept, pairing)
    said += _fdg(kept, pairing)
    said += _came_and_went(kept, pairing, now)
    said += _volumes(course, pairing)
    return said


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"


def _risen(lesions: Sequence[Lesion], then: Study, now: Study) -> list[str]:
    """Lesions that were not above the liver and are now, those at or below blood pool first; place by place."""
    said = []
    liver_then, liver_now = then.reference_mean("liver"), now.reference_mean("liver")
    blood = then.reference_mean("blood_pool")
    for tissue in dict.fromkeys(lesion.tissue for lesion in lesions):
        for most, words in ((1, "at or below blood pool"), (2, "above blood pool and not above the liver")):
            rows = []
            for lesion in lesions:
                before, after = grades_at(lesion, then.id), grades_at(lesion, now.id)
                a, b = value_at(lesion, then.id), value_at(lesion, now.id)
                if lesion.tissue != tissue or not before or not after or a is None or b is None:
                    continue
                low = max(before) <= 1 if most == 1 else max(before) <= 2 and max(before) > 1
                known = _was_known(lesion, then)
                if low and min(after) >= 3 and known:
                    rows.append((lesion, a.suv, b.suv))
            if not rows:
                continue
            where = "Liver" if tissue == "liver" else "Elsewhere" if tissue in ("soft", "other") else tissue.title()
            where = where.replace("_", " ")
            reference = f"blood pool {blood:.1f}, " if blood is not None else ""
            count = f"uptake of {len(rows)} lesion{'s' if len(rows) > 1 else ''} {words}"
            levels = f" ({_range([r[1] for r in rows])}; {reference}liver {liver_then or 0:.1f})"
            after_words = f" rose above the liver ({_range([r[2] for r in rows])}; liver {liver_now or 0:.1f})"
            names = "" if len(rows) > LISTED else ": " + ", ".join(r[0].id for r in rows)
            said.append(f"{where}: {count}{levels} on {then.date}{after_words} on {now.date}{names}.")
    return said


def _was_known(lesion: Lesion, then: Study) -> bool:
    """Whether something stood at the place already: a focus of either tracer at or before that visit."""
    pair = next((p for p in lesion.pairs if p.sstr_study == then.id), None)
    names = {then.id, pair.fdg_study} if pair is not None else {then.id}
    return any(o.study in names for o in lesion.observations)


def _changed_over(lesions: Sequence[Lesion], pairing: Pairing) -> list[str]:
    """Lesions that lost SSTR and gained FDG, one sentence each."""
    said = []
    for lesion in lesions:
        before, after = grades_at(lesion, pairing.previous), grades_at(lesion, pairing.sstr)
        then, now = pair_at(lesion, pairing.previous_visit), pair_at(lesion, pairing.visit)
        if not before or not after or then is None or now is None:
            continue
        if min(before) >= 3 and max(after) <= 2 and then.phenotype.endswith("fdg-") and now.phenotype.endswith("fdg+"):
            a, b = value_at(lesion, pairing.previous), value_at(lesion, pairing.sstr)
            c, d = value_at(lesion, pairing.fdg_before), value_at(lesion, pairing.fdg)
            if a is not None and b is not None and c is not None and d is not None:
                said.append(
                    f"{named(lesion)} lost SSTR uptake ({a.words()} → {b.words()}) and gained FDG "
                    f"({c.words()} → {d.words()})."
                )
    return said


def _fdg(lesions: Sequence[Lesion], pairing: Pairing) -> list[str]:
    """How many FDG-avid lesions still are."""
    if pairing.fdg is None or pairing.fdg_before is None:
        return []
    before = [x for x in lesions if x.observation_in(pairing.fdg_before) is not None]
    still = [x for x in before if x.observation_in(pairing.fdg) is not None]
    fresh = [x for x in lesions if x not in before and x.observation_in(pairing.fdg) is not None]
    if not before and not fresh:
        return []
    return [
        f"FDG: {len(before)} avid lesion{'s' if len(before) != 1 else ''} before, {len(still)} of them still avid, "
        f"{len(fresh)} newly avid."
    ]


def _came_and_went(lesions: Sequence[Lesion], pairing: Pairing, now: Study) -> list[str]:
    def with_event(name: str) -> list[str]:
        return [x.id for x in lesions if any(e.study == now.id and e.event == name for e in x.history)]

    by_fdg = {x.id for x in lesions if x.observation_in(pairing.fdg_before) is not None}
    new = with_event("new")
    parts = []
    for words, found in (
        ("newly visible", [x for x in new if x not in by_fdg]),
        ("newly SSTR-positive, known by FDG before", [x for x in new if x in by_fdg]),
        ("gone", with_event("resolved")),
        ("split", with_event("split")),
        ("merged", with_event("merged")),
    ):
        if found:
            parts.append(f"{words}: {', '.join(found) if len(found) <= LISTED else len(found)}")
    return [f"On the SSTR PET of {now.date} {'; '.join(parts)}."] if parts else []


def _volumes(course: Course, pairing: Pairing) -> list[str]:
    parts = []
    step = (pairing.visit, pairing.previous_visit)
    changes = [c for c in course.phenotype_changes if (c.later_visit, c.earlier_visit) == step]
    definition = next((d for d in ("background", "liver") if any(c.definition == d for c in changes)), "")
    told = [c for c in changes if c.definition == definition and c.judgement not in ("within", "unknown")]
    for change in told:
        name = _PHENOTYPES.get(change.phenotype, change.phenotype)
        parts.append(f"{name} {change.before_ml:.0f} → {change.now_ml:.0f} mL ({change.judgement})")
    if not parts:
        return []
    # each voxel is judged against its own scan; another scanner or uptake time is not in that uncertainty
    doubt = " The scans are not comparable in numbers, which that does not cover." if any(c.note for c in told) else ""
    return [f"Tumour volume by tracer, beyond its own uncertainty: {'; '.join(parts)}.{doubt}"]


#: rules on the uptake of the target, whose changes a course is read for; every rule's stand in `visit_scores`
_UPTAKE_RULES = ("krenning-patient", "prrt-captem-report", "prrt-review-2022")


def _anew(course: Course, pairing: Pairing) -> list[str]:
    """How many results of rules changed at a visit, and those on uptake in words."""
    scored = next((v for v in course.visit_scores if v.visit == pairing.visit), None)
    changed = [v for v in scored.verdicts if v.changed] if scored is not None else []
    if scored is None or not changed:
        return []
    count = sum(len(v.changed) for v in changed)
    words = [f"{v.title}: {text}" for v in changed if v.rule in _UPTAKE_RULES for text in v.changed]
    total = f"{count} result{'s' if count != 1 else ''} of {len(changed)} rule{'s' if len(changed) != 1 else ''}"
    text = f"Judged anew on {scored.date} with the inputs of that day, {total} differ from the visit before"
    return [text + (f": {'; '.join(words)}." if words else ".")]


def _recist(course: Course) -> list[str]:
    """What the diameters that a reader gave make by RECIST 1.1."""
    visits = course.recist.get("visits") or ()
    said = []
    for visit in visits:
        change = visit.get("change_from_baseline_percent")
        sums = f", sum {change:+.0f} % from baseline" if isinstance(change, int | float) else ""
        said.append(
            f"RECIST 1.1 on the diameters that the reader gave, {visit.get('date')}: {visit.get('overall')}{sums}."
        )
    return said
