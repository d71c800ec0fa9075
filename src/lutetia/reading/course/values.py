"""What a study shows of a lesion, as one number with its grade and in words: of its focus, else of its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lutetia.model import Lesion
from lutetia.rules.pairings import grades_at


@dataclass(frozen=True)
class Value:
    """SUV of a lesion in a study: SUVmax of a focus, mean of the core of a place; the grades left possible."""

    suv: float
    grades: tuple[int, ...]
    focus: bool

    def words(self) -> str:
        """For example "SUV 12.3 (grade 3)"; a place is named as such."""
        grade = f" (grade {' or '.join(map(str, self.grades))})" if self.grades else ""
        return f"SUV {self.suv:.1f}{grade}" + ("" if self.focus else ", no focus")


def value_at(lesion: Lesion, study: str | None) -> Value | None:
    """The value of a lesion in a study; None where it was not measured."""
    focus = lesion.observation_in(study)
    if focus is not None:
        return Value(focus.suv_max, grades_at(lesion, study), True)
    place = lesion.place_in(study)
    if place is None or not place.in_field:
        return None
    uptake = place.core_mean if place.core_mean is not None else place.suv_mean
    return None if uptake is None else Value(uptake, grades_at(lesion, study), False)


def named(lesion: Lesion) -> str:
    """A lesion as sentences name it."""
    side = f"{lesion.side} " if lesion.side in ("left", "right") else ""
    return f"{lesion.id} ({side}{lesion.site})"


def then_and_now(lesion: Lesion, steps: Sequence[tuple[str, str | None, str | None]]) -> str:
    """What a lesion showed then and now, tracer by tracer.

    Parameters
    ----------
    lesion : of the course
    steps : (name of the tracer, earlier study, later study)
    """
    parts = []
    for name, earlier, later in steps:
        a, b = value_at(lesion, earlier), value_at(lesion, later)
        if a is not None and b is not None:
            parts.append(f"{name} {a.words()} → {b.words()}")
        elif b is not None:
            parts.append(f"{name} now {b.words()}")
    return f"{named(lesion)}: " + "; ".join(parts) if parts else named(lesion)
