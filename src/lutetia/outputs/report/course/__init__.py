"""The course in the report: several studies of one patient, from the story to the checks behind it."""
