"""Small PET objects for every header state of the IBSI-SUV list, version 3: 43 give 0.20 / 1.00 / 4.00, 15 a refusal.

The list is that of Vácha, Zwanenburg et al. (IBSI-SUV, oncoray/suv_computation, CC BY 4.0); the objects are written
here from its descriptions and the manual's formulas. A block of background (SUV 1.00) holds a hot (4.00) and a cold
(0.20) box and lies in air (0). Weight 70 kg, size 1.75 m, 368.08 MBq, injection 10:00, decay reference 11:00.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lutetia.phantom.suv_object import N_PIXELS, N_SLICES, VOXEL_MM, SuvObject
from lutetia.phantom.suv_object_files import classic_files, enhanced_files
from lutetia.phantom.suv_object_states import states

EXPECTED = ("0.20", "1.00", "4.00")


def suv_objects() -> tuple[SuvObject, ...]:
    """The 58 objects, in the order of the list."""
    return states()


def suv_pattern() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """SUV (z, y, x) and the mask around everything that is not air."""
    suv = np.zeros((N_SLICES, N_PIXELS, N_PIXELS))
    suv[:, 2:-2, 2:-2] = 1.0
    mask = suv > 0
    suv[:, 4:7, 4:7] = 4.0
    suv[:, 9:12, 9:12] = 0.2
    return suv, mask


def write_suv_objects(folder: Path, objects: tuple[SuvObject, ...] | None = None) -> dict[str, bool]:
    """Write every object to ``folder/<id>/PT``, the mask, and the list as CSV.

    Returns
    -------
    dict
        Id → whether a refusal is the right answer.
    """
    chosen = suv_objects() if objects is None else objects
    folder.mkdir(parents=True, exist_ok=True)
    suv, mask = suv_pattern()
    _write_mask(mask, folder / "DRO_mask.nii.gz")
    for item in chosen:
        place = folder / item.id / "PT"
        place.mkdir(parents=True, exist_ok=True)
        for name, dataset in enhanced_files(item, suv) if item.enhanced else classic_files(item, suv):
            dataset.save_as(place / name, enforce_file_format=True)
    with (folder / "DRO_list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["Section", "ID", "Description", "SUVmin_expected", "SUVmed_expected", "SUVmax_expected"])
        for item in chosen:
            values = ("ERROR",) * 3 if item.refused else EXPECTED
            writer.writerow(["", item.id, item.description, *values])
    return {item.id: item.refused for item in chosen}


def _write_mask(mask: npt.NDArray[np.bool_], path: Path) -> None:
    import nibabel

    affine = np.diag([-VOXEL_MM, -VOXEL_MM, VOXEL_MM, 1.0])
    nibabel.Nifti1Image(mask.transpose(2, 1, 0).astype(np.uint8), affine).to_filename(str(path))
