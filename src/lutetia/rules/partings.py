"""Why the systems part on one patient, in sentences: threshold, unit, purpose, and lesions negative on both tracers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lutetia.rules.facts import Fact, FactView
from lutetia.rules.systems import DUAL, SYSTEMS
from lutetia.rules.verdict import Verdict

#: with more lesions than this a sentence counts them and names three
MANY = 5
#: lesion-to-liver ratios that the set band of 0.95 to 1.05 carries across the cut
NEAR = (1 / 1.05, 1 / 0.95)
BACKGROUND, LIVER = "above background", "above the liver"
COLUMN = "the review's column"


def near_the_cut(verdicts: Sequence[Verdict], view: FactView) -> Iterator[str]:
    """Lesions within 5 % of the liver on either tracer: a hair's breadth from another class."""
    sstr = [
        verdict.subject.partition("@")[0]
        for verdict in verdicts
        if verdict.rule == "krenning-modified"
        and verdict.subject.endswith("@sstr")
        and min(verdict.near, default="9") <= "2"
        and max(verdict.near, default="0") >= "3"
    ]
    fdg = [
        lesion.identity
        for lesion in view.lesions
        if isinstance(ratio := lesion.get("lesion.fdg.ratio_liver"), float) and NEAR[0] <= ratio <= NEAR[1]
    ]
    for tracer, names in (("SSTR", sstr), ("FDG", fdg)):
        if names:
            yield f"Near the cut: {_listed(names)} {_is(names)} within 5 % of the liver on {tracer}."


def why_they_part(verdicts: Mapping[str, Verdict], view: FactView) -> Iterator[str]:
    """What sets the dual-tracer systems apart on this patient, a sentence for each cause; or that nothing does.

    Parameters
    ----------
    verdicts : about the patient, by rule
    view : the patient, with the lesions
    """
    silent = [v for name in DUAL if (v := verdicts.get(name)) is not None and v.refused is not None]
    if silent:
        for reason in dict.fromkeys(v.reason for v in silent):
            who = _listed([_name(v.rule) for v in silent if v.reason == reason])
            yield f"{who}: no result. {reason}"
    spoken = {name: v for name in DUAL if (v := verdicts.get(name)) is not None and v.refused is None}
    if not spoken:
        return
    counted = [v for v in view.lesions if v.get("lesion.nen") == "nen"]
    classes = {v.identity: (_class(v, "background"), _class(v, "liver")) for v in counted}
    yield from _thresholds(classes)
    yield from _negative_on_both(classes, spoken)
    yield from _units(spoken, verdicts, classes)
    yield from _columns(spoken)
    yield from _open(spoken)
    if not _disagree(spoken) and all(v.settled for v in spoken.values()):
        yield "The dual-tracer systems do not contradict each other here."


def _class(lesion: FactView, threshold: str) -> str:
    names = {
        (True, True): "avid on both",
        (True, False): "SSTR only",
        (False, True): "FDG only",
        (False, False): "negative on both",
    }
    sstr, fdg = lesion.get(f"lesion.sstr_positive_{threshold}"), lesion.get(f"lesion.fdg_positive_{threshold}")
    return names.get((sstr, fdg), "open") if _known(sstr) and _known(fdg) else "open"  # type: ignore[arg-type]


def _known(value: Fact) -> bool:
    return isinstance(value, bool)


def _thresholds(classes: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Lesions that change class between background and liver."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, pair in classes.items():
        if "open" not in pair and pair[0] != pair[1]:
            groups.setdefault(pair, []).append(name)
    for (background, liver), names in groups.items():
        yield (
            f"Threshold: {_listed(names)} {_is(names)} {background} for NETPET and Karfis ({BACKGROUND}), "
            f"{liver} for Zidan ({LIVER})."
        )


def _negative_on_both(classes: Mapping[str, tuple[str, str]], spoken: Mapping[str, Verdict]) -> Iterator[str]:
    """What each system makes of lesions without uptake on either tracer."""
    by_background = [name for name, pair in classes.items() if pair[0] == "negative on both"]
    if by_background and len(by_background) < len(classes):
        yield (
            f"Negative on both: {_listed(by_background)} {_is(by_background)} above background on neither scan. NETPET "
            "passes over such a lesion beside others; Karfis by the review's prose asks only what the FDG-avid lesions "
            "do, by its table all lesions must take SSTR."
        )
    elif by_background:
        yield "Negative on both: no lesion is above background. NETPET has P0 for that, Karfis no class, Zidan group 1."
    by_liver = [name for name, pair in classes.items() if pair[1] == "negative on both"]
    zidan = spoken.get("zidan")
    if zidan is not None and zidan.results == ("unclassifiable",):
        without = {"WOULD-BE-2": "2", "WOULD-BE-3": "3"}
        group = next((without[n.code] for n in zidan.notes if n.code in without), "")
        text = f"; without {'it' if len(by_liver) == 1 else 'them'} group {group}" if group else ""
        yield f"Mixture: Zidan has no group with {_listed(by_liver)}, above the liver on neither scan{text}."


def _units(
    spoken: Mapping[str, Verdict], verdicts: Mapping[str, Verdict], classes: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    netpet, karfis = spoken.get("netpet"), spoken.get("karfis")
    step = netpet.result if netpet is not None else None
    if netpet is not None and step is not None and step[:2] in ("P2", "P3", "P4"):
        among = {"P2": "less", "P3": "equal", "P4": "greater"}[step[:2]]
        words = {"less": "less FDG than SSTR", "equal": "as much FDG as SSTR", "greater": "more FDG than SSTR"}[among]
        number = next((value for key, _, value in netpet.values if key == f"n_{among}"), None)
        rest = "Karfis and Zidan do neither." if karfis is not None else ""
        yield f"Unit: NETPET grades the comparison and counts ({number} with {words}). {rest}".strip()
    names = [name for name, pair in classes.items() if pair[0] == "FDG only"]
    if step == "P5" and 0 < len(names) < len(classes):
        yield f"Unit: {_listed(names)} alone set{'s' if len(names) == 1 else ''} P5 and C3, whatever the others show."
    overall = verdicts.get("sstr-rads-1.0-overall")
    if overall is None or overall.refused is not None or step is None or not overall.settled:
        return
    negative = next((names for name, _, names in overall.lists if name == "3D"), ())
    category = overall.results[0]
    if step == "P5" and category in ("4", "5"):
        listed = f" and lists {_listed(negative)} as 3D" if negative else ""
        single = (
            "describes PRRT together with a locoregional procedure for a single receptor-negative lesion"
            if len(negative) < 2
            else "rules PRRT out for a high burden with several receptor-negative lesions, without a figure"
        )
        yield (
            f"Purpose: SSTR-RADS keeps {category} for the most certain lesion{listed}; NETPET looks at the worst. The "
            f"SSTR-RADS paper {single}; the review's column says no."
        )
    elif step in ("P0", "P1") and negative and category in ("4", "5"):
        yield f"Purpose: SSTR-RADS keeps {category} and lists {_listed(negative)} as 3D; NETPET asks for FDG uptake."
    elif category.startswith("3") and step[:2] in ("P1", "P2", "P3", "P4"):
        yield (
            f"Purpose: SSTR-RADS stays at {category}, since uptake up to the liver leaves the nature open; NETPET and "
            "Karfis take the lesions as NEN and ask how avid they are."
        )


def _columns(spoken: Mapping[str, Verdict]) -> Iterator[str]:
    """The review's own words beside each class, where they differ."""
    words: dict[str, list[str]] = {}
    for name, verdict in spoken.items():
        if not verdict.settled or len(verdict.rows) != 1:
            continue
        column = dict(verdict.rows[0].then).get(COLUMN)
        if column:
            words.setdefault(str(column), []).append(f"{_name(name)} {verdict.result}")
    if len({_stem(text) for text in words}) > 1:
        said = "; ".join(f'{_listed(who)} "{text}"' for text, who in words.items())
        yield f"The review's Table 1 words differ: {said}."


def _stem(text: str) -> str:
    return {"Probably suitable": "Suitable", "No": "Not suitable"}.get(text, text)


def _open(spoken: Mapping[str, Verdict]) -> Iterator[str]:
    for name, verdict in spoken.items():
        if not verdict.settled and verdict.results:
            ask = verdict.questions[0].ask if verdict.questions else ""
            yield f"Open: {_name(name)} may be {' or '.join(verdict.results)}." + (f" {ask}" if ask else "")


def _disagree(spoken: Mapping[str, Verdict]) -> bool:
    columns = set()
    for verdict in spoken.values():
        column = dict(verdict.rows[0].then).get(COLUMN) if len(verdict.rows) == 1 else None
        columns.add(_stem(str(column)) if column else f"none: {verdict.rule}")
    return len(columns) > 1


def _name(rule: str) -> str:
    return next((system.name for system in SYSTEMS if system.rule == rule), rule)


def _listed(names: Sequence[str]) -> str:
    names = list(names)
    if len(names) > MANY:
        return f"{len(names)} lesions ({', '.join(names[:3])} …)"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "no lesion"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
