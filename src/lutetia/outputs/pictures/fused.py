"""One strip of slices per lesion and per reference region: PET, CT and their fusion through the same point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lutetia.model import Grid, Volume
from lutetia.outputs.pictures import planes, shades
from lutetia.outputs.pictures.planes import Plane, Vector
from lutetia.outputs.volumes import Region

PANEL_PIXELS = 150
#: A picture of a lesion beside those of the other studies: its pixels and what it covers.
PLACE_PIXELS = 150
PLACE_MM = 130.0
_GAP = 4
_LESION_LINE = (0, 200, 255)
_SOLID_LINE = (0, 200, 255)
_PALE_LINE = (255, 190, 60)


@dataclass(frozen=True)
class Strip:
    """A finished strip: JPEG bytes, its size in pixels, and the name of each panel from left to right."""

    jpeg: bytes
    width: int
    height: int
    panels: tuple[str, ...]
    upper: float


@dataclass(frozen=True, eq=False)
class Scene:
    """What the strips of one study share: PET (SUV or stored values), CT if any, and the value that is black."""

    pet: Volume
    ct: Volume | None
    upper: float

    def ct_at(self, point_mm: Vector) -> Volume | None:
        """The CT where it covers a point, else None: a CT may cover only part of the PET."""
        if self.ct is None:
            return None
        index = self.ct.grid.to_index(point_mm)
        inside = (index > -0.5) & (index < np.asarray(self.ct.grid.shape) - 0.5)
        return self.ct if bool(inside.all()) else None


def _outlined(rgb: shades.ByteImage, mask: npt.NDArray[np.bool_], colour: tuple[int, int, int]) -> shades.ByteImage:
    rgb[planes.outline(mask)] = colour
    return rgb


def _strip(panels: list[tuple[str, shades.ByteImage]], upper: float) -> Strip:
    size = panels[0][1].shape[0]
    width = len(panels) * size + (len(panels) - 1) * _GAP
    image = np.full((size, width, 3), 255, np.uint8)
    for i, (_, panel) in enumerate(panels):
        start = i * (size + _GAP)
        image[:, start : start + size] = panel
    return Strip(shades.jpeg(image), width, size, tuple(name for name, _ in panels), upper)


def lesion_strip(
    scene: Scene, lesions: Volume, label: int, centre_mm: Vector, suv_max: float, long_axis_mm: float | None
) -> Strip:
    """Slices through a lesion's hottest point, its outline on them.

    With CT: axial PET, axial CT, axial fusion, coronal fusion. Without, or where the CT does not reach: axial,
    coronal and sagittal PET.
    The window ends at the lesion's maximum (between a quarter and 2.5 times the study's window), so that neither a
    faint nor a very hot lesion is a blank; `Strip.upper` states it.
    """
    upper = float(f"{np.clip(suv_max, scene.upper / 4, scene.upper * 2.5):.2g}")
    width = float(np.clip(3.0 * (long_axis_mm or 0.0), 150.0, 420.0))

    def plane(pair: tuple[Vector, Vector]) -> Plane:
        return Plane(centre_mm, pair[0], pair[1], width, PANEL_PIXELS)

    def mask(at: Plane) -> npt.NDArray[np.bool_]:
        return np.asarray(planes.sample_labels(lesions, at) == label)

    axial, coronal = plane(planes.AXIAL), plane(planes.CORONAL)
    pet_axial, mask_axial = planes.sample(scene.pet, axial), mask(axial)
    pet_coronal, mask_coronal = planes.sample(scene.pet, coronal), mask(coronal)
    grey = _outlined(shades.as_rgb(shades.inverted_grey(pet_axial, upper)), mask_axial, _LESION_LINE)
    ct = scene.ct_at(centre_mm)
    if ct is None:
        sagittal = plane(planes.SAGITTAL)
        others = []
        for name, values, inside in (
            ("coronal PET", pet_coronal, mask_coronal),
            ("sagittal PET", planes.sample(scene.pet, sagittal), mask(sagittal)),
        ):
            others.append((name, _outlined(shades.as_rgb(shades.inverted_grey(values, upper)), inside, _LESION_LINE)))
        return _strip([("axial PET", grey), *others], upper)
    ct_axial = planes.sample(ct, axial, outside=-1024.0)
    ct_coronal = planes.sample(ct, coronal, outside=-1024.0)
    return _strip(
        [
            ("axial PET", grey),
            ("axial CT", _outlined(shades.as_rgb(shades.ct_grey(ct_axial)), mask_axial, _LESION_LINE)),
            ("axial fusion", shades.fused(ct_axial, pet_axial, upper)),
            ("coronal fusion", shades.fused(ct_coronal, pet_coronal, upper)),
        ],
        upper,
    )


def place_picture(
    scene: Scene,
    centre_mm: Vector,
    lesions: Volume | None,
    label: int,
    upper: float,
    *,
    plane: str = "axial",
    cross: bool = False,
) -> bytes:
    """One JPEG at a lesion's place: PET over CT, or PET alone; with the outline where a label is given.

    Parameters
    ----------
    scene : the study, on its own grid
    centre_mm : the place, LPS mm of that study
    lesions, label : the outline; label 0 draws none
    upper : the SUV at the end of the window
    plane : "axial" or "coronal"
    cross : draw cross hairs that leave the place itself free
    """
    way = planes.CORONAL if plane == "coronal" else planes.AXIAL
    at = Plane(centre_mm, way[0], way[1], PLACE_MM, PLACE_PIXELS)
    pet = planes.sample(scene.pet, at)
    ct = scene.ct_at(centre_mm)
    if ct is None:
        rgb = shades.as_rgb(shades.inverted_grey(pet, upper))
    else:
        rgb = shades.fused(planes.sample(ct, at, outside=-1024.0), pet, upper)
    if lesions is not None and label:
        rgb = _outlined(rgb, np.asarray(planes.sample_labels(lesions, at) == label), _LESION_LINE)
    return shades.jpeg(_crossed(rgb) if cross else rgb, 84)


def _crossed(rgb: shades.ByteImage) -> shades.ByteImage:
    """Fine cross hairs through the middle, open around it."""
    middle, free = rgb.shape[0] // 2, round(rgb.shape[0] * 0.11)
    for arm in (slice(0, middle - free), slice(middle + free, rgb.shape[0])):
        rgb[middle, arm] = 255
        rgb[arm, middle] = 255
    return rgb


def region_volume(region: Region, grid: Grid) -> Volume:
    """A region as a small volume of its own (label 1), so that planes can cut it."""
    corner = grid.to_lps(np.asarray(region.start))
    small = Grid(
        shape=(region.mask.shape[0], region.mask.shape[1], region.mask.shape[2]),
        spacing_mm=grid.spacing_mm,
        origin_mm=(float(corner[0]), float(corner[1]), float(corner[2])),
        direction=grid.direction,
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )
    return Volume(region.mask.astype(np.uint8), small, "label")


def ball(centre_mm: Vector, volume_ml: float, plane: Plane) -> npt.NDArray[np.bool_]:
    """Where a plane cuts a sphere of that volume: stands in for a region whose voxels are not at hand."""
    radius = (3 * volume_ml * 1000 / (4 * np.pi)) ** (1 / 3)
    step = plane.width_mm / plane.pixels
    offsets = (np.arange(plane.pixels) - (plane.pixels - 1) / 2) * step
    away = np.asarray(plane.centre) - np.asarray(centre_mm)
    right, down = np.asarray(plane.right), np.asarray(plane.down)
    points = away + offsets[:, None, None] * down + offsets[None, :, None] * right
    inside: npt.NDArray[np.bool_] = np.linalg.norm(points, axis=2) <= radius
    return inside


@dataclass(frozen=True, eq=False)
class Outlined:
    """A region to outline: the voxels of a label, or centre and volume where only those are known."""

    region: Volume | None = None
    label: int = 1
    centre_mm: Vector | None = None
    volume_ml: float | None = None

    def on(self, plane: Plane) -> npt.NDArray[np.bool_]:
        """The mask on a plane, bool, shape (pixels, pixels)."""
        if self.region is not None and self.region.array.size:
            return np.asarray(planes.sample_labels(self.region, plane) == self.label)
        if self.centre_mm is not None and self.volume_ml:
            return ball(self.centre_mm, self.volume_ml, plane)
        return np.zeros((plane.pixels, plane.pixels), bool)


def reference_strip(scene: Scene, centre_mm: Vector, whole: Outlined, classical: Outlined, width_mm: float) -> Strip:
    """Axial and coronal slices through a reference region.

    The whole-organ region is outlined in amber, the classical sphere or cylinder in cyan; PET above CT when there
    is one.
    """
    panels = []
    volume = scene.ct_at(centre_mm)
    for name, pair in (("axial", planes.AXIAL), ("coronal", planes.CORONAL)):
        plane = Plane(centre_mm, pair[0], pair[1], width_mm, PANEL_PIXELS)
        pet = shades.as_rgb(shades.inverted_grey(planes.sample(scene.pet, plane), scene.upper))
        pictures = [(f"{name} PET", pet)]
        if volume is not None:
            ct = shades.as_rgb(shades.ct_grey(planes.sample(volume, plane, outside=-1024.0)))
            pictures.append((f"{name} CT", ct))
        for title, picture in pictures:
            _outlined(picture, whole.on(plane), _PALE_LINE)
            panels.append((title, _outlined(picture, classical.on(plane), _SOLID_LINE)))
    return _strip(panels, scene.upper)
