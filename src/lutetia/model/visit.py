"""A visit: studies near each other in time, and what is said of the patient as of that visit."""

from __future__ import annotations

from typing import Any, Literal

from lutetia.model.base import Point, Record


class Visit(Record):
    """Studies near each other in time, without a treatment between them."""

    id: str
    studies: tuple[str, ...]
    first_date: str | None = None
    last_date: str | None = None
    note: str = ""


class Phenotypes(Record):
    """Volumes of tumour by what it binds at one visit, mL, with their range (thresholds ±10 %, one voxel of shift)."""

    visit: str
    sstr_study: str
    fdg_study: str
    definition: str
    thresholds: dict[str, float] = {}
    volume_ml: dict[str, float] = {}
    low_ml: dict[str, float] = {}
    high_ml: dict[str, float] = {}
    discordant_largest_mm: float | None = None
    biopsy_target: str | None = None
    biopsy_study: str | None = None  # in whose coordinates the position is given
    biopsy_position_mm: Point | None = None
    biopsy_reason: str = ""


class VisitVerdict(Record):
    """What one rule about the patient said at one visit, how old its inputs were, and until when its source holds.

    `gates` maps each gate to its state; `dated_inputs` each dated input to its date. `expires` is the earliest date by
    which a published limit of this rule runs out; None with `expiry` "no expiry published" where there is none.
    `changed` says in words what differs from the visit before.
    """

    rule: str
    title: str
    edition: str = ""
    results: tuple[str, ...] = ()
    refused: str | None = None
    reason: str = ""
    gates: dict[str, str] = {}
    dated_inputs: dict[str, str] = {}
    undated_inputs: tuple[str, ...] = ()
    oldest_input: str | None = None
    expires: str | None = None
    expiry: str = "no expiry published"
    changed: tuple[str, ...] = ()


class VisitScore(Record):
    """Every rule about the patient judged as of one visit, with the systems side by side (crosswalk rows)."""

    visit: str
    sstr_study: str | None = None
    fdg_study: str | None = None
    previous_study: str | None = None
    date: str | None = None
    verdicts: tuple[VisitVerdict, ...] = ()
    crosswalk: dict[str, Any] = {}


class CoverageColumn(Record):
    """A target of therapy or imaging: which studies show it, and what counts as reached."""

    target: str
    title: str
    studies: tuple[str, ...] = ()
    positivity: str
    origin: Literal["measured", "case_file", "mixed"] = "measured"
    reached: int = 0
    not_reached: int = 0
    uncertain: int = 0
    not_imaged: int = 0
    reached_ml: float = 0.0
    share_of_volume: float | None = None


class CoverageLesion(Record):
    """One lesion under every target: "reached", "not reached", "uncertain" or "not imaged".

    `volume_ml` is the largest that any study of the visit outlined.
    """

    lesion: str
    site: str
    volume_ml: float | None = None
    size_mm: float | None = None
    by_target: dict[str, str] = {}
    evidence: dict[str, str] = {}


class Coverage(Record):
    """Which lesions each target reaches at one visit, what two or more reach together, and what none does.

    `union` and `neither` speak of the therapy targets (somatostatin receptor, norepinephrine transporter) where both
    were imaged; other columns stand beside them. Reached in imaging is no promise of a dose.
    """

    visit: str
    columns: tuple[CoverageColumn, ...] = ()
    lesions: tuple[CoverageLesion, ...] = ()
    targets_joined: tuple[str, ...] = ()
    union: tuple[str, ...] = ()
    only: dict[str, tuple[str, ...]] = {}
    both: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    volume_ml: dict[str, float] = {}  # "total", "union", "both", "neither", "open", and "only <target>"
    source: str = ""
    note: str = ""
