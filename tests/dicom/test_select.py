"""Which PET and CT are read, and the reason for every other series."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.dicom.pixels import load_ct
from lutetia.dicom.report_scan import report
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import InputError, UsageError

UIDS = iter(f"1.2.826.0.1.99.{k}" for k in range(10_000))


@pytest.fixture
def study(tmp_path, dicom_series):
    """A study under construction: `study.add(...)`, then `study.select()`."""

    class Study:
        folder = tmp_path / "in"

        def add(self, modality="PT", length=6, matrix=(8, 10), **changes):
            rng = np.random.default_rng(1)
            stored = rng.integers(0, 3000, (length, *matrix)).astype(np.uint16)
            uid = next(UIDS)
            series = dicom_series(modality, **{"stored": stored, **changes})
            series.uid = uid
            if changes.get("description"):
                series.description = changes["description"]
            series.write(self.folder / uid)
            return uid

        def select(self, **options):
            return select(scan(self.folder), **options)

        def one(self, **options):
            (selection,) = self.select(**options)
            return selection

    return Study()


def reasons(selection):
    return {n.series_instance_uid: (n.role, n.reason) for n in selection.notes}


def corrections(*names):
    return lambda d, k: setattr(d, "CorrectedImage", list(names))


def image_type(*values):
    return lambda d, k: setattr(d, "ImageType", list(values))


def test_the_corrected_pet_is_read_and_not_the_uncorrected_one(study):
    nac = study.add(edit=corrections("DECY", "RAN"), number=1, description="PET WB")
    ac = study.add(number=2, description="PET WB")
    selection = study.one()
    assert selection.pet.series_instance_uid == ac
    assert reasons(selection)[nac] == ("", "not attenuation-corrected")
    assert "attenuation-corrected" in reasons(selection)[ac][1]


@pytest.mark.parametrize("name", ["PET NAC", "WB_NAC", "PET No AC", "PET non-AC", "Uncorrected WB", "PET noAC"])
def test_a_series_named_nac_is_not_measured_even_if_the_header_lists_attn(study, name):
    study.add(description=name)
    ac = study.add(description="PET AC", length=4)
    assert study.one().pet.series_instance_uid == ac


@pytest.mark.parametrize("name", ["[WB_CTAC] Body", "PET AC", "Piano accelerated", "C2S1D0 [xSPECT48iNOFILT - AC ]"])
def test_names_that_only_look_like_nac_are_measured(study, name):
    uid = study.add(description=name)
    assert study.one().pet.series_instance_uid == uid


def test_an_uncorrected_pet_alone_is_refused_but_can_be_forced(study):
    uid = study.add(edit=corrections("DECY"), description="PET WB")
    refused = study.one()
    assert refused.pet is None
    assert refused.issues[-1].code == "not-attenuation-corrected"
    forced = study.one(pet=uid)
    assert forced.pet.series_instance_uid == uid
    assert "pet-chosen-by-hand" in [i.code for i in forced.issues]


def test_mip_derived_and_fused_series_are_left_out(study):
    mip = study.add(edit=image_type("DERIVED", "SECONDARY", "MIP"), length=12)
    named = study.add(description="PET MIP rotating", length=12)
    fused = study.add(description="Fused PET CT", length=12)
    derived = study.add(edit=image_type("DERIVED", "SECONDARY"), length=12)
    original = study.add(description="PET AC")
    selection = study.one()
    assert selection.pet.series_instance_uid == original
    why = {uid: reason for uid, (_, reason) in reasons(selection).items()}
    assert why[mip] == why[named] == "maximum-intensity projection"
    assert why[fused] == "fused or captured pictures"
    assert why[derived] == "derived image; the original is there"


def test_a_derived_pet_is_read_where_there_is_no_other_and_said(study):
    study.add(edit=image_type("DERIVED", "PRIMARY"))
    selection = study.one()
    assert selection.pet is not None
    assert "derived-pet" in [i.code for i in selection.issues]


def test_the_longest_pet_is_read_and_the_other_is_offered(study):
    short = study.add(length=6)
    long = study.add(length=40)
    selection = study.one()
    assert selection.pet.series_instance_uid == long
    assert reasons(selection)[short][1].startswith("shorter")
    assert "several-pets" in [i.code for i in selection.issues]
    assert study.one(pet=short).pet.series_instance_uid == short


def test_a_pet_of_another_part_of_the_body_is_not_called_a_reconstruction(study):
    def moved(d, k):
        x, y, z = d.ImagePositionPatient
        d.ImagePositionPatient = [x, y, float(z) + 500.0]

    trunk = study.add(length=40, number=1)
    legs = study.add(length=40, number=2, description="PET legs", edit=moved)
    selection = study.one()
    assert selection.pet.series_instance_uid == trunk
    assert reasons(selection)[legs][1].startswith("covers another part of the body")
    (issue,) = [i for i in selection.issues if i.code == "pet-covers-part"]
    assert issue.level == "caution" and "PET legs" in issue.message


def half_an_hour_later(d, k):
    d.AcquisitionTime = f"{int(d.AcquisitionTime[:4]) + 30:04d}{d.AcquisitionTime[4:]}"


def test_a_late_acquisition_is_not_called_a_reconstruction(study):
    study.add(length=20, number=1)
    late = study.add(length=20, number=2, edit=half_an_hour_later)
    assert reasons(study.one())[late][1] == "another acquisition of similar length, 30 min apart, was chosen"


def fdg(d, k):
    item = d.RadiopharmaceuticalInformationSequence[0]
    item.Radiopharmaceutical, item.RadionuclideHalfLife = "FDG", "6586.2"
    item.RadionuclideCodeSequence[0].CodeValue = "77004003"


def test_a_second_tracer_in_the_study_is_a_scan_of_its_own(study):
    study.add(length=20)
    study.add(edit=fdg)
    assert {s.tracer.tracer.key for s in study.select()} == {"dotatate", "fdg"}


def test_one_ct_serves_two_tracers_that_share_its_frame_and_both_readings_are_announced(study):
    study.add(length=20)
    study.add(length=20, edit=fdg)
    ct = study.add("CT", length=20)
    assert [s.ct.series_instance_uid for s in study.select()] == [ct, ct]
    (listed,) = report(scan(study.folder))["patients"][0]["studies"]
    assert listed["reading"] == "would be read as PET/CT, 68Ga-DOTATATE and as PET/CT, 18F-FDG"


def test_of_two_cts_in_one_frame_each_tracer_takes_the_one_of_its_own_time(study):
    def at(time, tracer=None):
        def edit(d, k):
            d.AcquisitionTime = d.SeriesTime = time
            if tracer:
                tracer(d, k)

        return edit

    study.add(length=20, edit=at("101500"))
    study.add(length=20, edit=at("151500", fdg))
    afternoon = study.add("CT", length=20, edit=at("150500"), number=1)
    morning = study.add("CT", length=20, edit=at("100500"), number=2)
    assert [s.ct.series_instance_uid for s in study.select()] == [morning, afternoon]


def test_spects_of_two_days_in_one_study_are_two_scans(study):
    def next_day(d, k):
        for keyword in ("AcquisitionDate", "SeriesDate"):
            setattr(d, keyword, "20250202")

    first, second = study.add(length=20), study.add(length=12, edit=next_day)
    assert [s.pet.series_instance_uid for s in study.select()] == [first, second]
    assert [s.study.date for s in study.select()][1] == "20250202"


def test_an_override_may_be_a_series_number_or_a_beginning(study):
    study.add(number=11, length=10)
    wanted = study.add(number=12)
    assert study.one(pet="12").pet.series_instance_uid == wanted
    with pytest.raises(UsageError) as error:
        study.select(pet="1.2.826.0.1.99")
    assert error.value.code == "ambiguous-series"
    with pytest.raises(UsageError) as error:
        study.select(pet="99")
    assert error.value.code == "no-such-series"
    assert "12" in error.value.expected


def test_a_frame_of_a_dynamic_pet_is_chosen_by_what_the_refusal_names(study):
    def frame(minute):
        def edit(d, k):
            d.SeriesType, d.FrameReferenceTime = ["DYNAMIC", "IMAGE"], f"{60000 * minute}"
            d.SOPInstanceUID += f".{minute}"

        return edit

    uid = study.add(edit=frame(1), number=4)
    for minute in (2, 3):
        again = study.add(edit=lambda d, k, m=minute: (frame(m)(d, k), setattr(d, "SeriesInstanceUID", uid)), number=4)
        assert again != uid
    refused = study.one()
    (issue,) = [i for i in refused.issues if i.code == "dynamic-pet"]
    assert issue.message.count("one moment is not the scan") == 1
    with pytest.raises(UsageError) as error:
        study.select(pet="4")
    named = error.value.expected.split("; ")
    assert named[1] == f"{uid}#2 (time frame 2 of 3)"
    assert study.one(pet=named[1].split()[0]).pet.part == "time frame 2 of 3"


def test_the_ct_shares_the_frame_of_reference_and_covers_the_pet(study):
    study.add("PT", length=20)
    other_frame = study.add("CT", length=20, frame_uid="1.2.3.4")
    part = study.add("CT", length=8)
    whole = study.add("CT", length=20)
    scout = study.add("CT", length=1, edit=image_type("ORIGINAL", "PRIMARY", "LOCALIZER"))
    topogram = study.add("CT", length=20, description="Topogram 0.6")
    selection = study.one()
    assert selection.ct.series_instance_uid == whole
    assert selection.modality == "PET/CT"
    why = {uid: reason for uid, (_, reason) in reasons(selection).items()}
    assert (
        why[whole]
        == "shares the PET's frame of reference, covers 100% of its length and 100% of its width, 5 mm slices"
    )
    assert why[part] == "covers less of the PET's length: 40% against 100%"
    assert why[other_frame].startswith("another frame of reference")
    assert why[scout] == why[topogram] == "scout (localizer)"


def test_the_soft_tissue_ct_is_read_and_not_the_lung_kernel(study):
    def kernel(name):
        return lambda d, k: setattr(d, "ConvolutionKernel", name)

    study.add("PT")
    sharp = study.add("CT", edit=kernel("B70f"), spacing=2.5, length=12)
    lung = study.add("CT", description="CT lung 2.5", spacing=2.5, length=12)
    soft = study.add("CT", edit=kernel("B30f"))
    selection = study.one()
    assert selection.ct.series_instance_uid == soft
    assert "lung or bone" in reasons(selection)[sharp][1]
    assert "lung or bone" in reasons(selection)[lung][1]


@pytest.mark.parametrize("scale", ["Z_EFF", "EDW", "MGML", "HU_MOD"])
def test_a_map_of_multi_energy_ct_is_not_taken_for_hounsfield_units(study, scale):
    study.add("PT", length=20)
    map_ = study.add("CT", length=20, spacing=2.5, edit=lambda d, k: setattr(d, "RescaleType", scale))
    ct = study.add("CT", length=20, edit=lambda d, k: setattr(d, "RescaleType", "HU"))
    selection = study.one()
    assert selection.ct.series_instance_uid == ct
    assert reasons(selection)[map_][1].endswith("not in Hounsfield units")
    forced = study.one(ct=map_)
    assert forced.ct.series_instance_uid == map_
    assert "not in Hounsfield units" in next(i for i in forced.issues if i.code == "ct-chosen-by-hand").message


def test_a_ct_whose_rescale_type_is_unspecified_is_one_in_hounsfield_units(study):
    study.add("PT")
    ct = study.add("CT", edit=lambda d, k: setattr(d, "RescaleType", "US"))
    assert study.one().ct.series_instance_uid == ct


def test_of_equal_cts_the_thinner_slices_are_read(study):
    study.add("PT")
    study.add("CT", spacing=5.0)
    thin = study.add("CT", spacing=2.5, length=12)
    assert study.one().ct.series_instance_uid == thin


def test_a_ct_of_part_of_the_pet_is_used_where_it_lies(study):
    study.add("PT", length=20)
    study.add("CT", length=8)
    selection = study.one()
    assert selection.ct is not None
    (issue,) = [i for i in selection.issues if i.code == "ct-covers-part"]
    assert "40%" in issue.message


def test_a_ct_stored_bed_by_bed_is_read_as_one(study):
    study.add("PT", length=20)
    lower = study.add("CT", length=13, number=11, description="CT bed 1")
    upper = study.add("CT", length=12, number=12, description="CT bed 2", origin=(-20.0, -16.0, 141.0))
    selection = study.one()
    assert selection.ct.n_images == 13 + 7  # the overlap is taken from the first bed, which ends at 160 mm
    heights = sorted(h.position_mm[2] for h in selection.ct.instances)
    assert np.diff(heights).max() <= 7.5
    assert load_ct(selection.ct).grid.shape[0] >= 20
    role, reason = reasons(selection)[upper]
    assert role == reasons(selection)[lower][0] == "CT"
    assert "another bed of the same CT" in reason
    (issue,) = [i for i in selection.issues if i.code == "ct-in-beds"]
    assert "CT 11 'CT bed 1', CT 12 'CT bed 2'" in issue.message
    assert not [i for i in selection.issues if i.code == "ct-covers-part"]


def test_three_beds_in_any_order_are_one_ct(study):
    study.add("PT", length=30)
    beds = [
        study.add("CT", length=10, number=n, origin=(-20.0, -16.0, z)) for n, z in ((11, 200), (12, 100), (13, 150))
    ]
    selection = study.one()
    assert selection.ct.n_images == 30
    assert {reasons(selection)[uid][0] for uid in beds} == {"CT"}


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("another field of view or matrix", {"pixel": (3.0, 3.0), "matrix": (12, 14)}),
        ("another slice spacing", {"spacing": 4.0}),
        ("slices are missing between the two", {"origin": (-20.0, -16.0, 160.0)}),
        ("another place of the table across", {"origin": (-18.0, -16.0, 150.0)}),
        ("another kernel", {"edit": lambda d, k: setattr(d, "ConvolutionKernel", "B41f")}),
        ("one with contrast agent, one without", {"edit": lambda d, k: setattr(d, "ContrastBolusAgent", "Iomeron")}),
    ],
)
def test_a_ct_of_the_other_bed_that_does_not_continue_the_first_is_named_with_the_reason(study, why, changes):
    study.add("PT", length=20)
    lower = study.add("CT", length=10, number=11, description="CT bed 1")
    upper = study.add(
        "CT", **{"length": 10, "number": 12, "description": "CT bed 2", "origin": (-20.0, -16.0, 150.0), **changes}
    )
    selection = study.one()
    assert selection.ct.series_instance_uid == lower
    assert selection.ct.n_images == 10
    role, reason = reasons(selection)[upper]
    assert role == ""
    assert reason.endswith(f"but can't be joined to the CT that is read: {why}")
    (issue,) = [i for i in selection.issues if i.code == "ct-covers-part"]
    assert "'CT bed 2' covers" in issue.message
    assert "can't be joined" in issue.message


def test_a_ct_chosen_by_hand_is_read_alone(study):
    study.add("PT", length=20)
    study.add("CT", length=10, number=11, description="CT bed 1")
    study.add("CT", length=10, number=12, description="CT bed 2", origin=(-20.0, -16.0, 150.0))
    assert study.one(ct="12").ct.n_images == 10


def test_a_ct_beside_a_pet_that_is_refused_says_why_it_is_not_used(study):
    study.add("PT", edit=corrections("DECY"), description="PET WB")
    ct = study.add("CT")
    assert reasons(study.one())[ct] == ("", "there is no PET to lay it on")


def test_a_ct_in_another_frame_is_not_laid_on_the_pet(study):
    study.add("PT")
    uid = study.add("CT", frame_uid="1.2.3.4")
    selection = study.one()
    assert selection.ct is None
    assert selection.modality == "PET"
    assert "no-ct-on-pet" in [i.code for i in selection.issues]
    forced = study.one(ct=uid)
    assert forced.ct.series_instance_uid == uid
    assert "ct-other-frame" in [i.code for i in forced.issues]


def test_pet_without_ct_is_a_state(study):
    study.add("PT")
    selection = study.one()
    assert (selection.modality, selection.ct) == ("PET", None)
    assert selection.issues == ()


def test_ct_without_pet_is_refused_by_name(study):
    study.add("CT")
    with pytest.raises(InputError) as error:
        study.select()
    assert error.value.code == "no-pet"
    assert "only CT" in error.value.what


def test_a_tilted_ct_is_left_out_with_its_reason(study):
    def tilt(d, k):
        d.ImagePositionPatient = ["-20", str(-16 + k), str(100 + 5 * k)]

    study.add("PT")
    uid = study.add("CT", edit=tilt)
    selection = study.one()
    assert selection.ct is None
    assert "sheared-stack" in [i.code for i in selection.issues]
    assert "drift" in reasons(selection)[uid][1]


def test_a_dynamic_pet_is_refused_and_one_frame_can_be_forced(study, dicom_series):
    for frame in range(3):

        def stamp(d, k, frame=frame):
            d.SOPInstanceUID, d.FrameReferenceTime = f"1.2.3.{frame}.{k}", str(60000 * frame)

        series = dicom_series("PT", stored=np.full((6, 8, 10), frame, np.uint16), edit=stamp)
        series.write(study.folder / str(frame))
    selection = study.one()
    assert selection.pet is None
    assert selection.issues[-1].code == "dynamic-pet"
    forced = study.one(pet=f"{series.uid}#2")
    assert forced.pet.part == "time frame 2 of 3"


def test_two_studies_give_two_selections_in_order_of_date(study):
    study.add("PT", study_uid="1.2.3.2", edit=lambda d, k: setattr(d, "StudyDate", "20250301"))
    study.add("PT", study_uid="1.2.3.1", edit=lambda d, k: setattr(d, "StudyDate", "20250101"))
    dates = [s.study.date for s in study.select()]
    assert dates == ["20250101", "20250301"]


def test_a_pet_with_missing_slices_gives_way_to_a_whole_one(study):
    broken = study.add("PT", length=20)
    (study.folder / broken / "005").unlink()
    whole = study.add("PT")
    selection = study.one()
    assert selection.pet.series_instance_uid == whole
    assert "missing" in reasons(selection)[broken][1]


def test_the_real_sarcoma_patient_gives_the_original_pet_not_the_converted_one(shared):
    (selection,) = select(scan(shared / "data" / "pet_ge_sts001"))
    assert selection.pet.first.units == "BQML"
    assert selection.pet.n_images == 218
    assert selection.ct.n_images == 59
    assert selection.tracer.tracer.key == "fdg"
    assert {n.reason for n in selection.notes if n.modality == "RTSTRUCT"} == {"structure set, not an image to measure"}


def test_a_reprojection_is_no_volume(study):
    study.add(description="WB", number=0, edit=lambda d, k: setattr(d, "SeriesType", ["WHOLE BODY", "REPROJECTION"]))
    volume = study.add(description="WB", number=5)
    selection = study.one()
    assert selection.pet.series_instance_uid == volume
    assert "projection" in next(n.reason for n in selection.notes if n.series_instance_uid != volume)


def test_a_name_says_uncorrected_where_the_header_says_nothing(study):
    def silent(d, k):
        del d.CorrectedImage

    study.add(description="WB uncorr", number=1, edit=silent)
    corrected = study.add(description="WB", number=2, edit=silent)
    assert study.one().pet.series_instance_uid == corrected


def test_one_time_frame_of_a_dynamic_scan_is_said_and_a_static_scan_goes_before_it(study):
    def dynamic(d, k):
        d.SeriesType = ["DYNAMIC", "IMAGE"]

    study.add(number=1, edit=dynamic)
    assert "dynamic-pet" in {i.code for i in study.one().issues}
    static = study.add(number=2)
    selection = study.one()
    assert selection.pet.series_instance_uid == static
    assert "dynamic-pet" not in {i.code for i in selection.issues}
