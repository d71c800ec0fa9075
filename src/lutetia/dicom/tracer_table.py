"""The table of radionuclides and tracers (`data/tracers.yaml`), read once."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from lutetia.model import Citation, Tracer, TracerClass

#: SNOMED-RT codes were written under several scheme names (PS3.16 §8)
_SNOMED_RT = frozenset(("SRT", "SNM3", "99SDM"))
#: names this short must stand alone in the text
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Radionuclide:
    """A radionuclide: its name ("68Ga"), half-life in seconds, and how it is imaged."""

    name: str
    half_life_s: float
    emission: Literal["positron", "single-photon"]
    codes: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TracerEntry:
    """A row of the table. `measurable` False comes with the `reason` why such images are not measured."""

    key: str
    name: str
    binds: TracerClass
    radionuclide: str
    codes: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    brands: tuple[str, ...]
    citation: Citation
    measurable: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TracerTable:
    """All rows, with look-up by code and by text."""

    radionuclides: dict[str, Radionuclide]
    tracers: dict[str, TracerEntry]

    def radionuclide_of_code(self, scheme: str, value: str) -> Radionuclide | None:
        """The radionuclide of a coded entry, None when the code is not known."""
        return next((r for r in self.radionuclides.values() if same_code(r.codes, scheme, value)), None)

    def tracer_of_code(self, scheme: str, value: str) -> TracerEntry | None:
        """The tracer of a coded entry, None when the code is not known."""
        return next((t for t in self.tracers.values() if same_code(t.codes, scheme, value)), None)

    def radionuclides_in(self, text: str) -> list[Radionuclide]:
        """Radionuclides named in a text."""
        return [r for r in self.radionuclides.values() if any(_spans(name, text) for name in r.names)]

    def tracers_in(self, text: str) -> list[tuple[TracerEntry, bool]]:
        """Tracers whose names occur in a text, with whether a brand name settles the radionuclide.

        Where one name lies within another ("octreotide" in "AlF-NOTA-octreotide") only the longer counts.
        """
        hits: list[tuple[tuple[int, int], TracerEntry, bool]] = []
        for entry in self.tracers.values():
            for names, brand in ((entry.names, False), (entry.brands, True)):
                hits += [(span, entry, brand) for name in names for span in _spans(name, text)]
        longest = [h for h in hits if not any(_within(h[0], other[0]) for other in hits)]
        found: dict[str, tuple[TracerEntry, bool]] = {}
        for _, entry, brand in longest:
            found[entry.key] = (entry, brand or found.get(entry.key, (entry, False))[1])
        return list(found.values())


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and inner != outer


def same_code(codes: tuple[tuple[str, str], ...], scheme: str, value: str) -> bool:
    """Whether (scheme, value) is among `codes`; the old SNOMED designators are one scheme."""
    family = "SRT" if scheme in _SNOMED_RT else scheme
    return any(value == v and family == ("SRT" if s in _SNOMED_RT else s) for s, v in codes)


def _plain(text: str) -> str:
    """Lower case without accents: "édotréotide" → "edotreotide"."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).lower()


def compact(text: str) -> str:
    """Lower-case letters without accents, and digits, only."""
    return re.sub(r"[^a-z0-9]+", "", _plain(text))


def _spans(name: str, text: str) -> list[tuple[int, int]]:
    """Where a compact name occurs in the compact text; short names only as words of their own."""
    words = re.findall(r"[a-z]+|[0-9]+", _plain(text)) if len(name) <= _SHORT else []
    squeezed = compact(text)
    spans = []
    start = squeezed.find(name)
    while start >= 0:
        end = start + len(name)
        if len(name) > _SHORT or _on_word_borders(words, start, end):
            spans.append((start, end))
        start = squeezed.find(name, start + 1)
    return spans


def _on_word_borders(words: list[str], start: int, end: int) -> bool:
    """Whether [start, end) of the joined words begins and ends at borders between letters and digits or blanks."""
    borders, position = {0}, 0
    for word in words:
        position += len(word)
        borders.add(position)
    return start in borders and end in borders


@lru_cache(maxsize=1)
def tracer_table() -> TracerTable:
    """The table as shipped."""
    import yaml

    text = files("lutetia.dicom").joinpath("data/tracers.yaml").read_text("utf-8")
    raw: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    citations = {key: Citation(**value) for key, value in raw["citations"].items()}
    nuclides = {
        name: Radionuclide(
            name, float(row["half_life_s"]), row["emission"], _pairs(row.get("codes")), tuple(row["names"])
        )
        for name, row in raw["radionuclides"].items()
    }
    tracers = {
        key: TracerEntry(
            key=key,
            name=row["name"],
            binds=row["binds"],
            radionuclide=row["radionuclide"],
            codes=_pairs(row.get("codes")),
            names=tuple(row.get("names", ())),
            brands=tuple(row.get("brands", ())),
            citation=citations[row["cite"]],
            measurable=row.get("measurable", True),
            reason=row.get("reason", ""),
        )
        for key, row in raw["tracers"].items()
    }
    return TracerTable(nuclides, tracers)


def _pairs(codes: list[list[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((str(scheme), str(value)) for scheme, value in codes or ())


def as_tracer(entry: TracerEntry, origin: Literal["code", "text", "override"], evidence: str) -> Tracer:
    """A row of the table as the record's `Tracer`."""
    nuclide = tracer_table().radionuclides[entry.radionuclide]
    return Tracer(
        key=entry.key,
        name=entry.name,
        binds=entry.binds,
        radionuclide=entry.radionuclide,
        half_life_s=nuclide.half_life_s,
        modality="PET" if nuclide.emission == "positron" else "SPECT",
        origin=origin,
        evidence=evidence,
        citation=entry.citation,
    )
