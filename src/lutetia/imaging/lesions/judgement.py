"""What a focus is taken for, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judgement:
    """A reasoned proposal; the focus itself is kept whatever it says.

    Attributes
    ----------
    physiological : whether the uptake is proposed as physiological
    organ : the organ it is ascribed to, "" for none; foci of the same organ are reported together
    reason : one sentence, quantities included
    marks : what a reader should know ("in adrenal", "asymmetric", "above the published range")
    points : of 20 for a lesion among bowel, where they decided; None where something else did
    """

    physiological: bool
    organ: str = ""
    reason: str = ""
    marks: tuple[str, ...] = ()
    points: float | None = None


CANDIDATE = Judgement(False)
