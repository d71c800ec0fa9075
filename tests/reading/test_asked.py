"""What a reading is asked is looked at before the first image: a slip is said at once, not after minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lutetia.model import LutetiaError
from lutetia.reading import read
from lutetia.reading.settings import ReadSettings

CORRECTIONS = """
version: 1
added:
  - {study: study-1, mask: drawn.nii.gz, tissue: liver, by: AB}
"""


@pytest.fixture
def no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def scan(*_: Any, **__: Any) -> Any:
        raise AssertionError("images were looked for")

    monkeypatch.setattr(read, "scan", scan)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"organs": "nowhere"}, "organs-missing"),
        ({"organs": "."}, "mask-unreadable"),  # a folder with neither NIfTI files nor one DICOM object
        ({"organs": "notes.txt"}, "mask-unreadable"),
        ({"references": {"liver": "nowhere.nii.gz"}}, "reference-file"),
        ({"references": {"liver": "notes.txt"}}, "mask-unreadable"),
        ({"references": {"liver": "1,2,3"}}, "reference-sphere"),
        ({"references": {"lung": "1,2,3,15"}}, "reference-unknown"),
        ({"corrections": "corrections.yaml"}, "mask-unreadable"),
        ({"overrides": {"weight_kg": "heavy"}}, "bad-override"),
        ({"scheme": "no such scheme"}, "unknown-segmentation-scheme"),
    ],
)
def test_a_wrong_path_or_word_is_said_before_any_image_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_image: None, asked: dict[str, Any], code: str
) -> None:
    (tmp_path / "notes.txt").write_text("liver", encoding="utf-8")
    (tmp_path / "corrections.yaml").write_text(CORRECTIONS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LutetiaError) as refused:
        read.read_course([tmp_path], ReadSettings(**asked))
    assert refused.value.code == code


def test_a_sphere_and_a_folder_of_masks_pass(tmp_path: Path, no_image: None) -> None:
    (tmp_path / "liver.nii.gz").touch()
    asked = ReadSettings(organs=str(tmp_path), references={"liver": "-80,20,-350,15", "blood": "0,0,0,10"})
    with pytest.raises(AssertionError, match="images were looked for"):
        read.read_course([tmp_path], asked)
