"""Multi-frame objects to rows of one frame each (stub)."""

from __future__ import annotations

from lutetia.dicom.instance import InstanceHeader


def expand(header: InstanceHeader) -> tuple[InstanceHeader, ...]:
    """The frames of an object, each as a header of its own; a single-frame image is its own row."""
    return (header,)
