"""Reference regions: liver, spleen, blood pool."""

from lutetia.imaging.references.measure import References, measure_references
from lutetia.imaging.references.settings import ReferenceName, ReferenceSettings, UserReference

__all__ = ["ReferenceName", "ReferenceSettings", "References", "UserReference", "measure_references"]
