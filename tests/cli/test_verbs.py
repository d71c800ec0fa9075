"""All verbs: what ``--help`` shows, exit status 0, 1 and 2, one clear message instead of a traceback, JSON out."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import lutetia
from lutetia.cli import VERBS, main

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    output = capsys.readouterr()
    return caught.value.code or 0, output.out, output.err


def test_help_reads_like_a_map(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    commands = out.split("Commands:")[1]
    for verb in VERBS:
        assert f"  {verb.replace('_', '-')} " in commands
    assert "..." not in commands, "a verb's line is cut at 80 columns"
    assert "Exit status" in " ".join(out.split())


@pytest.mark.parametrize("verb", [v.replace("_", "-") for v in VERBS if v != "rules"])
def test_every_verb_prints_json(capsys, verb):
    status, out, _ = run(capsys, verb, "--help")
    assert status == 0
    assert "--json" in out


@pytest.mark.parametrize(
    "words", [("list",), ("show", "karfis"), ("sources",), ("diff", "krenning-original-4", "krenning-original-5")]
)
def test_the_rules_print_json(capsys, words):
    status, out, _ = run(capsys, "rules", *words, "--json")
    assert status == 0
    assert json.loads(out)


def test_version_help_and_completion_start_without_the_heavy_libraries():
    """They are asked for at every press of the tab key."""
    code = (
        "import sys, lutetia.cli; "
        "print([m for m in ('numpy', 'scipy', 'pydantic', 'pydicom', 'SimpleITK', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(capsys):
    status, out, _ = run(capsys, "--version")
    assert (status, out) == (0, f"lutetia {lutetia.__version__}\n")


def test_the_shell_completes_verbs_and_choices():
    environment = {**os.environ, "_LUTETIA_COMPLETE": "complete_bash", "COMP_WORDS": "lutetia sc", "COMP_CWORD": "1"}
    program = [sys.executable, "-c", "from lutetia.cli import app; app(prog_name='lutetia')"]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["scan", "score"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scan", "{empty}"], ""),
        (["scan", "{empty}/nothing"], "no-such-path"),
        (["suv", "{empty}"], "no-pet-series"),
        (["suv", "{empty}", "--basis", "kg"], "unknown-suv-basis"),
        (["read", "{empty}", "--out", "{out}"], "[no-dicom]"),
        (["read", "{empty}", "--out", "{out}", "--anatomy", "guess"], "is not one of 'embedded'"),
        (["read", "{empty}", "--out", "{out}", "--visit-days", "-1"], "greater than or equal to 0"),
        (["read", "{empty}", "--out", "{out}", "--reference", "liver"], "NAME=VALUE"),
        (["read", "{empty}", "--out", "{out}", "--set", "C-A5"], "NAME=VALUE"),
        (["read", "{empty}", "--out", "{out}", "--scheme", "guess"], "expected: default, fixed-3"),
        (["read", "{empty}", "--out", "{out}", "--set", "C-ZZ=1"], "no switchable convention"),
        (["read", "{empty}", "--out", "{out}", "--case", "{empty}/case.yaml"], "case.yaml"),
        (["read", "{empty}", "--out", "{out}", "--corrections", "{empty}/c.yaml"], "bad-corrections"),
        (["read", "{empty}", "--out", ""], "--out is empty"),
        (["read", "{empty}", "--out="], "--out is empty"),
        (["read", "", "--out", "{out}"], "Argument 2 is empty"),
        (["read", "{empty}", "--out", "{out}", "--pseudonym", ""], "--pseudonym is empty"),
        (["read", "{empty}", "--out", "{out}", "--pseudonym", "A\\B"], "without a backslash"),
        (["read", "{empty}", "--out", "{out}", "--case", ""], "--case is empty"),
        (["make-phantom", ""], "Argument 2 is empty"),
        (["why", "{empty}", "1"], "no-findings"),
        (["score"], "no-case"),
        (["score", "{empty}/case.yaml"], "case.yaml"),
        (["score", "{empty}", "--only", "karfi"], "perhaps karfis"),
        (["rules", "show", "karfi"], "perhaps karfis"),
        (["conformance", "{empty}"], "{empty}"),
        (["make-phantom", "{out}", "--variant", "giant"], "giant"),
        (["make-phantom", "{out}", "--course", "nothing"], "nothing"),
    ],
    ids=lambda v: " ".join(v[:2]) if isinstance(v, list) else "",
)
def test_what_cannot_be_done_is_status_two_and_one_message(capsys, tmp_path, words, said):
    places = {"empty": tmp_path / "empty", "out": tmp_path / "out"}
    places["empty"].mkdir()
    status, out, err = run(capsys, *(w.format(**places) for w in words))
    assert status == 2
    assert said.format(**places) in err
    assert "Traceback" not in out + err
    assert not places["out"].exists() or not any(places["out"].iterdir())


@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_path_is_never_taken_for_the_working_directory(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    for call in (
        lambda: lutetia.read("somewhere", word),
        lambda: lutetia.read(word, "out"),
        lambda: lutetia.scan(word),
        lambda: lutetia.suv(word),
        lambda: lutetia.make_phantom(word),
        lambda: lutetia.conformance(word),
    ):
        with pytest.raises(lutetia.UsageError, match="is empty"):
            call()
    assert not list(tmp_path.iterdir())


def test_an_empty_pseudonym_does_not_leave_the_identity_in(tmp_path):
    with pytest.raises(lutetia.UsageError, match="pseudonym can't be ''"):
        lutetia.read("somewhere", tmp_path / "out", output={"pseudonym": ""})


def test_a_result_folder_that_is_a_file_is_one_message(capsys, tmp_path, tiny_patient):
    place = tmp_path / "result"
    place.write_text("not a folder")
    status, _, err = run(capsys, "read", tiny_patient.dicom, "--out", place)
    assert status == 2
    assert "can't be written" in err
    assert place.read_text() == "not a folder"


def test_a_terminal_without_our_signs_shows_others(tmp_path):
    code = "from lutetia.cli import main; main(['rules', 'list'])"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode("latin-1")[-500:]


def test_a_fault_of_our_own_is_one_message_and_no_traceback(capsys, monkeypatch, tmp_path):
    def broken(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("lutetia.api.scan", broken)
    status, _, err = run(capsys, "scan", tmp_path)
    assert status == 2
    assert "This should not happen: ZeroDivisionError" in err
    assert "LUTETIA_TRACEBACK" in err
    assert "Traceback" not in err


def test_a_place_that_can_not_be_written_is_one_message(capsys, tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    status, _, err = run(capsys, "make-phantom", place, "--size", "small")
    assert status == 2
    assert "[file-error]" in err
    assert str(place) in err
    assert "should not happen" not in err
