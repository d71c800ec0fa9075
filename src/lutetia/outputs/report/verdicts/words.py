"""One verdict in words: result, reasons, sources, open question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lutetia.outputs.report import wording
from lutetia.outputs.report.verdicts.subjects import subjects_words

Verdict = dict[str, Any]

_MOST_SOURCES = 4

UNVERIFIED = "°"


def subject_lesion(verdict: Verdict) -> str:
    """The lesion a verdict is about, "" when it is about the patient."""
    name = str(verdict.get("subject") or "").partition("@")[0]
    return name if name.startswith("lesion") else ""


def is_settled(verdict: Verdict) -> bool:
    """Whether a rule came to one result."""
    return len(verdict.get("results") or ()) == 1 and not verdict.get("refused")


def rule_title(verdict: Verdict) -> str:
    """Title of a rule with its edition; a version that the title has already is not said again."""
    title = str(verdict.get("title") or verdict.get("rule") or "rule")
    edition = str(verdict.get("edition") or "")
    version, _, year = edition.partition(" ")
    if version.strip(",") in title.replace(",", "").split():
        edition = year
    if not edition or edition in title:
        return title
    return f"{title} {edition}" if edition.startswith("(") else f"{title} – {edition}"


def by_rule(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts under the title of their rule, in the order in which rules first appear."""
    grouped: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(rule_title(verdict), []).append(verdict)
    return grouped


def folded_words(text: str, sources: str = "") -> str:
    """What is folded away: the text where the line shortens it, then the sources."""
    cut = wording.shortened(text, MOST_REASON) != text
    return ". ".join(part for part in (text if cut else "", sources) if part)


MOST_REASON = 150

_MOST_RESULTS = 6


def result_words(verdict: Verdict) -> str:
    """The result in words: one, the set still possible, or the refusal."""
    if verdict.get("refused"):
        return f"refused: {wording.CODES.get(str(verdict['refused']), verdict['refused'])}"
    results = tuple(_plain(str(result)) for result in verdict.get("results") or ())
    if len(results) > _MOST_RESULTS:
        return f"open: {', '.join(results[:_MOST_RESULTS])} or {len(results) - _MOST_RESULTS} more"
    return wording.listed(results) or "undecided"


def _plain(result: str) -> str:
    """A result that is a key of the rule file in words: ``highly_atypical`` → ``highly atypical``."""
    return result.replace("_", " ") if re.fullmatch(r"[a-z]+(_[a-z]+)+", result) else result


def note_words(verdicts: list[Verdict]) -> str:
    """The reason that all share, what goes with the result, and the lists of lesions it rests on."""
    reasons = {str(verdict.get("reason") or "") for verdict in verdicts}
    parts: list[str] = [*reasons] if len(reasons) == 1 else []
    for verdict in verdicts:
        parts += [str(note.get("message") or "") for note in verdict.get("notes") or ()]
        for _, name, members in verdict.get("lists") or ():
            parts.append(f"{name}: {subjects_words(str(member) for member in members)}")
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in parts if part)) or "–"


def source_words(verdicts: list[Verdict]) -> str:
    """The sources of the rows that decided or may decide, and the warnings of the rule."""
    parts = [citation_words(c for v in verdicts for row in v.get("rows") or () for c in row.get("citations") or ())]
    parts += [str(warning) for v in verdicts for warning in v.get("warnings") or ()]
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in parts if part))


def reason_words(verdicts: list[Verdict]) -> str:
    """What the HTML folds away behind a lesion: the reasons, then the sources."""
    notes = note_words(verdicts)
    return "; ".join(part for part in (notes if notes != "–" else "", source_words(verdicts)) if part)


def citation_words(citations: Iterable[dict[str, Any]]) -> str:
    """Sources with their places, a source once: ``F4: Table 1, Fig. 2; F2°``."""
    places: dict[str, dict[str, None]] = {}
    for citation in citations:
        mark = "" if citation.get("verified") else UNVERIFIED
        place = str(citation.get("place") or "") + mark
        places.setdefault(str(citation.get("source") or "source not named"), {})[place] = None
    words = []
    for source, found in places.items():
        named = [place for place in found if place.strip(UNVERIFIED)]
        text = ", ".join(named[:_MOST_SOURCES]) + (f" and {len(named) - _MOST_SOURCES} more" if len(named) > 4 else "")
        words.append(f"{source}: {text}" if text else source + (UNVERIFIED if UNVERIFIED in found else ""))
    return "; ".join(words)


def asked_words(verdicts: list[Verdict]) -> str:
    """The first question that would settle it, and how many more there are."""
    asked = [str(q.get("ask") or q.get("fact") or "") for v in verdicts for q in v.get("questions") or ()]
    shown = [ask for ask in dict.fromkeys(asked) if ask]
    more = len(shown) - 1
    return "".join(shown[:1]) + (f" And {more} more." if more > 0 else "") or "–"
