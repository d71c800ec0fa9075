"""Mask files that are not DICOM, and how any mask comes onto the grid of an image."""
