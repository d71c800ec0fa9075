"""Segmentation schemes: ours and the published ones, by name, each printed with the volumes it gives.

Volumes of different schemes are never compared. Each scheme names where it was published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.model import Reference


@dataclass(frozen=True)
class Scheme:
    """A way to draw a lesion's edge.

    Attributes
    ----------
    name : what it is selected by
    formula : as printed
    source : where it was published, or "ours"
    failure : its known weakness
    """

    name: str
    formula: str
    source: str
    failure: str
    threshold: Callable[[LesionSettings, Focus, float, Levels, dict[str, Reference]], float | None]

    def text(self, settings: LesionSettings) -> str:
        """The scheme with its numbers in force."""
        formula = self.formula
        if self.name == "lutetia":
            formula = (
                f"background + {settings.outline_fraction:.0%} of (maximum − background); in the liver "
                f"{settings.outline_fraction_liver:.0%} with the liver as background"
            )
        return f"{self.name}: {formula} [{self.source}]"


def _lutetia(s: LesionSettings, f: Focus, top: float, _l: Levels, _r: dict[str, Reference]) -> float:
    share = s.outline_fraction_liver if f.in_liver else s.outline_fraction
    return f.background + share * (top - f.background)


def _relative(share: float) -> Callable[[LesionSettings, Focus, float, Levels, dict[str, Reference]], float]:
    return lambda _s, _f, top, _l, _r: share * top


def _fixed(value: float) -> Callable[[LesionSettings, Focus, float, Levels, dict[str, Reference]], float]:
    return lambda _s, _f, _t, _l, _r: value


def _liver(
    mean: float, sd: float
) -> Callable[[LesionSettings, Focus, float, Levels, dict[str, Reference]], float | None]:
    def threshold(_s: LesionSettings, _f: Focus, _t: float, levels: Levels, refs: dict[str, Reference]) -> float | None:
        if levels.liver is None:
            return None
        liver = refs.get("liver")
        spread = liver.suv_sd if liver is not None and liver.suv_sd is not None else levels.voxel_noise * levels.liver
        return mean * levels.liver + sd * spread

    return threshold


def _spleen(share: float) -> Callable[[LesionSettings, Focus, float, Levels, dict[str, Reference]], float | None]:
    return lambda _s, _f, _t, levels, _r: share * levels.spleen if levels.spleen is not None else None


_ROWS = (
    Scheme("lutetia", "background-adapted", "ours, convention", "none published", _lutetia),
    Scheme(
        "relative-41", "41 % of SUVmax", "common in FDG", "hot lesion shrinks, low contrast floods", _relative(0.41)
    ),
    Scheme(
        "relative-45",
        "45 % of SUVmax",
        "Filizoglu 2024; best match with CT of 18F-SiTATE nodes",
        "floods the liver; loses the cold part of a heterogeneous lesion",
        _relative(0.45),
    ),
    Scheme("relative-50", "50 % of SUVmax", "Toriihara 2019", "hot lesion shrinks", _relative(0.50)),
    Scheme("relative-60", "60 % of SUVmax", "Filizoglu 2024", "hot lesion shrinks", _relative(0.60)),
    Scheme("fixed-3", "SUV 3.0", "FDG", "floods the liver", _fixed(3.0)),
    Scheme("fixed-4", "SUV 4.0", "FDG; 18F-SiTATE nodes", "floods the liver", _fixed(4.0)),
    Scheme("liver-2sd", "liver mean + 2 SD", "general", "misses lesions up to liver level", _liver(1.0, 2.0)),
    Scheme("percist", "1.5 × liver mean + 2 SD", "PERCIST", "made for measurability, not volume", _liver(1.5, 2.0)),
    Scheme(
        "liver-mean", "liver mean", "like Zidan positivity", "liver lesions at liver level invisible", _liver(1.0, 0.0)
    ),
    Scheme("spleen-50", "50 % of spleen mean", "share stated, none published", "splenectomy, analogues", _spleen(0.5)),
)

SCHEMES: dict[str, Scheme] = {row.name: row for row in _ROWS}


def threshold_of(
    settings: LesionSettings, focus: Focus, maximum: float, levels: Levels, references: dict[str, Reference]
) -> tuple[float, str]:
    """The SUV at which a lesion ends and the formula with its numbers.

    Where the scheme needs a reference that the study does not have, our own outline is drawn and the method says so.
    """
    scheme = SCHEMES[settings.scheme]
    top = maximum if scheme.name == "lutetia" else max(maximum, focus.top)
    value = scheme.threshold(settings, focus, top, levels, references)
    if value is None:
        value = _lutetia(settings, focus, maximum, levels, references)
        return value, f"{scheme.formula} not possible here (reference missing); background-adapted = {value:.2f}"
    if scheme.name == "lutetia":
        share = settings.outline_fraction_liver if focus.in_liver else settings.outline_fraction
        return value, f"background + {share:.0%} (max − background) = {value:.2f}"
    return value, f"{scheme.formula} = {value:.2f}"
