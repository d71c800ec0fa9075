"""A DICOMDIR is not needed to find files, but it says which should be there."""

from __future__ import annotations

import os
import re

from lutetia.dicom import archive
from lutetia.dicom.files import read_dataset
from lutetia.dicom.instance import WITHIN, InstanceHeader, file_place
from lutetia.model import InputError, Issue


def missing_files(path: str, member: str = "") -> list[Issue]:
    """What a DICOMDIR refers to and what of it is not beside it.

    Parameters
    ----------
    path : str
        The DICOMDIR, or the archive that holds it.
    member : str
        Its name inside the archive.
    """
    place = file_place(path, member)
    try:
        dataset = read_dataset(InstanceHeader(path=path, member=member))
        references = [ids for record in dataset.get("DirectoryRecordSequence") or () if (ids := _file_id(record))]
        present = names_beside(path, member)
    except (InputError, OSError, ValueError, AttributeError, TypeError, NotImplementedError) as error:
        text = f"The DICOMDIR can't be read ({type(error).__name__}); files were found without it"
        return [Issue(code="dicomdir-unreadable", level="caution", message=text, where=place)]
    missing = [name for name in references if _key(name) not in present]
    if not missing:
        text = f"The DICOMDIR names {len(references)} files and all are there; series were read from the files"
        return [Issue(code="dicomdir", level="info", message=text, where=place)]
    examples = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
    text = (
        f"The DICOMDIR names {len(references)} files, {len(missing)} of them are missing ({examples}); "
        "copy the whole disc or folder"
    )
    return [Issue(code="dicomdir-files-missing", level="caution", message=text, where=place)]


def _file_id(record: object) -> str:
    ids = getattr(record, "ReferencedFileID", None)
    if not ids:
        return ""
    return ids if isinstance(ids, str) else "/".join(str(part) for part in ids)


def _key(name: str) -> str:
    """Names compare without case, version suffix or trailing dot, as discs write them."""
    return re.sub(r"(;\d+|\.)$", "", name.replace("\\", "/")).casefold()


def names_beside(path: str, member: str) -> set[str]:
    if member:
        inner, within, name = member.rpartition(WITHIN)
        folder = name.rpartition("/")[0]
        prefix = f"{inner}{within}{folder}/" if folder else f"{inner}{within}"
        return {_key(name.removeprefix(prefix)) for name in archive.members(path, inner) if name.startswith(prefix)}
    base = os.path.dirname(path) or "."
    return {
        _key(os.path.relpath(os.path.join(folder, name), base)) for folder, _, names in os.walk(base) for name in names
    }
