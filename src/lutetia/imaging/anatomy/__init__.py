"""Organs: one door, several backends."""

from lutetia.imaging.anatomy.door import find_anatomy
from lutetia.imaging.anatomy.labels import CODES, LABELS, NAMES
from lutetia.imaging.anatomy.record import Anatomy, VesselTrack

__all__ = ["CODES", "LABELS", "NAMES", "Anatomy", "VesselTrack", "find_anatomy"]
