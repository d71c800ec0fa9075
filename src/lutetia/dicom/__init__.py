"""The DICOM room: the only one that imports pydicom and highdicom."""
