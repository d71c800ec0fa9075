"""Each verb is a Python call of the same name, with the result that ``--json`` prints."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import pytest

import lutetia
from lutetia.cli import VERBS, main


def printed(capsys, *arguments):
    """What a verb prints, as data."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments] + ["--json"])
    assert (caught.value.code or 0) in (0, 1)
    return json.loads(capsys.readouterr().out)


def test_every_verb_is_a_call_with_a_docstring_that_names_its_parameters():
    for verb in VERBS:
        call = getattr(lutetia, verb)
        if verb == "rules":
            continue
        said = inspect.getdoc(call)
        for name in inspect.signature(call).parameters:
            assert name in said, f"help(lutetia.{verb}) does not explain {name}"
        assert "Returns" in said or "Raises" in said


def test_every_public_name_is_known_to_a_type_checker():
    """What is imported on first use would be `Any` without the stub beside it."""
    stub = ast.parse(Path(lutetia.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert seen == set(lutetia.__all__) - {"__version__"}
    for name in lutetia.__all__:
        assert getattr(lutetia, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'reed'"):
        _ = lutetia.reed


def test_scan_returns_what_the_verb_prints(capsys, tiny_patient):
    assert lutetia.scan(tiny_patient.dicom) == printed(capsys, "scan", tiny_patient.dicom)


def test_suv_returns_what_the_verb_prints(capsys, tiny_patient):
    called = lutetia.suv(tiny_patient.dicom, weight_kg=71.0)
    assert json.loads(called.model_dump_json()) == printed(capsys, "suv", tiny_patient.dicom, "--weight-kg", "71")


def test_doctor_returns_what_the_verb_prints(capsys):
    assert [c.model_dump() for c in lutetia.doctor()] == printed(capsys, "doctor")


def test_the_parts_of_rules_return_what_the_verb_prints(capsys):
    pair = ("krenning-original-4", "krenning-original-5")
    assert lutetia.rules.list_rules() == printed(capsys, "rules", "list")
    assert lutetia.rules.list_sources() == printed(capsys, "rules", "sources")
    assert lutetia.rules.diff_rules(*pair) == printed(capsys, "rules", "diff", *pair)
    shown = json.loads(json.dumps(lutetia.rules.show_rule("karfis"), default=str))
    assert shown == printed(capsys, "rules", "show", "karfis")


def test_make_phantom_tells_a_story_as_the_verb_does_and_not_beside_a_variant(tmp_path):
    with pytest.raises(lutetia.UsageError) as error:
        lutetia.make_phantom(tmp_path, variant="small", course="captem")
    assert error.value.code == "story-and-variant"
    with pytest.raises(lutetia.UsageError):
        lutetia.make_phantom(tmp_path, course="odyssey")
    assert not any(tmp_path.iterdir())


def test_conformance_objects_are_written_by_the_call_as_by_the_verb(tmp_path):
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(lutetia.UsageError) as error:
        lutetia.conformance(tmp_path, write=True)
    assert error.value.code == "folder-not-empty"


def test_a_lesion_is_asked_for_by_id_or_number(tmp_path):
    with pytest.raises(lutetia.InputError) as error:
        lutetia.why(tmp_path, 3)
    assert error.value.code == "no-findings"
