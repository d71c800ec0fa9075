"""A schematic patient as PET and organ masks, for tests of anatomy that need no simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy import ndimage as ndi

from lutetia.model import Grid, Tracer, Volume

#: organ → centre (x, y, z) mm, half-axes mm; x to the left, y to the back, z to the head; liver's middle at z = 0
_ORGANS = {
    "lung_right": ((-75, 0, 150), (55, 75, 95)),
    "lung_left": ((75, 0, 150), (55, 75, 95)),
    "heart": ((20, -20, 100), (48, 42, 45)),
    "liver": ((-72, -5, 0), (72, 80, 78)),
    "spleen": ((98, 50, 10), (28, 32, 48)),
    "kidney_right": ((-62, 55, -90), (26, 24, 50)),
    "kidney_left": ((62, 55, -75), (26, 24, 50)),
    "urinary_bladder": ((0, -10, -330), (36, 32, 28)),
}
_SSTR = {
    "heart": 1.4, "liver": 6.0, "spleen": 20.0, "kidney_right": 16.0, "kidney_left": 16.0, "urinary_bladder": 25.0,
    "lung_right": 0.35, "lung_left": 0.35, "aorta": 1.4,
}  # fmt: skip
_FDG = {
    "heart": 1.6, "liver": 2.4, "spleen": 2.0, "kidney_right": 3.4, "kidney_left": 3.4, "urinary_bladder": 30.0,
    "lung_right": 0.45, "lung_left": 0.45, "aorta": 1.6,
}  # fmt: skip


@dataclass(frozen=True)
class Schematic:
    """A PET with the masks and uptake it was made from."""

    suv: Volume
    masks: dict[str, np.ndarray]
    uptake: dict[str, float]


def _grid(spacing: float, flip: bool, low: float, high: float) -> Grid:
    shape = (round((high - low) / spacing), round(280 / spacing), round(400 / spacing))
    if flip:  # rows and columns run the other way, as feet-first scanners may write them
        return Grid(
            shape=shape,
            spacing_mm=(spacing, spacing, spacing),
            origin_mm=(-198.0 + (shape[2] - 1) * spacing, -138.0, high - spacing),
            direction=((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
        )
    return Grid(shape=shape, spacing_mm=(spacing, spacing, spacing), origin_mm=(-198.0, -138.0, low))


@pytest.fixture(scope="session")
def make_patient() -> Callable[..., Schematic]:
    """Build a patient: `tracer`, `mirrored`, `without` organs, uptake by name, liver metastases, field, noise."""

    @cache
    def build(
        tracer: str = "sstr",
        *,
        mirrored: bool = False,
        flip: bool = False,
        without: tuple[str, ...] = (),
        metastases: tuple[tuple[float, float, float, float, float], ...] = (),
        spacing: float = 4.0,
        low: float = -420.0,
        high: float = 260.0,
        noise: float = 0.06,
        factor: float = 1.0,
        seed: int = 0,
        **uptake: float,
    ) -> Schematic:
        grid = _grid(spacing, flip, low, high)
        index = np.moveaxis(np.indices(grid.shape, dtype=np.float32), 0, -1)
        points = grid.to_lps(index)
        x, y, z = (points[..., a] for a in range(3))
        x = -x if mirrored else x
        values = {**(_SSTR if tracer == "sstr" else _FDG), **uptake}
        body = (x / 170) ** 2 + (y / 115) ** 2 < 1
        image = np.where(body, 0.5, 0.0)
        image[((x / 150) ** 2 + (y / 95) ** 2 >= 1) & body] = 0.25  # fat
        masks: dict[str, np.ndarray] = {}
        for name, (centre, half) in _ORGANS.items():
            if name in without:
                continue
            mask = sum(((c - o) / h) ** 2 for c, o, h in zip((x, y, z), centre, half, strict=True)) < 1
            masks[name] = mask & body
        masks["aorta"] = ((x - 16) ** 2 + (y - 48) ** 2 < 12**2) & (z < 200)
        for name, mask in masks.items():
            image[mask] = values[name]
        for px, py, pz, radius, value in metastases:
            image[((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2 < radius**2) & masks["liver"]] = value
        image = ndi.gaussian_filter(image, 2.6 / spacing)
        rng = np.random.default_rng(seed)
        grain = ndi.gaussian_filter(rng.standard_normal(grid.shape), 2.6 / spacing)
        image = np.clip(image * (1 + noise * grain / grain.std()), 0, None) * factor
        if mirrored:
            masks = {
                f"{n[:-5]}_right" if n.endswith("_left") else f"{n[:-6]}_left" if n.endswith("_right") else n: m
                for n, m in masks.items()
            }
        return Schematic(Volume(image.astype(np.float32), grid, "SUVbw"), masks, values)

    return build


@pytest.fixture(scope="session")
def sstr() -> Tracer:
    """A somatostatin receptor agonist."""
    return Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="Ga-68")


@pytest.fixture(scope="session")
def fdg() -> Tracer:
    """18F-FDG."""
    return Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="F-18")


@pytest.fixture(scope="session")
def lutetium() -> Tracer:
    """177Lu-DOTATATE SPECT."""
    return Tracer(
        key="lu177-dotatate", name="177Lu-DOTATATE", binds="sstr_agonist", radionuclide="Lu-177", modality="SPECT"
    )
