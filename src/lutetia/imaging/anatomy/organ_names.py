"""Organ names as programs and people write them → our names; label numbers of programs that write no names."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import yaml

from lutetia.imaging.anatomy.labels import CODES, LABELS

_LEFT = {"left", "l", "lt", "sin", "sinistra", "links"}
_RIGHT = {"right", "r", "rt", "dex", "dextra", "rechts"}
_FILLER = {"structure", "entire", "organ", "mask", "seg", "segmentation", "whole", "the", "of", "roi", "ct", "pet"}


@cache
def _table() -> dict[str, Any]:
    text = resources.files("lutetia.imaging.anatomy").joinpath("data/organ_names.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


@cache
def _lookup() -> dict[frozenset[str], tuple[str, bool]]:
    """Words of a name (without side) → (our name without side, whether it is paired)."""
    words: dict[frozenset[str], tuple[str, bool]] = {}
    for organ, entry in _table()["organs"].items():
        for name in entry["names"]:
            words[frozenset(name.split("_"))] = (organ, bool(entry.get("paired", False)))
    for name in _table()["ignored"]:
        words.setdefault(frozenset(name.split("_")), ("", False))
    return words


def _words(name: str) -> tuple[list[str], str]:
    """The words of a name without ending, numbers of segments and side; and the side ("" when none is named)."""
    plain = re.sub(r"\.(nii|nii\.gz|nrrd|mha|dcm)$", "", name.strip(), flags=re.IGNORECASE)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", plain)
    parts = [w for w in re.split(r"[^0-9a-z]+", plain.lower()) if w]
    left, right = any(w in _LEFT for w in parts), any(w in _RIGHT for w in parts)
    side = "" if left == right else ("left" if left else "right")
    kept = [w for w in parts if w not in _LEFT and w not in _RIGHT and w not in _FILLER]
    # "vertebrae_L3", "rib_left_12", "lung_lobe_2": what remains of a number
    kept = [w for w in kept if not re.fullmatch(r"[ctls]?\d+", w)]
    return kept, side


def organ_of(name: str) -> str | None:
    """Our name of an organ, or "" for a structure that is known and not needed, or None for one that is not known.

    Parameters
    ----------
    name : class name of a program, segment label, ROI name, file name, or SNOMED CT code

    Notes
    -----
    A paired organ needs its side: "kidney" alone, or "kidneys", is not known.
    """
    stripped = name.strip()
    if stripped in LABELS:
        return stripped
    for organ, code in CODES.items():
        if stripped == code.value:
            return organ
    coded = _table()["codes"].get(stripped)
    if coded is not None:
        return str(coded) if coded in LABELS else None
    words, side = _words(stripped)
    hit = _lookup().get(frozenset(words))
    if hit is None:
        # the plural of a known word, and one letter added: "kidneys", "lungs"
        hit = _lookup().get(frozenset(w[:-1] if w.endswith("s") else w for w in words))
    if hit is None:
        return None
    organ, paired = hit
    if not organ:
        return ""
    if not paired:
        return organ
    return f"{organ}_{side}" if side else None


def numbering(key: str) -> dict[int, str]:
    """Label number → class name of one documented numbering (`totalsegmentator_v2_total`, `moose_v3_organs` …)."""
    labels: dict[int, str] = {}
    for number, name in _table()["numberings"][key]["labels"].items():
        first, _, last = str(number).partition("-")
        for k in range(int(first), int(last or first) + 1):
            labels[k] = name
    return labels


def numbering_title(key: str) -> str:
    """The program and model a numbering belongs to."""
    return str(_table()["numberings"][key]["title"])


def numberings() -> tuple[str, ...]:
    """Keys of all documented numberings."""
    return tuple(_table()["numberings"])


def numbering_for_file(stem: str) -> str | None:
    """The numbering that a file's name points to, None when it points to none."""
    for key, entry in _table()["numberings"].items():
        if "file" in entry and re.search(entry["file"], stem, flags=re.IGNORECASE):
            return str(key)
    return None
