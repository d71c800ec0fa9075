"""A study measured again in a changed anatomy: what another study of the visit knows of its organs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.model import Reference, Volume
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore
from lutetia.reading.study import StudyReading, anatomy_stage, lesion_stage, reference_stage


def measure_again(
    reading: StudyReading,
    settings: ReadSettings,
    change: Callable[[Anatomy], Anatomy],
    organs: Collection[str],
    tumour: Any = None,
    store: StageStore | None = None,
    name: str = "",
    key: str = "",
) -> None:
    """Measure references and lesions anew, in place, in a changed anatomy.

    Parameters
    ----------
    reading : a study that was measured
    settings : as for `read_study`
    change : the study's own anatomy → the one to measure in
    organs : names of those that changed; the references of the others stay as they were
    tumour : (z, y, x) bool on the PET grid, left out of the liver with 6 mm around; None where none is known
    store, name, key : where the result is kept, and under what
    """
    before = dict(reading.study.references)
    del reading.issues[reading.issues_of_suv :]
    kept = store.find(name, key) if store is not None else None
    if kept is not None:
        from lutetia.reading.kept import restore

        restore(reading, kept)
        return
    if reading.restored or reading.anatomy is None:
        anatomy_stage(reading, settings)
    else:
        reading.issues.extend(i.model_copy(update={"study": reading.study.id}) for i in reading.anatomy.issues)
    assert reading.anatomy is not None
    reading.anatomy = change(reading.anatomy)
    reading.study = reading.study.model_copy(update={"organs": reading.anatomy.organs})
    measured = reference_stage(reading, settings, tumour)
    references = before | {n: r for n, r in measured.items() if n in organs or n not in before}
    reading.study = reading.study.model_copy(update={"references": references})
    lesion_stage(reading, references, settings, without_cold_tumour(reading, references, tumour))
    if store is not None:
        from lutetia.reading.kept import keep

        with store.writing(name, key) as folder:
            keep(reading, folder, reading.issues_of_suv)


def without_cold_tumour(reading: StudyReading, references: dict[str, Reference], tumour: Any) -> Anatomy:
    """The anatomy in which known tumour that is colder than liver is no liver: its spread is not the liver's noise."""
    assert reading.anatomy is not None and reading.suv is not None
    liver = references.get("liver")
    if tumour is None or liver is None or liver.suv_mean is None:
        return reading.anatomy
    labels = reading.anatomy.labels.array.copy()
    labels[(labels == LABELS["liver"]) & tumour & (reading.suv.array < liver.suv_mean)] = LABELS["body"]
    return replace(reading.anatomy, labels=Volume(labels, reading.anatomy.labels.grid, "label"))
