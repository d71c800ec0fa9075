"""Lesions: found, outlined, judged and measured in one PET/CT."""

from lutetia.imaging.lesions.find import LesionResult, find_lesions
from lutetia.imaging.lesions.schemes import SCHEMES, Scheme
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.threshold import ThresholdLesion, ThresholdResult, threshold_lesions

__all__ = [
    "SCHEMES",
    "LesionResult",
    "LesionSettings",
    "Scheme",
    "ThresholdLesion",
    "ThresholdResult",
    "find_lesions",
    "threshold_lesions",
]
