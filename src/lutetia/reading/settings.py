"""What a reading can be told: every choice with a clinical meaning, frozen, printed with the result."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from lutetia.model import Record


class ReadSettings(Record):
    """Settings of one reading. Defaults are what the documents of the project give; all are printed.

    Choice of series: `patient`, `pet`, `ct` (series instance UID, its beginning, or the series number), `tracer`;
    `use_ct` False reads PET without CT.
    SUV: `overrides` maps an element's option ("weight_kg", "dose_mbq", "injection_time" …) to the value entered
    by hand; `suv_basis` is the basis of all measures.
    Anatomy: `anatomy` is "embedded", "totalsegmentator", "none"; `organs` a folder or file of the user's own masks,
    `references` user references by name ("liver": "x,y,z,r" in LPS mm, or a mask file).
    Reported of liver, spleen and blood pool is `reference_estimate`: "whole_organ" or "classical".
    Lesions: `scheme` names a segmentation scheme; `include_small` counts lesions below 0.5 mL in the totals. A liver
    lesion within `liver_maximum_noise_k` times the noise of a maximum above the liver is at liver level.
    Rules: `conventions` maps a convention's key to the option chosen; `case` is a typed case (YAML), `rules_dir` a
    folder with a site's own rules, `corrections` a file with what a reader corrected.
    Course: SSTR and FDG within `visit_days` are one visit; `deformable` False aligns studies rigidly only.
    """

    patient: str | None = None
    pet: str | None = None
    ct: str | None = None
    use_ct: bool = True
    tracer: str | None = None
    overrides: dict[str, str] = {}
    suv_basis: Literal["bw"] = "bw"
    anatomy: Literal["embedded", "totalsegmentator", "none"] = "embedded"
    organs: str | None = None
    references: dict[str, str] = {}
    scheme: str = "default"
    include_small: bool = False
    conventions: dict[str, str] = {}
    reference_estimate: Literal["whole_organ", "classical"] = "whole_organ"
    liver_maximum_noise_k: float = Field(default=2.0, ge=0.0)
    case: str | None = None
    rules_dir: str | None = None
    visit_days: int = Field(default=31, ge=0, description="SSTR and FDG scans within this many days are one visit")
    deformable: bool = True
    corrections: str | None = None


class OutputSettings(Record):
    """What is written. `pseudonym` replaces the identity and shifts every date."""

    seg_full: bool = False
    seg_labelmap: bool = False
    rwvm: bool = True
    suv_nifti: bool = False
    report: bool = True
    pseudonym: str | None = None

    @field_validator("pseudonym")
    @classmethod
    def _can_stand_in_a_header(cls, name: str | None) -> str | None:
        """It becomes Patient ID and Patient Name: LO and PN of PS3.5 6.2 hold 64 characters without backslash."""
        if name is not None and (not name.strip() or len(name) > 64 or "\\" in name or not name.isprintable()):
            raise ValueError("should be 1 to 64 printable characters without a backslash")
        return name
