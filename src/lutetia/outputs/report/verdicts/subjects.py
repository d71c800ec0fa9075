"""Lesions and patient as the subject of a rule, in few words."""

from __future__ import annotations

import re
from collections.abc import Iterable


def subjects_words(subjects: Iterable[str]) -> str:
    """``lesion-1 … lesion-4, lesion-7`` at one visit → ``lesions 1–4, 7``; the patient stays the patient.

    A name with a question mark is one that may belong there: ``lesion-3?`` → ``perhaps lesion 3``.
    """
    numbered: dict[tuple[str, bool], list[int]] = {}
    others: list[str] = []
    for subject in subjects:
        name, _, visit = subject.rstrip("?").partition("@")
        found = re.fullmatch(r"lesion-(\d+)", name)
        if found:
            numbered.setdefault((visit, subject.endswith("?")), []).append(int(found.group(1)))
        else:
            others.append(subject)
    words = list(dict.fromkeys(others))
    visits = {visit for visit, _ in numbered}
    for (visit, open_), numbers in numbered.items():
        text = ("lesion " if len(numbers) == 1 else "lesions ") + _runs(sorted(set(numbers)))
        text = f"perhaps {text}" if open_ else text
        words.append(f"{text} at {visit}" if len(visits) > 1 else text)
    return "; ".join(words)


def _runs(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}{', ' if len(r) == 2 else '–'}{r[-1]}" for r in runs)


def numbered_words(text: str) -> str:
    """A sentence with the ids of lesions, visits and studies as a reader says them.

    ``lesion-3`` → ``lesion 3``; ``lesion-5, lesion-6, lesion-7`` → ``lesions 5–7``.
    """
    named = r"\blesion-\d+(?:(?:, | and )lesion-\d+)+\b"
    text = re.sub(named, lambda found: subjects_words(re.split(", | and ", found.group())), text)
    return re.sub(r"\b(?:lesion )?(lesion|visit|study)-(\d+)\b", r"\1 \2", text)
