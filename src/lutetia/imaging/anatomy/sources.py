"""Where organs can come from on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from lutetia.imaging.anatomy.totalsegmentator import PROGRAM_VARIABLE, find_totalsegmentator


@dataclass(frozen=True)
class AnatomySource:
    """One way to organ masks.

    Attributes
    ----------
    key : as `--anatomy` takes it, or the option that gives its result
    title : its name
    available : whether it can be used now
    detail : version, weights, or what is missing
    remedy : how to add it ("" when it is there)
    """

    key: str
    title: str
    available: bool
    detail: str
    remedy: str = ""


def anatomy_sources(environment: Mapping[str, str] | None = None) -> list[AnatomySource]:
    """All backends with their state, for ``lutetia doctor``. Runs TotalSegmentator's ``--version`` at most."""
    env = os.environ if environment is None else environment
    sources = [
        AnatomySource("embedded", "embedded anatomy", True, "the default: CT and PET, no weights, no network"),
        AnatomySource(
            "organs",
            "your own masks",
            True,
            "NIfTI, DICOM SEG, RTSTRUCT, TotalSegmentator or MOOSE output, given with --organs",
        ),
    ]
    found = find_totalsegmentator(env)
    title = "TotalSegmentator"
    if found is None:
        detail = "not found on PATH" if not env.get(PROGRAM_VARIABLE) else f"{PROGRAM_VARIABLE} names no program"
        remedy = (
            "install it in an environment of its own (pip install TotalSegmentator), download its weights yourself, "
            f"and put it on PATH or its path into {PROGRAM_VARIABLE}"
        )
        sources.append(AnatomySource("totalsegmentator", title, False, detail, remedy))
    elif not found.variants:
        where = found.weights if found.weights is not None else "no weights folder"
        sources.append(
            AnatomySource(
                "totalsegmentator",
                title,
                False,
                f"{found.version} at {found.program}, but no complete weights ({where})",
                "run totalseg_download_weights -t total_fast; Lutetia never downloads them",
            )
        )
    else:
        variants = ", ".join(found.variants)
        detail = f"{found.version} at {found.program}; weights for {variants} in {found.weights}"
        sources.append(AnatomySource("totalsegmentator", title, True, detail))
    moose = shutil.which("moosez", path=env.get("PATH"))
    sources.append(
        AnatomySource(
            "organs",
            "MOOSE",
            moose is not None,
            f"{moose}; give its segmentations folder with --organs" if moose else "not found on PATH",
            ""
            if moose
            else "install it in an environment of its own (pip install moosez); its output is read as it is",
        )
    )
    return sources
