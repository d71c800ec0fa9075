"""A CT that covers only part of the PET: used where it lies, uptake alone elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.model import Grid, Issue, OrganRecord, Volume

#: a CT whose field holds this share of the PET's slices counts as whole
WHOLE = 0.95
#: an organ counts as covered when this share of it, as uptake shows it, lies in the CT's field
COVERED = 0.9
#: what CT shows where it lies, whatever else is in its field
_FROM_CT_ANYWHERE = ("skeleton", "lung_left", "lung_right")


def share_inside(points_mm: npt.NDArray[np.float64], grid: Grid) -> float:
    """Share of LPS points that lie in the field of a grid; NaN for no points."""
    if not len(points_mm):
        return float("nan")
    index = grid.to_index(points_mm)
    return float(np.all((index > -0.5) & (index < np.asarray(grid.shape) - 0.5), axis=1).mean())


def slices_covered(pet: Grid, ct: Grid) -> float:
    """Share of the PET's slices whose middle lies in the CT's field."""
    nz, ny, nx = pet.shape
    middles = np.stack([np.arange(nz), np.full(nz, (ny - 1) / 2), np.full(nz, (nx - 1) / 2)], axis=1)
    return share_inside(pet.to_lps(middles), ct)


def _covered(anatomy: Anatomy, name: str, ct: Grid) -> float:
    """Share of an organ that lies in the CT's field; NaN when the organ was not found."""
    index = np.argwhere(anatomy.mask(name))
    return share_inside(anatomy.labels.grid.to_lps(index[:: max(1, len(index) // 5000)]), ct)


def _repainted(record: OrganRecord, labels: npt.NDArray[np.uint8], grid: Grid) -> OrganRecord:
    """A record whose volume and centroid are those of its label."""
    index = np.argwhere(labels == record.label)
    if not len(index):
        return record.model_copy(update={"volume_ml": None, "centroid_mm": None})
    centre = grid.to_lps(index.mean(axis=0))
    return record.model_copy(
        update={
            "volume_ml": len(index) * grid.voxel_ml,
            "centroid_mm": (float(centre[0]), float(centre[1]), float(centre[2])),
        }
    )


def _issue(share: float, liver_on_ct: bool) -> Issue:
    rest = "organs outside it were found from uptake alone"
    if not liver_on_ct:
        rest = "the liver lies outside it, so organs were found from uptake alone; bones and lungs from the CT"
    return Issue(code="ct-covers-part", message=f"The CT covers {100 * share:.0f} % of the PET's slices: {rest}.")


def joined(from_pet: Anatomy, from_ct: Anatomy, ct: Grid) -> Anatomy:
    """One anatomy from uptake alone and from a CT that covers part of the PET.

    Where the CT's field holds the liver (as uptake shows it), the CT's organs count, and uptake adds those that lie
    outside it. Elsewhere uptake's organs count, and the CT adds bones and lungs where it lies: rules of order and
    contact that start from lung bases and liver mean nothing on a CT of the thighs or the neck.

    Parameters
    ----------
    from_pet, from_ct : anatomies on the same PET grid
    ct : grid of the CT
    """
    grid = from_pet.labels.grid
    share = slices_covered(grid, ct)
    liver = _covered(from_pet, "liver", ct)
    liver_on_ct = (np.isnan(liver) and from_ct.has("liver")) or liver >= COVERED
    issue = _issue(share, liver_on_ct)
    if liver_on_ct:
        return _ct_first(from_pet, from_ct, ct, issue)
    labels = from_pet.labels.array.copy()
    free = (labels == 0) | (labels == LABELS["body"])
    records = [r for r in from_pet.organs if r.name not in _FROM_CT_ANYWHERE]
    for name in _FROM_CT_ANYWHERE:
        record, mask = from_ct.organ(name), from_ct.mask(name)
        if record is None or not mask.any():
            continue
        labels[mask & free] = LABELS[name]
        reasons = tuple(dict.fromkeys([*record.reasons, "the CT covers only part of the PET"]))
        records.append(_repainted(record.model_copy(update={"status": "caution", "reasons": reasons}), labels, grid))
    return replace(
        from_pet,
        labels=Volume(labels, grid, "label"),
        organs=tuple(records),
        source=f"{from_pet.source}, CT in part",
        issues=(*(i for i in from_pet.issues if i.code != "pet-without-ct"), issue),
    )


def _ct_first(from_pet: Anatomy, from_ct: Anatomy, ct: Grid, issue: Issue) -> Anatomy:
    """The CT's organs; uptake adds the outline and the organs that lie outside the CT's field."""
    grid = from_ct.labels.grid
    labels = from_ct.labels.array.copy()
    labels[(labels == 0) & (from_pet.labels.array > 0)] = LABELS["body"]
    records = {r.name: r for r in from_ct.organs}
    concerns, suspected = dict(from_ct.concerns), set(from_ct.tumour_suspected)
    for record in from_pet.organs:
        name = record.name
        if name == "body" or not from_pet.has(name) or from_ct.mask(name).any():
            continue
        inside = _covered(from_pet, name, ct)
        if not inside < COVERED:  # found by uptake where the CT shows none: the CT is right
            continue
        free = (labels == 0) | (labels == LABELS["body"])
        labels[from_pet.mask(name) & free] = record.label
        records[name] = record
        if name in from_pet.concerns:
            concerns[name] = from_pet.concerns[name]
            suspected |= {name} & from_pet.tumour_suspected
    organs = tuple(_repainted(r, labels, grid) if r.name == "body" else r for r in records.values())
    return replace(
        from_ct,
        labels=Volume(labels, grid, "label"),
        organs=organs,
        source=f"{from_ct.source}, CT in part",
        concerns=concerns,
        tumour_suspected=frozenset(suspected),
        issues=(*from_ct.issues, issue),
    )
