"""Label maps and volumes as NIfTI-1 on the PET's own grid, with a table that says what each label is."""

from __future__ import annotations

import csv
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from isal import igzip_threaded

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.model import Course, Grid, Study, Volume
from lutetia.outputs.colours import Rgb, categorical, hexadecimal
from lutetia.outputs.transaction import cannot_write

_NIFTI_CODE = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "uint16": 512}
_COMPRESSION_THREADS = 2


@dataclass(frozen=True)
class LabelRow:
    """One label of a map."""

    label: int
    name: str
    description: str
    colour: Rgb


def nifti_header(grid: Grid, dtype: np.dtype[np.generic], description: str = "") -> bytes:
    """The 352 bytes of a NIfTI-1 single-file header for an array on `grid`, axes (x, y, z), world RAS mm.

    Voxels keep the scanner's order; sform and qform both carry the orientation (qform only where the axes are
    orthogonal, since it can't hold a shear). Format: NIfTI-1.1 (nifti1.h).
    """
    affine = grid.nifti_affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    rotation = affine[:3, :3] / spacing
    orthogonal = bool(np.abs(rotation.T @ rotation - np.eye(3)).max() < 1e-4)
    qfac, quaternion = _quaternion(rotation) if orthogonal else (1.0, (0.0, 0.0, 0.0))
    nz, ny, nx = grid.shape
    code = _NIFTI_CODE[dtype.name]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<c", header, 38, b"r")
    struct.pack_into("<8h", header, 40, 3, nx, ny, nz, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, code, dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, qfac, *spacing, 0, 0, 0, 0)
    struct.pack_into("<fff", header, 108, 352.0, 1.0, 0.0)  # vox_offset, scl_slope, scl_inter
    struct.pack_into("<B", header, 123, 2)  # millimetres
    struct.pack_into("<79s", header, 148, description.encode("ascii", "replace")[:79])
    struct.pack_into("<hh", header, 252, 1 if orthogonal else 0, 1)
    struct.pack_into("<6f", header, 256, *quaternion, *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    struct.pack_into("<4s", header, 344, b"n+1\0")
    return bytes(header)


def _quaternion(rotation: npt.NDArray[np.float64]) -> tuple[float, tuple[float, float, float]]:
    """qfac and (b, c, d) of an orthogonal matrix, by the branches of the NIfTI-1 reference code."""
    qfac = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    r = rotation.copy()
    r[:, 2] *= qfac
    a = 1.0 + r[0, 0] + r[1, 1] + r[2, 2]
    if a > 0.5:
        a = 0.5 * np.sqrt(a)
        b, c, d = (r[2, 1] - r[1, 2]) / (4 * a), (r[0, 2] - r[2, 0]) / (4 * a), (r[1, 0] - r[0, 1]) / (4 * a)
        return qfac, (float(b), float(c), float(d))
    largest = int(np.argmax(np.diag(r)))
    i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
    q = np.zeros(3)
    q[i] = 0.5 * np.sqrt(max(1.0 + r[i, i] - r[j, j] - r[k, k], 0.0))
    q[j] = (r[i, j] + r[j, i]) / (4 * q[i])
    q[k] = (r[i, k] + r[k, i]) / (4 * q[i])
    if r[k, j] - r[j, k] < 0:
        q = -q
    return qfac, (float(q[0]), float(q[1]), float(q[2]))


def write_nifti(volume: Volume, path: Path, description: str = "") -> None:
    """Write a volume as ``.nii.gz``: little-endian, fast compression, no clock and no name in the bytes.

    Parameters
    ----------
    volume : array uint8, uint16, int16, int32 or float32, shape (z, y, x)
    path : where to; an existing file is overwritten
    """
    array = volume.array
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if array.dtype.name not in _NIFTI_CODE:
        raise TypeError(f"{array.dtype} is not written as NIfTI; give one of {', '.join(_NIFTI_CODE)}")
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    # C order of (z, y, x) is the file's order: x runs fastest.
    with igzip_threaded.open(path, "wb", compresslevel=1, threads=_COMPRESSION_THREADS) as stream:
        stream.write(nifti_header(volume.grid, data.dtype, description))
        stream.write(data.data.cast("B"))


def write_volume(volume: Volume, path: Path, description: str = "") -> None:
    """Write one volume to a file of the user's choice, ``.nii.gz`` or ``.nii``: under a temporary name, then renamed.

    Raises
    ------
    InputError
        ``cannot-write`` when the file can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        if path.name.lower().endswith(".gz"):
            write_nifti(volume, part, description)
        else:
            data = np.ascontiguousarray(volume.array, dtype="<f4")
            part.write_bytes(nifti_header(volume.grid, data.dtype, description) + data.tobytes())
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def smallest_label_type(volume: Volume) -> Volume:
    """The same labels in the smallest of uint8, uint16 and int32 that holds them."""
    array = volume.array
    top = int(array.max(initial=0))
    wanted = np.dtype(np.uint8) if top < 256 else np.dtype(np.uint16) if top < 65536 else np.dtype(np.int32)
    if array.dtype == wanted:
        return volume
    return Volume(array.astype(wanted), volume.grid, volume.unit)


def lesion_labels(course: Course, study: Study) -> tuple[LabelRow, ...]:
    """What each integer of the study's ``lesions.nii.gz`` is, in the order of the labels."""
    rows = []
    for lesion in course.lesions:
        for observation in lesion.observations:
            if observation.study == study.id and observation.label > 0:
                where = lesion.site + (f", {lesion.side}" if lesion.side else "")
                description = f"{where} ({lesion.status})"
                rows.append(LabelRow(observation.label, lesion.id, description, categorical(observation.label - 1)))
    return tuple(sorted(rows, key=lambda row: (row.label, row.name)))


def organ_labels(study: Study, labels: Volume | None = None) -> tuple[LabelRow, ...]:
    """What each integer of the study's ``organs.nii.gz`` is.

    Parameters
    ----------
    study : its organs
    labels : the map; its outline of the body gets a row although it is no organ of the record
    """
    body = LABELS["body"]
    rows = [
        LabelRow(organ.label, organ.name, f"{organ.source} ({organ.status})", categorical(organ.label - 1))
        for organ in study.organs
        if organ.label > 0
    ]
    if labels is not None and body not in {r.label for r in rows} and any((z == body).any() for z in labels.array):
        rows.append(LabelRow(body, "body", "what of the body is none of the organs", categorical(body - 1)))
    return tuple(sorted(rows, key=lambda row: row.label))


def label_table_tsv(rows: tuple[LabelRow, ...]) -> bytes:
    """The table as BIDS writes it beside a ``dseg`` file: index, name, color, then our description."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(("index", "name", "color", "description"))
    for row in rows:
        writer.writerow((row.label, row.name, hexadecimal(row.colour), row.description))
    return buffer.getvalue().encode()


def label_table_json(lesions: tuple[LabelRow, ...], organs: tuple[LabelRow, ...]) -> bytes:
    """Both tables of a study in one file, ``labels.json``."""

    def rows(table: tuple[LabelRow, ...]) -> list[dict[str, object]]:
        return [
            {"label": r.label, "name": r.name, "description": r.description, "color": hexadecimal(r.colour)}
            for r in table
        ]

    content = {"lesions.nii.gz": rows(lesions), "organs.nii.gz": rows(organs)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
