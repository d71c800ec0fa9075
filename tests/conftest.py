"""Fixtures shared by every room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lutetia.phantom import PhantomTruth, make_phantom


def _shared_root() -> Path | None:
    given = os.environ.get("LUTETIA_SHARED")
    root = Path(given) if given else Path(__file__).resolve().parents[2] / "shared"
    return root if (root / "data" / "README.md").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout; the test is skipped where there is none."""
    root = _shared_root()
    if root is None:
        pytest.skip("reference data are not beside this checkout (set LUTETIA_SHARED)")
    return root


@pytest.fixture(scope="session")
def tiny_phantom(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., PhantomTruth]:
    """Small phantoms on demand, each made once a session: ``tiny_phantom("no_spleen", tracer="fdg", seed=2)``."""
    made: dict[tuple[str, str, int], PhantomTruth] = {}

    def get(variant: str = "standard", tracer: str = "dotatate", seed: int = 1) -> PhantomTruth:
        key = (variant, tracer, seed)
        if key not in made:
            folder = tmp_path_factory.mktemp(f"phantom_{variant}_{tracer}_{seed}")
            made[key] = make_phantom(folder, seed, variant, tracer=tracer, size="small")
        return made[key]

    return get


@pytest.fixture(scope="session")
def tiny_patient(tiny_phantom: Callable[..., PhantomTruth]) -> PhantomTruth:
    """A small DOTATATE PET/CT as real DICOM (`.dicom`) with its truth (`.studies`, `.lesions`, `.label_map`)."""
    return tiny_phantom()
