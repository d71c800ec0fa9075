"""Check Q1 of comparability: the same scanner, or the same model at the same site, with the same software (PERCIST).

The model alone is not enough: two hospitals may own one each. Device Serial Number (0018,1000) tells the machine,
Institution Name (0008,0080) the site, Software Versions (0018,1020) the software. Their values stay in the headers:
only what they say of each other is told. De-identification may put one filling in the place of many values, so that
those of a de-identified export count only where it says that the device's identity was kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lutetia.reading.study import StudyReading

TITLE = "Same scanner"
#: code of the profile option that keeps the identity of devices (DICOM PS3.16, CID 7050)
_DEVICE_KEPT = "113109"
#: what stands in a header in the place of a value
_FILLING = re.compile(
    r"[\W_]*|(anonymi[sz]ed|anonymous|anon|removed|de-?identified|unknown|none|n/?a|null|x+|0+)[\W_]*", re.I
)


@dataclass(frozen=True)
class Scanner:
    """What the headers of a PET say of its scanner; None where they say nothing that can be trusted."""

    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    site: str | None = None
    software: str | None = None


def scanner_of(reading: StudyReading) -> Scanner:
    """The scanner of a study, from its record and the header of its PET."""
    acquisition = reading.study.acquisition
    pet = reading.selection.pet if reading.selection is not None else None
    header: Any = pet.dataset() if pet is not None else {}
    kept = _identity_kept(header)
    return Scanner(
        acquisition.manufacturer,
        acquisition.model,
        _said(header, "DeviceSerialNumber") if kept else None,
        _said(header, "InstitutionName") if kept else None,
        _said(header, "SoftwareVersions"),
    )


def _identity_kept(header: Any) -> bool:
    """Whether serial number and institution are those of the device, not the filling of a de-identification."""
    if str(header.get("PatientIdentityRemoved", "") or "").strip().upper() != "YES":
        return True
    codes: Sequence[Any] = header.get("DeidentificationMethodCodeSequence", None) or ()
    return any(str(code.get("CodeValue", "")) == _DEVICE_KEPT for code in codes)


def _said(header: Any, keyword: str) -> str | None:
    value = header.get(keyword, None)
    parts = (
        [value] if value is None or isinstance(value, str) else list(value) if hasattr(value, "__iter__") else [value]
    )
    text = " ".join("\\".join(str(p) for p in parts if p is not None).split()).casefold()
    return None if _FILLING.fullmatch(text) else text


def scanner_check(first: Scanner, second: Scanner) -> dict[str, str]:
    """Check Q1 for two scanners.

    Returns
    -------
    dict
        "not_met" for another model; "met" for the same serial number, or the same model at the same institution;
        "caution" where its software has another version; "indeterminate" where the model is the same and neither the
        machine nor the site is known to be.
    """
    models = [(s.manufacturer, s.model) for s in (first, second)]
    if any(None in model for model in models):
        return _q1("indeterminate", "scanner not recorded in both")
    text = " ".join(str(x) for x in models[0]) + " → " + " ".join(str(x) for x in models[1])
    if models[0] != models[1]:
        return _q1("not_met", text)
    state, how = _same(first, second)
    if state == "met" and first.software and second.software and first.software != second.software:
        return _q1("caution", f"{text}: {how}, another software version")
    return _q1(state, f"{text}: {how}")


def _same(first: Scanner, second: Scanner) -> tuple[str, str]:
    """Of two scanners of one model: are they one machine, or do they stand at one site?"""
    if first.serial and first.serial == second.serial:
        return "met", "same machine by its serial number"
    site = first.site and first.site == second.site
    if first.serial and second.serial:
        if site:
            return "met", "another machine of the same model at the same institution"
        return "indeterminate", "another machine of the same model; no header says that it stands at the same site"
    if site:
        return "met", "same model at the same institution"
    return "indeterminate", "same model; no header says whether it is the same machine or site"


def _q1(state: str, finding: str) -> dict[str, str]:
    return {"id": "Q1", "title": TITLE, "state": state, "finding": finding}
