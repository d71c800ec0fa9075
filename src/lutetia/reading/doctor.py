"""What this installation can do: required libraries, codecs, optional backends, validators, and how to add them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from typing import Literal

import lutetia
from lutetia.imaging.anatomy.sources import anatomy_sources
from lutetia.model import Record

State = Literal["present", "missing", "optional"]

#: package → what it is needed for
_REQUIRED = {
    "numpy": "arrays",
    "scipy": "labelling and distances",
    "pydicom": "DICOM",
    "highdicom": "DICOM SEG and SR",
    "SimpleITK": "registration of studies",
    "nibabel": "NIfTI in",
    "pillow": "pictures",
    "jinja2": "report.html",
    "typst": "report.pdf",
    "pydantic": "records and schemas",
    "PyYAML": "rule files and cases",
    "isal": "fast gzip of label maps",
}

#: codec module, decoder in it, transfer syntaxes
_CODECS = (
    ("imagecodecs", "LJPEG", "JPEG lossless (1.2.840.10008.1.2.4.57, .70)"),
    ("imagecodecs", "JPEGLS", "JPEG-LS (1.2.840.10008.1.2.4.80, .81)"),
    ("imagecodecs", "JPEG2K", "JPEG 2000 (1.2.840.10008.1.2.4.90, .91)"),
    ("rle", "", "RLE lossless (1.2.840.10008.1.2.5)"),
)


class Check(Record):
    """One line of the doctor's report."""

    group: Literal["system", "library", "codec", "backend", "validator"]
    name: str
    state: State
    detail: str = ""
    remedy: str = ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _libraries() -> list[Check]:
    checks = []
    for package, purpose in _REQUIRED.items():
        version = _version(package)
        checks.append(
            Check(
                group="library",
                name=package,
                state="present" if version else "missing",
                detail=f"{version or 'not installed'}: {purpose}",
                remedy="" if version else f"pip install {package}",
            )
        )
    return checks


def _codecs() -> list[Check]:
    checks = []
    for module, decoder, syntaxes in _CODECS:
        found = importlib.util.find_spec(module) is not None
        if found and decoder:
            available = getattr(importlib.import_module(module), decoder, None)
            found = bool(getattr(available, "available", available))
        checks.append(
            Check(
                group="codec",
                name=syntaxes,
                state="present" if found else "missing",
                detail=module,
                remedy="" if found else f"pip install {'pylibjpeg-rle' if module == 'rle' else module}",
            )
        )
    return checks


def _backends() -> list[Check]:
    """Every way to organ masks, as the room of anatomy knows them."""
    return [
        Check(
            group="backend",
            name=source.title,
            state="present" if source.available else "optional",
            detail=source.detail,
            remedy=source.remedy,
        )
        for source in anatomy_sources()
    ]


def _validators() -> list[Check]:
    where = shutil.which("dciodvfy")
    purpose = "checks DICOM objects against the standard"
    return [
        Check(
            group="validator",
            name="dciodvfy",
            state="present" if where else "optional",
            detail=f"{where}: {purpose}" if where else f"not found: {purpose}",
            remedy="" if where else "Debian: apt-get install dicom3tools",
        )
    ]


def doctor() -> tuple[Check, ...]:
    """Look over the installation.

    Returns
    -------
    tuple of Check
        `state` is "present", "missing" (needed and not there) or "optional" (not there, and not needed).
    """
    system = Check(
        group="system",
        name="lutetia",
        state="present",
        detail=f"{lutetia.__version__} on Python {platform.python_version()}, {platform.system()}"
        f" {platform.machine()}, {os.cpu_count()} cores",
    )
    return (system, *_libraries(), *_codecs(), *_backends(), *_validators())
