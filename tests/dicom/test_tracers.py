"""The tracer: from codes, then from text, never from a guess."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from lutetia.dicom.scan import scan
from lutetia.dicom.tracer_table import tracer_table
from lutetia.dicom.tracers import identify_tracer
from lutetia.model import UsageError

F18, GA68 = ("C-111A1", "99SDM", "18F"), ("35337001", "SCT", "^68^Gallium")
CU64, LU177, IN111 = ("3932008", "SCT", "64Cu"), ("C-101ED", "99SDM", "177 Lutetium"), ("56609000", "SCT", "111In")


@pytest.fixture
def header(coded):
    def make(text=None, nuclide=None, agent=None, half_life=None, series=None, study=None):
        item, dataset = Dataset(), Dataset()
        if text:
            item.Radiopharmaceutical = text
        if nuclide:
            item.RadionuclideCodeSequence = [coded(*nuclide)]
        if agent:
            item.RadiopharmaceuticalCodeSequence = [coded(*agent)]
        if half_life:
            item.RadionuclideHalfLife = str(half_life)
        dataset.RadiopharmaceuticalInformationSequence = [item]
        if series:
            dataset.SeriesDescription = series
        if study:
            dataset.StudyDescription = study
        return dataset

    return make


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        ({"agent": ("724025002", "SCT", "Dotatate Ga^68^")}, "dotatate"),
        ({"agent": ("C2713594", "UMLS", "Edotreotide Ga^68^")}, "dotatoc"),
        ({"agent": ("C-B1031", "SNM3", "Fluorodeoxyglucose F^18^")}, "fdg"),
        ({"agent": ("Y-X1743", "99SDM", "FDG -- fluorodeoxyglucose")}, "fdg"),
        ({"agent": ("781259000", "SCT", "Lutetium^177^ DOTATATE")}, "lu177-dotatate"),
        ({"agent": ("446800006", "SCT", "Indium^111 Pentetreotide")}, "in111-pentetreotide"),
        ({"agent": ("5811000122108", "SCT", "Fluoro-L-dopa F^18^")}, "fdopa"),
    ],
)
def test_a_code_tells_the_tracer(header, facts, key):
    finding = identify_tracer(header(**facts))
    assert finding.tracer.key == key
    assert finding.tracer.origin == "code"
    assert facts["agent"][0] in finding.tracer.evidence


@pytest.mark.parametrize(
    ("text", "nuclide", "key", "binds"),
    [
        ("Ga-68 DOTATATE", None, "dotatate", "sstr_agonist"),
        ("68Ga-DOTA-TATE", GA68, "dotatate", "sstr_agonist"),
        ("NETSPOT", None, "dotatate", "sstr_agonist"),
        ("DOTATOC", GA68, "dotatoc", "sstr_agonist"),
        ("[68Ga]Ga-DOTA-NOC", None, "dotanoc", "sstr_agonist"),
        ("Detectnet", None, "cu64-dotatate", "sstr_agonist"),
        ("copper Cu 64 dotatate", None, "cu64-dotatate", "sstr_agonist"),
        ("DOTATATE", CU64, "cu64-dotatate", "sstr_agonist"),
        ("177Lu-DOTATATE", None, "lu177-dotatate", "sstr_agonist"),
        ("Lutathera", None, "lu177-dotatate", "sstr_agonist"),
        ("[18F]AlF-NOTA-octreotide", None, "f18-alf-nota-octreotide", "sstr_agonist"),
        ("18F-SiTATE", None, "f18-sitate", "sstr_agonist"),
        ("68Ga-NODAGA-JR11", None, "jr11", "sstr_antagonist"),
        ("OPS202", GA68, "jr11", "sstr_antagonist"),
        ("68Ga-NODAGA-LM3", None, "lm3", "sstr_antagonist"),
        ("Fluorodeoxyglucose", None, "fdg", "glucose"),
        ("FDG", F18, "fdg", "glucose"),
        ("F18-FDG", None, "fdg", "glucose"),
        ("18F-Fluorodopa", None, "fdopa", "amino_acid_transport"),
        ("6-fluoro-L-DOPA", F18, "fdopa", "amino_acid_transport"),
        ("18F-MFBG", None, "mfbg", "norepinephrine_transporter"),
        ("I-123 MIBG", None, "i123-mibg", "norepinephrine_transporter"),
        ("68Ga-NODAGA-exendin-4", None, "exendin", "glp1r"),
        ("68Ga-DOTA-CP04", None, "cck2r-cp04", "cck2r"),
        ("68Ga-pentixafor", None, "pentixafor", "other"),
        ("Ga-68 PSMA-11", None, "psma-11", "other"),
        ("18F-PSMA-1007", None, "f18-psma", "other"),
        ("18F-FLT", None, "flt", "other"),
        ("Fluordesoxyglukose", F18, "fdg", "glucose"),
        ("[18F]fluorodésoxyglucose", None, "fdg", "glucose"),
        ("fluorodesoxiglucosa", F18, "fdg", "glucose"),
        ("Fluorodesossiglucosio", F18, "fdg", "glucose"),
        ("Gallium-68 édotréotide", None, "dotatoc", "sstr_agonist"),
        ("edotreotida", GA68, "dotatoc", "sstr_agonist"),
    ],
)
def test_a_text_tells_the_tracer_and_what_it_binds(header, text, nuclide, key, binds):
    finding = identify_tracer(header(text, nuclide))
    assert finding.issues == ()
    assert (finding.tracer.key, finding.tracer.binds) == (key, binds)


@pytest.mark.parametrize(
    "facts",
    [
        {"nuclide": GA68},
        {"nuclide": F18},
        {"nuclide": F18, "series": "PET WB AC"},
        {"nuclide": LU177, "study": "Tumor Imaging"},
        {"text": "Solution", "nuclide": GA68},
        {"half_life": 4062.6},
        {},
    ],
)
def test_a_radionuclide_alone_is_no_tracer(header, facts):
    finding = identify_tracer(header(**facts))
    assert finding.tracer is None
    assert [i.code for i in finding.issues] == ["tracer-unknown"]
    assert "--tracer" in finding.issues[0].message


def test_the_radionuclide_stays_known_when_the_tracer_is_not(header):
    finding = identify_tracer(header(nuclide=LU177))
    assert (finding.radionuclide, finding.emission) == ("177Lu", "single-photon")


def test_a_name_of_several_tracers_is_settled_by_the_half_life(header):
    assert identify_tracer(header("DOTATATE")).issues[0].code == "tracer-ambiguous"
    assert identify_tracer(header("DOTATATE", half_life=4070)).tracer.key == "dotatate"
    assert identify_tracer(header("DOTATATE", half_life=45720)).tracer.key == "cu64-dotatate"


def test_a_half_life_that_contradicts_the_radionuclide_is_refused(header):
    finding = identify_tracer(header("Ga-68 DOTATATE", GA68, half_life=6586.2))
    assert finding.tracer is None
    assert finding.issues[0].code == "half-life-contradicts-radionuclide"
    assert finding.issues[0].level == "error"


@pytest.mark.parametrize("seconds", [6586.2, 6588, 6586.199707])
def test_half_lives_of_different_tables_are_no_contradiction(header, seconds):
    assert identify_tracer(header("FDG", F18, half_life=seconds)).tracer.key == "fdg"


def test_text_that_contradicts_the_radionuclide_is_unknown(header):
    finding = identify_tracer(header("FDG", GA68))
    assert finding.tracer is None
    assert "contradicts its radionuclide 68Ga" in finding.issues[0].message


def test_a_description_helps_but_says_so(header):
    finding = identify_tracer(header(nuclide=F18, study="PET FDG CE TOF + BB"))
    assert finding.tracer.key == "fdg"
    assert finding.issues[0].code == "tracer-from-description"


def test_a_name_that_the_table_does_not_know_is_told_beside_what_a_description_says(header):
    finding = identify_tracer(header("girentuximab", GA68, study="DOTATATE PET/CT"))
    assert finding.tracer.key == "dotatate"
    assert "'girentuximab', which is not known" in finding.issues[0].message
    for generic in ("", "Ga-68", "68Ga"):
        finding = identify_tracer(header(generic, GA68, study="DOTATATE PET/CT"))
        assert "not known" not in finding.issues[0].message


def test_a_dual_tracer_description_settles_nothing(header):
    finding = identify_tracer(header(study="DOTATATE and FDG PET/CT"))
    assert finding.tracer is None
    assert finding.issues[0].code == "tracer-ambiguous"


def test_two_different_injections_are_contradictory(header):
    dataset = header("FDG", F18)
    dataset.RadiopharmaceuticalInformationSequence.append(
        header("DOTATATE", GA68).RadiopharmaceuticalInformationSequence[0]
    )
    finding = identify_tracer(dataset)
    assert finding.tracer is None
    assert finding.issues[0].level == "error"


@pytest.mark.parametrize(
    ("word", "key"),
    [("dotatate", "dotatate"), ("FDG", "fdg"), ("Detectnet", "cu64-dotatate"), ("Lu-177 DOTATATE", "lu177-dotatate")],
)
def test_the_users_word_wins_and_is_recorded(header, word, key):
    finding = identify_tracer(header(), override=word)
    assert finding.tracer.key == key
    assert finding.tracer.origin == "override"
    assert word in finding.tracer.evidence


def test_an_override_against_the_header_is_an_issue(header):
    finding = identify_tracer(header("FDG", F18), override="dotatate")
    assert finding.tracer.key == "dotatate"
    assert [i.code for i in finding.issues] == ["tracer-contradicts-header"]


@pytest.mark.parametrize("word", ["dotatite", "mibg", ""])
def test_an_override_that_is_no_tracer_is_refused(header, word):
    with pytest.raises(UsageError) as error:
        identify_tracer(header(), override=word)
    assert error.value.code == "unknown-tracer"


def test_pentetreotide_is_refused_for_measuring(header):
    finding = identify_tracer(header("In-111 Octreoscan", IN111))
    assert finding.tracer.key == "in111-pentetreotide"
    assert not finding.measurable
    assert "111In-pentetreotide" in finding.refusal


def test_every_row_of_the_table_is_sound():
    table = tracer_table()
    for key, entry in table.tracers.items():
        assert entry.radionuclide in table.radionuclides, key
        assert entry.names, key
        assert all(name == name.lower() and name.isalnum() for name in entry.names + entry.brands), key
        assert entry.measurable or entry.reason, key
        assert entry.citation.source, key
        pairs = [(n, entry.radionuclide) for n in entry.names]
        others = [(n, t.radionuclide) for t in table.tracers.values() if t.key != key for n in t.names]
        assert not set(pairs) & set(others), f"{key} can't be told from another tracer"


@pytest.mark.parametrize(
    ("folder", "key", "nuclide"),
    [
        ("pet_ge_sts001/pet_raw_bqml", "fdg", "18F"),
        ("pet_ge_headers/chum017_discovery_st", "fdg", "18F"),
        ("pet_philips_cnts/pet_chus005", "fdg", "18F"),
        ("pet_siemens_qinhn/pet", None, "18F"),
        ("lu177_dotatate_spect/scan1", None, "177Lu"),
        ("nema_iq_phantom_no_header/pet", None, None),
    ],
)
def test_real_headers(shared, folder, key, nuclide):
    finding = identify_tracer(scan(shared / "data" / folder).series[0].dataset())
    assert (finding.tracer.key if finding.tracer else None) == key
    assert finding.radionuclide == nuclide
    if key is None:
        assert finding.issues[0].code == "tracer-unknown"


@pytest.mark.parametrize("name", ["enhanced_pet_synthetic_from_dro_1_0", "legacy_converted_enhanced_pet_20frames"])
def test_multi_frame_objects_tell_their_tracer(shared, name):
    path = shared / "data" / "dicom_samples" / "multiframe" / f"{name}.dcm"
    assert identify_tracer(scan(path).series[0].dataset()).tracer.key == "fdg"
