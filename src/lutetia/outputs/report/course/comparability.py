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
    """What is not met, word for word; what is met, by its name."""
    open_ = [check for check in comparison.checks if check.get("state") != "met"]
    met = [check.get("title") or check.get("id") or "check" for check in comparison.checks if check not in open_]
    parts = [part for part in (comparison.note, *map(_check_words, open_)) if part]
    if met:
        parts.append(f"Met: {', '.join(title[:1].lower() + title[1:] for title in met)}")
    return "; ".join(parts)


def _check_words(check: dict[str, str]) -> str:
    """``Uptake time within 10 min: 63 → 74 min (caution)``."""
    title = check.get("title") or check.get("id") or "check"
    finding = f": {check['finding']}" if check.get("finding") else ""
    return f"{title}{finding} ({(check.get('state') or 'unknown').replace('_', ' ')})"
