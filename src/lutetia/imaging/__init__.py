"""Arrays in, arrays and numbers out. Knows no DICOM tag and no rule."""
