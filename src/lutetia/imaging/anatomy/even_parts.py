"""Parts of tissue that are even in density or uptake: organs that lie against each other without a neck differ in at
least one of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.region import Trunk
from lutetia.imaging.anatomy.scene import SPACING


def even_parts(trunk: Trunk, tissue: mm.Mask, depth: mm.Floats, most: int = 2) -> list[mm.Mask]:
    """Bands round the peaks of density and of uptake, cut at their necks.

    Parameters
    ----------
    trunk : gives density (HU) and uptake (SUV)
    tissue : what is divided
    depth : mm inside `tissue`; only what is deeper than 4 mm makes the peaks
    most : pieces kept of each band
    """
    deep = tissue & (depth > 4)
    if deep.sum() < 100:
        return []
    parts: list[mm.Mask] = []
    scales: list[tuple[mm.Floats, float, float]] = [(trunk.ct_smooth, 6.0, 22.0)]
    if trunk.pet_smooth is not None:
        middle = float(np.median(trunk.pet_smooth[deep]))
        if middle > 0:
            scales.append((trunk.pet_smooth / np.float32(middle), 0.06, 0.22))
    for values, width, reach in scales:
        low, high = float(values[deep].min()), float(values[deep].max())
        step = width / 2
        counts, edges = np.histogram(values[deep], bins=np.arange(low, high + 2 * step, step))
        smooth = ndi.gaussian_filter1d(counts.astype(float), 2.0, mode="constant")
        peaks = [
            n
            for n in range(len(smooth))
            if smooth[n] > 0.08 * smooth.max() and smooth[n] == smooth[max(0, n - 6) : n + 7].max()
        ]
        if len(peaks) < 2:
            continue
        for n in sorted(peaks, key=lambda n: -smooth[n])[:3]:
            centre = float(edges[n] + step / 2)
            band = tissue & (np.abs(values - centre) < reach)
            parts.extend(mm.split_by_depth(band, mm.depth_inside(band, SPACING), 3.5)[:most])
    return parts
