"""From numbers to pixels: windows, inverted grey for PET, grey for CT, a hot overlay for fusion, JPEG bytes."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

ByteImage = npt.NDArray[np.uint8]

#: CT window: soft tissue with enough width to show bone and lung edges.
CT_LEVEL_HU, CT_WIDTH_HU = 40.0, 450.0


def inverted_grey(values: npt.NDArray[np.floating], upper: float) -> ByteImage:
    """PET as readers know it: white at 0, black at `upper` and above. uint8, the shape of `values`."""
    scaled = np.clip(values * np.float32(255.0 / upper), 0, 255)
    return np.asarray(255 - scaled, np.uint8)


def ct_grey(hounsfield: npt.NDArray[np.floating]) -> ByteImage:
    """CT in the soft-tissue window. uint8."""
    low = CT_LEVEL_HU - CT_WIDTH_HU / 2
    return np.asarray(np.clip((hounsfield - low) * np.float32(255.0 / CT_WIDTH_HU), 0, 255), np.uint8)


@cache
def _hot() -> npt.NDArray[np.float32]:
    """256 × 3: dark red over orange and yellow to white; lightness rises throughout."""
    stops = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    colours = np.array([[60, 0, 10], [178, 20, 16], [240, 110, 10], [255, 205, 60], [255, 250, 225]], float)
    steps = np.linspace(0, 1, 256)
    return np.stack([np.interp(steps, stops, colours[:, c]) for c in range(3)], axis=1).astype(np.float32)


def fused(hounsfield: npt.NDArray[np.floating], suv: npt.NDArray[np.floating], upper: float) -> ByteImage:
    """PET in hot colours over CT; faint uptake is transparent. uint8 RGB."""
    share = np.clip(suv / np.float32(upper), 0, 1)
    opacity = np.clip((share - 0.06) * 2.2, 0, 0.78)[..., None]
    base = ct_grey(hounsfield).astype(np.float32)[..., None]
    colour = _hot()[(share * 255).astype(np.uint8)]
    return np.asarray(np.clip(base * (1 - opacity) + colour * opacity, 0, 255), np.uint8)


def as_rgb(grey: ByteImage) -> ByteImage:
    """Grey as RGB."""
    return np.repeat(grey[..., None], 3, axis=2)


def jpeg(image: ByteImage, quality: int = 88) -> bytes:
    """JPEG bytes of a grey or RGB picture, without any metadata."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return buffer.getvalue()
