"""Whether the numbers of two studies may be compared, and what is not reported where they may not."""

from __future__ import annotations

from lutetia.model import (
    Comparison,
    Course,
)
from lutetia.outputs.report.blocks import (
    Cell,
    Column,
    Row,
    Section,
    Table,
    Tone,
)
from lutetia.outputs.report.course.following import (
    named_study,
)

_VERDICT_TONE: dict[str, Tone] = {"comparable": "", "caution": "caution", "not_comparable": "error"}


def comparability(course: Course) -> Section | None:
    """A row per pair of studies with every check that is not met; None where no pair was judged."""
    if not course.comparability:
        return None
    rows = []
    for comparison in course.comparability:
        pair = f"{named_study(course, comparison.earlier)} → {named_study(course, comparison.later)}"
        verdict = comparison.verdict.replace("_", " ")
        rows.append(
            Row(
                (
                    Cell(pair),
                    Cell(verdict, _VERDICT_TONE[comparison.verdict]),
                    Cell(_because(comparison), "muted"),
                    Cell(
                        ", ".join(comparison.suppressed) or "nothing", "caution" if comparison.suppressed else "muted"
                    ),
                )
            )
        )
    columns = (
        Column("Studies", width=1),
        Column("Numbers"),
        Column("Because", width=2),
        Column("Not reported", width=0.8),
    )
    return Section("May the numbers be compared?", (Table(columns, tuple(rows), dense=True),))


def _because(comparison: Comparison) -> str:
    """What is not met, word for word and once; what is met, by its name."""
    open_ = [check for check in comparison.checks if check.get("state") != "met"]
    met = [check.get("title") or check.get("id") or "check" for check in comparison.checks if check not in open_]
    told = (comparison.note or "").partition(" Not answered:")[0].rstrip(".")  # what was not answered stands below
    untold = [check for check in open_ if not (check.get("finding") and _found(check) in told)]
    parts = [part for part in (told, *map(_check_words, untold)) if part]
    if met:
        parts.append(f"Met: {', '.join(title[:1].lower() + title[1:] for title in met)}")
    return "; ".join(parts)


def _check_words(check: dict[str, str]) -> str:
    """``Uptake time within 10 min: 63 → 74 min (caution)``."""
    return f"{_found(check)} ({(check.get('state') or 'unknown').replace('_', ' ')})"


def _found(check: dict[str, str]) -> str:
    """``Uptake time within 10 min: 63 → 74 min``."""
    title = check.get("title") or check.get("id") or "check"
    return f"{title}: {check['finding']}" if check.get("finding") else title
