"""Which PET and which CT of each study are read, and the reason for every series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lutetia.dicom.acquisitions import split_scans
from lutetia.dicom.choose import Reasons, choose_ct, choose_pet, same_frame
from lutetia.dicom.series import Inventory, PatientFiles, SeriesFiles, StudyFiles
from lutetia.dicom.suitability import CT_CLASSES, NM_CLASS, is_emission, is_image, judge_ct, judge_pet, other_kind
from lutetia.dicom.tracers import TracerFinding, identify_tracer
from lutetia.model import InputError, Issue, SeriesNote, UsageError

StudyModality = Literal["PET/CT", "PET", "SPECT/CT", "SPECT"]


@dataclass(frozen=True, eq=False)
class StudySelection:
    """What is read of one study.

    Attributes
    ----------
    patient, study : PatientFiles, StudyFiles
    pet : SeriesFiles or None
        The PET or SPECT; None when every one of them was refused (``issues`` says why).
    ct : SeriesFiles or None
    modality : str
        "PET/CT", "PET", "SPECT/CT" or "SPECT".
    tracer : TracerFinding or None
        As the header of the chosen PET tells it.
    notes : tuple of SeriesNote
        Every series of the study with its role ("PET", "CT", "") and the reason.
    issues : tuple of Issue
    """

    patient: PatientFiles
    study: StudyFiles
    pet: SeriesFiles | None
    ct: SeriesFiles | None
    modality: StudyModality
    tracer: TracerFinding | None = None
    notes: tuple[SeriesNote, ...] = ()
    issues: tuple[Issue, ...] = ()


def select(
    inventory: Inventory,
    patient: str | None = None,
    pet: str | Sequence[str] | None = None,
    ct: str | Sequence[str] | None = None,
) -> tuple[StudySelection, ...]:
    """Choose the PET (or SPECT) and the CT of every study of one patient.

    Parameters
    ----------
    inventory : Inventory
    patient : str, optional
        Patient ID or name (or an unambiguous beginning); needed when there are several patients.
    pet, ct : str or sequence of str, optional
        SeriesInstanceUID, an unambiguous beginning of it, or a series number; "UID#2" is the second part of a
        split series. Overrides the choice in the studies that hold such a series, whatever spoke against it.

    Raises
    ------
    UsageError
        ``several-patients``, ``no-such-patient``, ``no-such-series``, ``ambiguous-series``.
    InputError
        ``no-dicom``, ``no-pet`` when there is no PET or SPECT at all.
    """
    chosen = _patient(inventory, patient)
    wanted_pet, wanted_ct = _wanted(pet), _wanted(ct)
    _check_wanted(chosen, wanted_pet, "--pet", is_emission)
    _check_wanted(chosen, wanted_ct, "--ct", _is_ct)
    scans = [scan for study in chosen.studies for scan in split_scans(study, _is_ct)]
    with_pet = [scan for scan in scans if any(is_emission(s) for s in scan.series)]
    if not with_pet:
        kinds = sorted({s.modality or "?" for study in chosen.studies for s in study.series})
        raise InputError(
            "no-pet",
            f"There is no PET or SPECT series, only {', '.join(kinds)}",
            where=", ".join(inventory.paths) or chosen.key,
            expected="a PET (or quantitative SPECT) series; a CT may come with it",
            remedy="give the folder that holds the PET; lutetia scan lists what was found and what could not be read",
        )
    elsewhere = [scan for scan in scans if scan not in with_pet]
    selections = [_of_study(chosen, study, elsewhere, wanted_pet, wanted_ct) for study in with_pet]
    return tuple(selections)


def without_ct(selection: StudySelection) -> StudySelection:
    """The selection of someone who wants the PET read without CT: the CT is listed among what is not used."""
    modality: StudyModality = "SPECT" if selection.modality.startswith("SPECT") else "PET"
    notes = tuple(
        n.model_copy(update={"role": "", "reason": "PET without CT was asked for (--ct none)"}) if n.role == "CT" else n
        for n in selection.notes
    )
    issues = tuple(i for i in selection.issues if not i.code.startswith("ct-") and i.code != "no-ct-on-pet")
    return replace(selection, ct=None, modality=modality, notes=notes, issues=issues)


def _patient(inventory: Inventory, wanted: str | None) -> PatientFiles:
    patients = [p for p in inventory.patients if any(is_image(s) for st in p.studies for s in st.series)]
    listed = "; ".join(_described(p) for p in patients)
    if wanted is not None:
        found = patients_called(patients, wanted)
        if len(found) == 1:
            return found[0]
        if not found and patients_called(inventory.patients, wanted):
            raise InputError(
                "no-images",
                f"No PET, SPECT or CT image of the patient {wanted!r} can be read",
                where=", ".join(inventory.paths),
                expected="DICOM images of a PET/CT",
                remedy="the other messages say what is wrong with the files",
            )
        raise UsageError(
            "no-such-patient",
            f"The patient {wanted!r} is {'ambiguous' if found else 'not there'}",
            where="--patient",
            expected=listed or "a patient of the input",
            remedy="give a Patient ID as lutetia scan lists it",
        )
    if not patients:
        refused = [i for i in inventory.issues if i.level == "error" and i.code != "no-dicom"]
        others = list(dict.fromkeys(i.message for i in inventory.issues if i.code == "not-dicom"))[:3]
        raise InputError(
            refused[0].code if refused else "no-dicom",
            refused[0].message if refused else "; ".join(["There is no PET, SPECT or CT image", *others]),
            where=(refused[0].where if refused else "") or ", ".join(inventory.paths),
            expected="DICOM images of a PET/CT",
            remedy="lutetia scan lists what was found and what could not be read",
        )
    with_pet = [p for p in patients if any(is_emission(s) for st in p.studies for s in st.series)]
    if len(patients) == 1:
        return patients[0]
    raise UsageError(
        "several-patients",
        f"The input holds {len(patients)} patients ({len(with_pet)} with PET or SPECT)",
        where=", ".join(inventory.paths),
        expected=listed,
        remedy="choose one with --patient",
    )


def patients_called(patients: Sequence[PatientFiles], wanted: str) -> list[PatientFiles]:
    """The patients that a word of the user may mean: key, name or ID exactly, else the beginning of key or name.

    The key as it is written is that patient, whoever else is called so in other letters ("p1" beside "P1").

    An ID that several people share, given on its own, means all of them as one.
    """
    written = [p for p in patients if p.key == wanted]
    if written:
        return written
    word = wanted.casefold()
    exact = [p for p in patients if word in (p.key.casefold(), p.name.casefold())]
    if exact:
        return exact
    sharing = [p for p in patients if p.patient_id.casefold() == word]
    if sharing:
        studies = sorted((s for p in sharing for s in p.studies), key=lambda s: (s.date or "", s.study_instance_uid))
        return [PatientFiles(sharing[0].patient_id, sharing[0].patient_id, sharing[0].name, tuple(studies))]
    return [p for p in patients if p.key.casefold().startswith(word) or p.name.casefold().startswith(word)]


def _described(patient: PatientFiles) -> str:
    number = sum(len(study.series) for study in patient.studies)
    studies = "1 study" if len(patient.studies) == 1 else f"{len(patient.studies)} studies"
    return f"{patient.key} ({studies}, {number} series)"


def _wanted(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def _is_ct(series: SeriesFiles) -> bool:
    return series.first.sop_class_uid in CT_CLASSES


def _check_wanted(
    patient: PatientFiles, wanted: tuple[str, ...], option: str, fits: Callable[[SeriesFiles], bool]
) -> None:
    for key in wanted:
        if not any(_matches(study, key, fits) for study in patient.studies):
            there = [f"{s.number}: {s.series_instance_uid}" for st in patient.studies for s in st.series if fits(s)]
            raise UsageError(
                "no-such-series",
                f"No {option[2:].upper()} series is {key!r}",
                where=option,
                expected="; ".join(there) or f"a {option[2:].upper()} series in the input",
                remedy="give a series number or a SeriesInstanceUID as lutetia scan lists it",
            )


def _matches(study: StudyFiles, key: str, fits: Callable[[SeriesFiles], bool]) -> list[SeriesFiles]:
    """Series of a study that an override means; an exact UID before a series number before a beginning."""
    name, _, part = key.partition("#")
    series = [s for s in study.series if fits(s)]
    for rule in (
        lambda s: s.series_instance_uid == name,
        lambda s: s.number is not None and str(s.number) == name,
        lambda s: s.series_instance_uid.startswith(name),
    ):
        found = [s for s in series if rule(s)]
        if found:
            if part:
                same = [s for s in found if s.series_instance_uid == found[0].series_instance_uid]
                return [same[int(part) - 1]] if part.isdigit() and 0 < int(part) <= len(same) else []
            return found
    return []


def _override(
    study: StudyFiles, wanted: tuple[str, ...], option: str, fits: Callable[[SeriesFiles], bool]
) -> SeriesFiles | None:
    found = [s for key in wanted for s in _matches(study, key, fits)]
    if len(found) > 1:
        raise UsageError(
            "ambiguous-series",
            f"{option} {', '.join(wanted)} fits {len(found)} series of the study of {study.date or 'unknown date'}",
            where=option,
            expected="; ".join(_typed(s, [s for s in study.series if fits(s)]) for s in found),
            remedy="give one of these; #n is the n-th part of a series that holds several",
        )
    return found[0] if found else None


def _typed(series: SeriesFiles, among: Sequence[SeriesFiles]) -> str:
    """What to type for a series: its UID, with the number of the part where it is one of several."""
    uid = series.series_instance_uid
    parts = [s for s in among if s.series_instance_uid == uid]
    if len(parts) < 2:
        return uid
    number = next(n for n, s in enumerate(parts, 1) if s is series)
    return f"{uid}#{number} ({series.part})"


def _of_study(
    patient: PatientFiles,
    study: StudyFiles,
    elsewhere: list[StudyFiles],
    wanted_pet: tuple[str, ...],
    wanted_ct: tuple[str, ...],
) -> StudySelection:
    issues: list[Issue] = [i for s in study.series for i in s.issues]
    reasons: Reasons = {}
    pets = [judge_pet(s) for s in study.series if is_emission(s)]
    pet = choose_pet(study, pets, _override(study, wanted_pet, "--pet", is_emission), reasons, issues)
    other_cts = [s for st in elsewhere for s in st.series if _is_ct(s)]
    cts = [judge_ct(s) for s in study.series if _is_ct(s)]
    by_hand = _override(study, wanted_ct, "--ct", _is_ct)
    if by_hand is None and wanted_ct:
        by_hand = next((s for st in elsewhere if (s := _override(st, wanted_ct, "--ct", _is_ct))), None)
    if not any(c.usable for c in cts):
        cts += [c for c in map(judge_ct, other_cts) if pet is not None and same_frame(c, pet) is True]
    ct = choose_ct(pet, cts, by_hand, reasons, issues)
    finding = None if pet is None else pet.tracer or identify_tracer(pet.series.dataset())
    emission = finding.emission if finding else None
    spect = pet is not None and (pet.series.first.sop_class_uid == NM_CLASS or emission == "single-photon")
    modality: StudyModality = ("SPECT/CT" if ct else "SPECT") if spect else ("PET/CT" if ct else "PET")
    listed = [*study.series, *(s for st in elsewhere for s in st.series)]
    notes = tuple(_note(s, reasons.get(id(s)), s in study.series) for s in listed)
    return StudySelection(
        patient,
        study,
        pet.series if pet else None,
        ct.series if ct else None,
        modality,
        finding,
        notes,
        tuple(issues),
    )


def _note(series: SeriesFiles, known: tuple[str, str] | None, here: bool) -> SeriesNote:
    role, reason = known or ("", other_kind(series) if not is_image(series) else "belongs to a study without PET")
    if known is None and is_image(series) and here:
        reason = "not needed"
    return SeriesNote(
        series_instance_uid=series.series_instance_uid,
        modality=series.modality,
        description=f"{series.description} ({series.part})" if series.part else series.description,
        n_images=series.n_images,
        role=role,
        reason=reason,
    )
