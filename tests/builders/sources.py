"""A PET series as the writers of DICOM objects see it: headers, no pixels."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.source_images import SourceImages
from lutetia.model import Grid


def pet_images(grid: Grid, *, multiframe: bool = False) -> SourceImages:
    """The images of a PET on this grid; the slope changes from 2 to 3 at the fifth slice.

    Name, birth date, study id and the rest are missing, as in many exports.
    """
    header = Dataset()
    header.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{130 if multiframe else 128}"
    header.Modality, header.PatientID = "PT", "P1"
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    header.StudyDate, header.StudyTime = "20260314", "101500"
    axes = np.asarray(grid.direction)
    slices = tuple(
        InstanceHeader(
            path="x",
            sop_class_uid=str(header.SOPClassUID),
            sop_instance_uid="1.2.3.1.99" if multiframe else f"1.2.3.1.{z + 1}",
            series_instance_uid="1.2.3.1",
            frame_of_reference_uid="1.2.9",
            modality="PT",
            instance_number=z + 1,
            rows=grid.shape[1],
            columns=grid.shape[2],
            n_frames=grid.shape[0] if multiframe else 1,
            frame=z if multiframe else None,
            position_mm=tuple(float(v) for v in grid.to_lps((z, 0, 0))),
            orientation=(*(float(v) for v in axes[:, 2]), *(float(v) for v in axes[:, 1])),
            pixel_spacing_mm=(grid.spacing_mm[1], grid.spacing_mm[2]),
            slice_thickness_mm=grid.spacing_mm[0],
            rescale_slope=2.0 if z < 4 else 3.0,
            rescale_intercept=0.0,
            bits_stored=16,
            pixel_representation=1,
        )
        for z in range(grid.shape[0])
    )
    return SourceImages(header, slices)
