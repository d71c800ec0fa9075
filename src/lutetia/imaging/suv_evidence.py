"""What is collected while the SUV factor is worked out: elements used, repairs, warnings; and how it is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lutetia.model import Issue, Refusal
from lutetia.model.base import Level
from lutetia.model.pet import PetFacts, element


class SuvRefusedError(Exception):
    """Carries a `Refusal` out of the working to `suv_scale`, which returns it; never leaves this room."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass
class Evidence:
    """Collected on the way from the facts to the factor."""

    facts: PetFacts
    elements: dict[str, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    overrides: dict[str, str] = field(default_factory=dict)

    def use(self, *keywords: str) -> None:
        """Record that these elements were used, with their text in the header."""
        for keyword in keywords:
            key = element(keyword)
            if key in self.facts.elements:
                self.elements[key] = self.facts.elements[key]

    def text(self, keyword: str) -> str:
        """The header's own text of an element, "absent" when it is not there."""
        value = self.facts.elements.get(element(keyword))
        return "absent" if value is None else value or "empty"

    def no_number(self, keyword: str) -> str:
        """What an element says that holds no one number: "absent", "empty", its several values, or a text."""
        text = self.text(keyword)
        if text in ("absent", "empty") or text.endswith(" different)") or " in the first image, " in text:
            return text
        return f"{text!r}, which is no number"

    def warn(self, code: str, message: str, level: Level = "caution", where: str = "") -> None:
        """Add a warning once."""
        issue = Issue(code=code, level=level, message=message, where=where)
        if issue not in self.issues:
            self.issues.append(issue)

    def repair(self, code: str, message: str, where: str = "") -> None:
        """Add a repaired value; `message` shows both the old and the new one."""
        if message not in self.repairs:
            self.repairs.append(message)
        self.warn(code, message, where=where)

    def entered(self, flag: str, value: object) -> None:
        """Record a value entered by hand."""
        self.overrides[flag] = str(value)

    def entered_number(self, flag: str, value: float, low: float, high: float, keyword: str) -> float:
        """Record a number entered by hand, refused as `override-impossible` outside low … high."""
        if not (math.isfinite(value) and low <= value <= high):
            raise self.refuse("override-impossible", f"{flag} {value:g} is impossible", keyword, flag)
        self.entered(flag, value)
        return value

    def refuse(self, code: str, message: str, keyword: str, override: str = "") -> SuvRefusedError:
        """The exception that ends the working: raise it."""
        self.use(keyword)
        return SuvRefusedError(Refusal(code=code, message=message, element=element(keyword), override=override))
