"""Many messages of one kind say no more than a few and their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lutetia.model import Issue
from lutetia.model.base import Level

#: single messages of one kind before the rest are only counted
_MAX_ALIKE = 10


def condensed(issues: list[Issue]) -> Iterator[Issue]:
    """The first few issues of each kind, then how many more there were."""
    counts: Counter[tuple[str, Level]] = Counter()
    for issue in issues:
        counts[issue.code, issue.level] += 1
        if counts[issue.code, issue.level] <= _MAX_ALIKE:
            yield issue
    for (code, level), count in counts.items():
        if count > _MAX_ALIKE:
            message = f"… and {count - _MAX_ALIKE:,} more like this"
            yield Issue(code=code, level=level, message=message)
