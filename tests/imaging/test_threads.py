"""Two cores give what one gives: the order, the values and the error."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage as ndi

from lutetia.imaging import threads


def test_results_come_in_the_order_of_the_parts() -> None:
    assert threads.each(lambda n: n * n, range(7)) == [n * n for n in range(7)]


def test_the_first_error_in_the_order_of_the_parts_is_raised() -> None:
    def refuse(n: int) -> int:
        if n in (2, 4):
            raise ValueError(str(n))
        return n

    with pytest.raises(ValueError, match="2"):
        threads.each(refuse, range(6))


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_the_parts_of_an_axis_hold_every_slice_once(length: int) -> None:
    held = [k for part in threads.halves(length) for k in range(part.start, part.stop)]
    assert held == list(range(length))


@pytest.mark.parametrize("mode", ["reflect", "nearest"])
@pytest.mark.parametrize("sigma", [0.8, (2.0, 1.3, 0.7), (1.0, 0.0, 2.0), 0.0])
@pytest.mark.parametrize("small", [False, True])
def test_smoothing_on_two_cores_gives_every_voxel_the_value_of_scipy(
    sigma: float | tuple[float, float, float], mode: str, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_SMALL", 10**9 if small else 0)
    volume = np.random.default_rng(1).normal(5, 3, (23, 31, 17)).astype(np.float32)
    expected = ndi.gaussian_filter(volume, sigma, truncate=3.0, mode=mode)
    assert np.array_equal(threads.gaussian(volume, sigma, truncate=3.0, mode=mode), expected)


def test_itk_has_its_threads_back_after_a_step_in_one_thread() -> None:
    def step() -> int:
        with threads.one_thread():
            raise RuntimeError(str(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()))

    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    with pytest.raises(RuntimeError, match=r"^1$"):
        step()
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == before
