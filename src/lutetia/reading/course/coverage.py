"""Two therapy targets side by side: which lesions each reaches, what both reach together, and what neither does.

After figure 8 of the founding review, where no single agent covered every site. A display, not a choice of agent:
reached in imaging is no promise of a dose. Somatostatin receptor and norepinephrine transporter (MIBG) are joined; any
other target (GLP-1 receptor, CCK2 receptor, amino-acid transport, glucose) is a column of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lutetia.model import Course, Coverage, CoverageColumn, CoverageLesion, Lesion, Study
from lutetia.rules.case import TypedCase
from lutetia.rules.pairings import grades_at

#: targets whose radioligands are given as therapy
JOINED = ("sstr", "mibg")
#: an image of another target within so many days of the SSTR PET is read beside it
DAYS_APART = 60
_TARGETS: Mapping[str, tuple[str, str]] = {
    "sstr_agonist": ("sstr", "somatostatin receptor"),
    "sstr_antagonist": ("sstr", "somatostatin receptor"),
    "norepinephrine_transporter": ("mibg", "norepinephrine transporter (MIBG)"),
    "glucose": ("fdg", "glucose (FDG)"),
    "glp1r": ("glp1r", "GLP-1 receptor (exendin)"),
    "cck2r": ("cck2r", "CCK2 receptor"),
    "gipr": ("gipr", "GIP receptor"),
    "amino_acid_transport": ("dopa", "amino-acid transport (DOPA)"),
}
_POSITIVITY: Mapping[str, str] = {
    "sstr": "modified Krenning 2 or more, in the liver 3 or more (above background, review Table 1)",
    "mibg": "as read in the case file (positive, negative, uncertain); else a focus above the tissue around it. "
    "No liver scale is defined for MIBG.",
}
_NO_RULE = "no published positivity rule: a focus above the tissue around it"
SENTENCE = "{n} of {all} lesions show neither uptake."
State = Literal["reached", "not reached", "uncertain", "not imaged"]


@dataclass(frozen=True)
class _Column:
    """A target with its studies."""

    key: str
    title: str
    studies: tuple[Study, ...]


def coverage(course: Course, case: TypedCase | None = None) -> tuple[Coverage, ...]:
    """Coverage at every visit with an SSTR PET and at least one other target than glucose, measured or typed.

    Parameters
    ----------
    course : with lesions and places
    case : for `mibg` of its lesions, as read

    Returns
    -------
    tuple
        One record per visit; without an SSTR PET one for the course, where two targets other than glucose were imaged.
    """
    out = []
    typed = _typed(case)
    for visit, columns in _columns(course):
        targets = {c.key for c in columns if c.key != "fdg"}
        if typed and "mibg" not in targets:
            columns = [*columns, _Column("mibg", _TARGETS["norepinephrine_transporter"][1], ())]
            targets.add("mibg")
        if len(targets) >= 2:
            out.append(_record(course, visit, columns, typed))
    return tuple(out)


def _typed(case: TypedCase | None) -> dict[str, str]:
    """What the reader said of each lesion's MIBG uptake."""
    found = {}
    for lesion in case.lesions if case is not None else ():
        value = lesion.facts.get("lesion.mibg")
        if isinstance(value, str):
            found[lesion.id] = value
    return found


def _target(study: Study) -> tuple[str, str] | None:
    return _TARGETS.get(study.tracer_detail.binds) if study.tracer_detail is not None else None


def _is_therapy(study: Study) -> bool:
    """A post-therapy SPECT shows the agent that was given; it is no study of a target before treatment."""
    detail = study.tracer_detail
    return detail is not None and detail.radionuclide == "177Lu"


def _columns(course: Course) -> list[tuple[str, list[_Column]]]:
    """For each visit with an SSTR PET: the targets imaged in it, or near it in time."""
    studies = {s.id: s for s in course.studies if _target(s) is not None and not _is_therapy(s)}
    out: list[tuple[str, list[_Column]]] = []
    for visit in course.visits:
        own = [studies[s] for s in visit.studies if s in studies]
        if not any(_target(s) == ("sstr", "somatostatin receptor") for s in own):
            continue
        own += _near(own, [s for s in studies.values() if s not in own])
        out.append((visit.id, _grouped(own)))
    if not out and len(course.visits) > 0:
        out.append((course.visits[-1].id, _grouped(list(studies.values()))))
    return out


def _near(own: Sequence[Study], others: Sequence[Study]) -> list[Study]:
    """The study of each target that the visit lacks, nearest in time and not farther than the limit."""
    anchor = next((s.day for s in own if s.day is not None), None)
    have = {_target(s) for s in own}
    nearest: dict[tuple[str, str], tuple[int, Study]] = {}
    for study in others:
        target, day = _target(study), study.day
        if target is None or target in have or anchor is None or day is None:
            continue
        apart = abs((day - anchor).days)
        if apart <= DAYS_APART and (target not in nearest or apart < nearest[target][0]):
            nearest[target] = (apart, study)
    return [study for _, study in nearest.values()]


def _grouped(studies: Sequence[Study]) -> list[_Column]:
    columns: dict[str, _Column] = {}
    for study in studies:
        target = _target(study)
        assert target is not None
        old = columns.get(target[0])
        columns[target[0]] = _Column(*target, (*(old.studies if old else ()), study))
    return list(columns.values())


# ------------------------------------------------------------------------------------------------ one lesion


def _state(lesion: Lesion, column: _Column, typed: Mapping[str, str]) -> tuple[State, str, str]:
    """State of a lesion under a target, the evidence, and where it comes from."""
    if column.key == "mibg" and lesion.id in typed:
        words: dict[str, State] = {"positive": "reached", "negative": "not reached"}
        return words.get(typed[lesion.id], "uncertain"), f"{typed[lesion.id]} as read", "case_file"
    best: tuple[State, str] = ("not imaged", "")
    for study in column.studies:
        state, text = _measured(lesion, study, column.key)
        if state == "reached":
            return state, text, "measured"
        if best[0] == "not imaged" or (best[0] == "not reached" and state == "uncertain"):
            best = (state, text)
    return best[0], best[1], "measured"


def _measured(lesion: Lesion, study: Study, key: str) -> tuple[State, str]:
    focus = lesion.observation_in(study.id)
    place = lesion.place_in(study.id)
    if focus is None and (place is None or not place.in_field):
        note = place.note if place is not None and place.note else "its place was not imaged or not aligned"
        return "not imaged", f"{study.id}: {note}"
    grades = grades_at(lesion, study.id)
    grade = f", grade {' or '.join(map(str, grades))}" if grades else ""
    if focus is None:
        assert place is not None
        value = place.core_mean if place.core_mean is not None else place.suv_mean
        text = f"{study.id}: no focus" + (f", SUV {value:.1f}" if value is not None else "") + grade
        bright = place.suv_mean is not None and bool(place.background_mean)
        out = bright and (place.suv_mean or 0.0) > 1.5 * (place.background_mean or 0.0) and key != "sstr"
        return ("uncertain" if out else "not reached"), text
    text = f"{study.id}: SUVmax {focus.suv_max:.1f}{grade}"
    if key != "sstr":
        return "reached", text
    if not grades:
        return "uncertain", text
    needed = 3 if lesion.tissue == "liver" else 2
    if min(grades) >= needed:
        return "reached", text
    return ("not reached" if max(grades) < needed else "uncertain"), text


def _volume(lesion: Lesion, columns: Sequence[_Column]) -> tuple[float | None, float | None]:
    """Largest outline and size among the studies of these columns; the last known where none has one."""
    names = {s.id for c in columns for s in c.studies}
    own = [o for o in lesion.observations if o.study in names] or list(lesion.observations[-1:])
    if not own:
        return None, None
    sizes = [size for o in own if (size := o.ct_long_axis_mm or o.long_axis_mm) is not None]
    return round(max(o.volume_ml for o in own), 3), max(sizes, default=None)


# ------------------------------------------------------------------------------------------------ one visit


def _record(course: Course, visit: str, columns: Sequence[_Column], typed: Mapping[str, str]) -> Coverage:
    shown = {s.id for c in columns for s in c.studies}
    rows: list[CoverageLesion] = []
    origins: dict[str, set[str]] = {c.key: set() for c in columns}
    for lesion in course.lesions:
        imaged = any(o.study in shown for o in lesion.observations)
        if not lesion.counts or not (imaged or lesion.id in typed):
            continue
        states = {c.key: _state(lesion, c, typed) for c in columns}
        for key, (state, _, origin) in states.items():
            if state != "not imaged":
                origins[key].add(origin)
        volume, size = _volume(lesion, columns)
        rows.append(
            CoverageLesion(
                lesion=lesion.id,
                site=lesion.site,
                volume_ml=volume,
                size_mm=size,
                by_target={key: state for key, (state, _, _) in states.items()},
                evidence={key: text for key, (_, text, _) in states.items() if text},
            )
        )
    joined = tuple(key for key in JOINED if any(c.key == key for c in columns))
    return _joined(visit, tuple(_summed(c, rows, origins[c.key]) for c in columns), rows, joined)


def _ml(rows: Sequence[CoverageLesion]) -> float:
    return round(sum(r.volume_ml or 0.0 for r in rows), 3)


def _summed(column: _Column, rows: Sequence[CoverageLesion], origins: set[str]) -> CoverageColumn:
    by_state: dict[str, list[CoverageLesion]] = {}
    for row in rows:
        by_state.setdefault(row.by_target[column.key], []).append(row)
    total, reached = _ml(rows), _ml(by_state.get("reached", []))
    origin = "mixed" if len(origins) > 1 else next(iter(origins), "measured")
    return CoverageColumn.model_validate(
        {
            "target": column.key,
            "title": column.title,
            "studies": tuple(s.id for s in column.studies),
            "positivity": _POSITIVITY.get(column.key, _NO_RULE),
            "origin": origin,
            "reached": len(by_state.get("reached", [])),
            "not_reached": len(by_state.get("not reached", [])),
            "uncertain": len(by_state.get("uncertain", [])),
            "not_imaged": len(by_state.get("not imaged", [])),
            "reached_ml": reached,
            "share_of_volume": round(reached / total, 4) if total > 0 else None,
        }
    )


def _joined(
    visit: str, columns: tuple[CoverageColumn, ...], rows: Sequence[CoverageLesion], joined: tuple[str, ...]
) -> Coverage:
    record = Coverage(visit=visit, columns=columns, lesions=tuple(rows), targets_joined=joined)
    if len(joined) < 2:
        note = "Union and remainder are given for SSTR and MIBG only; every other target stands by itself."
        return record.model_copy(update={"note": note, "volume_ml": {"total": _ml(rows)}})
    names = ("both", "neither", "open", *(f"only {key}" for key in joined))
    groups: dict[str, list[CoverageLesion]] = {name: [] for name in names}
    for row in rows:
        states = [row.by_target[key] for key in joined]
        if all(s == "reached" for s in states):
            groups["both"].append(row)
        elif "reached" in states:
            sure = all(s in ("reached", "not reached") for s in states)
            groups[f"only {joined[states.index('reached')]}" if sure else "open"].append(row)
        else:
            groups["neither" if all(s == "not reached" for s in states) else "open"].append(row)
    union = [row for row in rows if any(row.by_target[key] == "reached" for key in joined)]
    return record.model_copy(
        update={
            "union": tuple(r.lesion for r in union),
            "both": tuple(r.lesion for r in groups["both"]),
            "neither": tuple(r.lesion for r in groups["neither"]),
            "open": tuple(r.lesion for r in groups["open"]),
            "only": {key: tuple(r.lesion for r in groups[f"only {key}"]) for key in joined},
            "volume_ml": {"total": _ml(rows), "union": _ml(union)} | {name: _ml(part) for name, part in groups.items()},
            "source": "F2: Fig. 8",
            "note": SENTENCE.format(n=len(groups["neither"]), all=len(rows))
            + " One patient of the review had both agents in tandem; no recommendation follows.",
        }
    )
