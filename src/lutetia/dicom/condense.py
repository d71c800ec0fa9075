"""Many messages of one kind say no more than a few and their number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lutetia.model import Issue
from lutetia.model.base import Level

#: single messages of one kind before the rest are only counted
_MAX_ALIKE = 10
_MORE = "… and {:,} more like this"
_SAID_MORE = re.compile(r"… and ([\d,]+) more like this")


def stands_for(issue: Issue) -> int:
    """How many issues this one stands for: 1, or what a count of more of its kind says."""
    more = _SAID_MORE.fullmatch(issue.message)
    return int(more[1].replace(",", "")) if more else 1


def condensed(issues: list[Issue]) -> Iterator[Issue]:
    """The first few issues of each kind, then how many more there were."""
    counts: Counter[tuple[str, Level]] = Counter()
    for issue in issues:
        counts[issue.code, issue.level] += 1
        if counts[issue.code, issue.level] <= _MAX_ALIKE:
            yield issue
    for (code, level), count in counts.items():
        if count > _MAX_ALIKE:
            yield Issue(code=code, level=level, message=_MORE.format(count - _MAX_ALIKE))
