"""Settings of the lesion search. Those with a clinical meaning are conventions and are printed with the result."""

from __future__ import annotations

from typing import Literal

from lutetia.model import ConventionUse, Record

Outline = Literal["background_adapted", "relative_max"]


class LesionSettings(Record):
    """How foci are found, outlined and judged. Lengths in mm, volumes in mL, SUV in g/mL.

    Attributes
    ----------
    scheme : a published segmentation scheme by name (see `schemes`), "lutetia" for our own outline
    outline_fraction : share of (maximum − background) at which a lesion outside the liver ends
    outline_fraction_liver : the same inside the liver, with the liver as background
    blood_pool_factor : a focus outside the liver has a maximum above this × blood pool
    contrast_factor : and above this × its local background
    liver_contrast_factor : a focus in the liver has a maximum above this × liver
    noise_factor, noise_factor_liver : and stands above its background by this many standard deviations of noise
    at_liver_noise : a liver lesion within this many times the noise of a maximum above liver counts as "at liver level"
    split_rise : a peak is distinct when it rises above the saddle by this share of its height over background
    split_noise : and by this many standard deviations of noise
    smallest_ml, smallest_voxels : smaller lesions are not reported
    smallest_core_ml : a focus whose upper half is smaller than this is noise: the image cannot resolve it
    small_volume_ml : smaller lesions are flagged and left out of volume totals
    small_mm : a lesion up to this long is flagged small
    asymmetry : uptake above this × the other side is not called physiological
    one_mass : touching lesions whose saddle is above this share of the lower peak (over background) are one mass
    confluent_parts : liver foci that touch are one confluent volume from this many on
    """

    scheme: str = "lutetia"
    outline_fraction: float = 0.45
    outline_fraction_liver: float = 0.45
    blood_pool_factor: float = 1.2
    contrast_factor: float = 1.5
    liver_contrast_factor: float = 1.1
    noise_factor: float = 6.0
    noise_factor_liver: float = 4.5
    at_liver_noise: float = 2.0
    split_rise: float = 0.15
    split_noise: float = 2.0
    smallest_ml: float = 0.1
    smallest_voxels: int = 3
    smallest_core_ml: float = 0.2
    small_volume_ml: float = 0.5
    count_small_volumes: bool = False
    small_mm: float = 20.0
    asymmetry: float = 1.5
    confluent_parts: int = 3
    one_mass: float = 0.6
    finest_mm: float = 3.5
    smoothing_mm: float = 2.0
    resolution_mm: float = 6.0
    sharpen: float = 2.0
    sharpen_mm: float = 6.0

    def conventions(self) -> tuple[ConventionUse, ...]:
        """The choices in force that the sources leave open."""
        default = LesionSettings()
        rows = (
            (
                "lesion-outline",
                f"{self.scheme}: background + {self.outline_fraction:.0%} of (max - background), "
                f"liver {self.outline_fraction_liver:.0%}",
                f"{default.scheme}: background + {default.outline_fraction:.0%} of (max - background), "
                f"liver {default.outline_fraction_liver:.0%}",
                "a plain share of SUVmax floods the liver; outside the liver, where background is low, both agree",
                "Where a lesion ends",
            ),
            (
                "at-liver-level",
                f"k = {self.at_liver_noise:g}",
                f"k = {default.at_liver_noise:g}",
                "the maximum over many voxels of normal liver lies above its mean by noise alone",
                "Liver lesion within k × the noise of a maximum above liver",
            ),
            (
                "small-volumes",
                "counted" if self.count_small_volumes else f"below {self.small_volume_ml:g} mL left out of totals",
                f"below {default.small_volume_ml:g} mL left out of totals",
                "volumes of a few voxels are mostly partial volume; 0.5 mL has a published precedent",
                "Lesions in volume totals",
            ),
            (
                "asymmetry",
                f"> {self.asymmetry:g} × the other side",
                f"> {default.asymmetry:g} × the other side",
                "paired organs take up alike",
                "Uptake that is too one-sided to be called physiological",
            ),
        )
        return tuple(
            ConventionUse(key=key, chosen=chosen, default=usual, reason=reason, title=title)
            for key, chosen, usual, reason, title in rows
        )
