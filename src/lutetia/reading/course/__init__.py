"""Studies of one patient become a course: one frame, one identity per lesion, visits, what happened in between."""

from lutetia.reading.course.join import JoinedStudies, join_studies
from lutetia.reading.course.together import Together, bring_together

__all__ = ["JoinedStudies", "Together", "bring_together", "join_studies"]
