"""The library of sources, and a rule file's own entries filled up from it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lutetia.model import RuleError, field_at_fault
from lutetia.rules.positions import read_yaml
from lutetia.rules.schema import SourceEntry


def read_sources(path: Path) -> dict[str, SourceEntry]:
    """The library of sources: id → what it is and how far it was read.

    Raises
    ------
    RuleError
        ``source`` with the line of an entry at fault.
    """
    if not path.is_file():
        return {}
    document = read_yaml(path)
    result: dict[str, SourceEntry] = {}
    for key, entry in (document.data or {}).items():
        try:
            result[key] = SourceEntry.model_validate(entry)
        except ValidationError as error:
            raise RuleError("source", f"{key}, {field_at_fault(error)}", where=document.where((key,))) from error
    return result


def merged_source(entry: SourceEntry, library: SourceEntry | None) -> SourceEntry:
    """A rule file's own entry, filled up from the library; what the rule file says stands first."""
    if library is None:
        return entry if entry.verified is not None else entry.model_copy(update={"verified": bool(entry.read)})
    return SourceEntry(
        citation=entry.citation or library.citation,
        doi=entry.doi or library.doi,
        read=entry.read or library.read,
        verified=entry.verified if entry.verified is not None else bool(library.verified),
        places=entry.places,
        note=entry.note or library.note,
    )
