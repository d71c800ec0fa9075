"""TotalSegmentator as a program: found or refused by name, run without network, its output recorded."""

from __future__ import annotations

import json
import os
import stat
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from lutetia.imaging.anatomy.sources import anatomy_sources
from lutetia.imaging.anatomy.totalsegmentator import (
    PROGRAM_VARIABLE,
    BackendError,
    command,
    find_totalsegmentator,
    run_totalsegmentator,
)
from lutetia.model import Volume

PROGRAM = """\
#!{python}
# Stands in for TotalSegmentator: writes a recorded result and what it was called with.
import json, os, sys
from pathlib import Path
if "--version" in sys.argv:
    print("TotalSegmentator 2.18.0"); sys.exit(0)
folder = Path({folder!r})
arguments = sys.argv[1:]
given = dict(zip(arguments[::1], arguments[1::1]))
import nibabel, numpy
ct = nibabel.load(given["-i"])
home = Path(os.environ["TOTALSEG_HOME_DIR"])
(folder / "call.json").write_text(json.dumps({{
    "arguments": arguments,
    "ct_shape": list(ct.shape),
    "ct_range": [int(ct.dataobj[:].min()), int(ct.dataobj[:].max())],
    "statistics": json.loads((home / "config.json").read_text())["send_usage_stats"],
    "weights": os.environ["TOTALSEG_WEIGHTS_PATH"],
    "proxy": os.environ["https_proxy"],
}}))
behaviour = (folder / "behaviour").read_text()
if behaviour == "fail":
    print("RuntimeError: out of memory", file=sys.stderr); sys.exit(3)
if behaviour == "nothing":
    sys.exit(0)
recorded = numpy.load(folder / "recorded.npy")
nibabel.save(nibabel.Nifti1Image(recorded.transpose(2, 1, 0), ct.affine), given["-o"])
"""


class Machine:
    """A machine with a TotalSegmentator that replays a recorded run."""

    def __init__(self, folder: Path, masks: dict[str, np.ndarray]) -> None:
        self.folder = folder
        program = folder / "TotalSegmentator"
        text = textwrap.dedent(PROGRAM).format(python=sys.executable, folder=str(folder))
        program.write_text(text, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.behaviour("write")
        numbers = {"spleen": 1, "kidney_right": 2, "kidney_left": 3, "liver": 5, "heart": 51, "aorta": 52}
        recorded = np.zeros(next(iter(masks.values())).shape, np.uint8)
        for organ, number in numbers.items():
            recorded[masks[organ]] = number
        np.save(folder / "recorded.npy", recorded)
        self.weights = folder / "weights"
        self.environment = {
            **os.environ,
            PROGRAM_VARIABLE: str(program),
            "TOTALSEG_WEIGHTS_PATH": str(self.weights),
            "PATH": "/nowhere",
        }

    def behaviour(self, word: str) -> None:
        (self.folder / "behaviour").write_text(word, encoding="utf-8")

    def add_weights(self, dataset: int, *, empty: bool = False) -> None:
        fold = self.weights / f"Dataset{dataset}_TotalSegmentator" / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0"
        fold.mkdir(parents=True)
        (fold / "checkpoint_final.pth").write_bytes(b"" if empty else b"weights")
        (fold.parent / "plans.json").write_text("{}", encoding="utf-8")

    def call(self) -> dict:
        return json.loads((self.folder / "call.json").read_text(encoding="utf-8"))


@pytest.fixture
def machine(tmp_path, make_patient):
    return Machine(tmp_path, make_patient("sstr").masks)


@pytest.fixture
def ct(make_patient):
    patient = make_patient("sstr")
    hu = np.full(patient.suv.grid.shape, -1000, np.int16)
    hu[patient.suv.array > 0.1] = 40
    return Volume(hu, patient.suv.grid, "HU")


def test_a_machine_without_it_is_told_how_to_get_it(make_patient, ct):
    with pytest.raises(BackendError) as refused:
        run_totalsegmentator(ct, make_patient("sstr").suv, environment={"PATH": "/nowhere"})
    assert refused.value.code == "totalsegmentator-missing"
    assert "pip install TotalSegmentator" in refused.value.remedy


def test_without_weights_nothing_is_started_and_nothing_downloaded(machine, make_patient, ct):
    with pytest.raises(BackendError) as refused:
        run_totalsegmentator(ct, make_patient("sstr").suv, environment=machine.environment)
    assert refused.value.code == "totalsegmentator-weights-missing"
    assert not (machine.folder / "call.json").exists()


def test_an_interrupted_download_is_no_weights(machine):
    machine.add_weights(297, empty=True)
    assert find_totalsegmentator(machine.environment).variants == ()


def test_all_five_networks_are_needed_for_the_full_task(machine):
    for dataset in (291, 292, 293, 294):
        machine.add_weights(dataset)
    assert find_totalsegmentator(machine.environment).variants == ()
    machine.add_weights(295)
    assert find_totalsegmentator(machine.environment).variants == ("total",)


def test_a_run_gives_organs_and_records_program_version_task_and_weights(machine, make_patient, ct):
    machine.add_weights(297)
    patient = make_patient("sstr")
    anatomy = run_totalsegmentator(ct, patient.suv, environment=machine.environment)
    assert np.array_equal(anatomy.mask("liver"), patient.masks["liver"])
    assert anatomy.source == f"TotalSegmentator 2.18.0, task total_fast, weights {machine.weights}"
    assert anatomy.organ("liver").source == anatomy.source
    assert anatomy.aorta is not None
    assert any(i.code == "anatomy-by-totalsegmentator" for i in anatomy.issues)


def test_it_runs_without_network_and_without_usage_statistics(machine, make_patient, ct):
    machine.add_weights(297)
    run_totalsegmentator(ct, make_patient("sstr").suv, environment=machine.environment)
    call = machine.call()
    assert call["statistics"] is False
    assert call["proxy"].startswith("http://127.0.0.1:")
    assert call["weights"] == str(machine.weights)
    assert {"--ml", "--fast", "--quiet"} <= set(call["arguments"])
    assert call["ct_range"] == [-1000, 40]
    assert call["ct_shape"] == list(reversed(ct.grid.shape))


def test_the_full_network_is_called_without_fast():
    assert "--fast" not in command(Path("p"), Path("a"), Path("b"), "total")


@pytest.mark.parametrize(("word", "said"), [("fail", "out of memory"), ("nothing", "no label map")])
def test_a_run_that_fails_says_why(machine, make_patient, ct, word, said):
    machine.add_weights(297)
    machine.behaviour(word)
    with pytest.raises(BackendError) as failed:
        run_totalsegmentator(ct, make_patient("sstr").suv, environment=machine.environment)
    assert failed.value.code == "totalsegmentator-failed"
    assert said in failed.value.what


def test_a_variant_without_its_weights_is_refused(machine, make_patient, ct):
    machine.add_weights(297)
    with pytest.raises(BackendError) as refused:
        run_totalsegmentator(ct, make_patient("sstr").suv, variant="total", environment=machine.environment)
    assert refused.value.code == "totalsegmentator-weights-missing"
    assert "Dataset291" in refused.value.expected


def test_the_sources_are_listed_with_what_is_missing(machine):
    bare = {s.title: s for s in anatomy_sources({"PATH": "/nowhere"})}
    assert bare["embedded anatomy"].available
    assert not bare["TotalSegmentator"].available
    assert bare["TotalSegmentator"].remedy
    assert (
        "no complete weights" in {s.title: s for s in anatomy_sources(machine.environment)}["TotalSegmentator"].detail
    )
    machine.add_weights(297)
    assert {s.title: s for s in anatomy_sources(machine.environment)}["TotalSegmentator"].available
