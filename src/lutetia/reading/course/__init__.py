"""Studies of one patient become a course: one frame, one identity per lesion, visits, what happened in between."""

from lutetia.reading.course.join import JoinedStudies, join_studies

__all__ = ["JoinedStudies", "join_studies"]
