"""A result appears whole or not at all."""

from __future__ import annotations

import json

import pytest

from lutetia.model import InputError
from lutetia.outputs import transaction
from lutetia.outputs.transaction import Transaction, finish_interrupted


def _write(out, **files):
    with Transaction(out) as result:
        for name, text in files.items():
            result.write(name.replace("__", "/").replace("_", "."), text.encode())


def _names(out):
    return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())


def test_an_error_while_writing_leaves_the_old_result(tmp_path):
    _write(tmp_path, a_txt="old")
    with pytest.raises(TypeError), Transaction(tmp_path) as result:
        result.write("a.txt", "text where bytes are due")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert _names(tmp_path) == ["a.txt", "manifest.json"]


def test_a_process_killed_while_writing_leaves_the_old_result(tmp_path):
    _write(tmp_path, a_txt="old")
    result = Transaction(tmp_path).__enter__()
    result.write("a.txt", b"new")  # and then the power goes
    assert (tmp_path / "a.txt").read_text() == "old"
    assert finish_interrupted(tmp_path) is False
    assert _names(tmp_path) == ["a.txt", "manifest.json"]


def test_a_process_killed_during_the_renames_is_finished_by_the_next_call(tmp_path, monkeypatch):
    _write(tmp_path, a_txt="old", b_txt="old")
    real, calls = transaction.os.replace, []

    def replace_then_die(source, target):
        if not str(target).endswith("journal.json"):
            calls.append(target)
            if len(calls) == 2:
                raise SystemExit
        real(source, target)

    monkeypatch.setattr(transaction.os, "replace", replace_then_die)
    with pytest.raises(SystemExit):
        _write(tmp_path, a_txt="new", b_txt="new")
    monkeypatch.undo()
    assert {(tmp_path / n).read_text() for n in ("a.txt", "b.txt")} == {"old", "new"}
    assert finish_interrupted(tmp_path) is True
    assert {(tmp_path / n).read_text() for n in ("a.txt", "b.txt")} == {"new"}


def test_an_interrupt_during_the_renames_still_finishes_them(tmp_path, monkeypatch):
    _write(tmp_path, a_txt="old", b_txt="old")
    real, calls = transaction.os.replace, []

    def replace_then_interrupt(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(transaction.os, "replace", replace_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path, a_txt="new", b_txt="new")
    assert {(tmp_path / n).read_text() for n in ("a.txt", "b.txt")} == {"new"}


def test_files_of_an_earlier_result_go_and_files_of_others_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    _write(tmp_path, study__old_txt="1", a_txt="1")
    _write(tmp_path, a_txt="2")
    assert _names(tmp_path) == ["a.txt", "manifest.json", "notes.txt"]
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a", "x/../../a", "a\\b", "c:a", ""])
def test_nothing_is_written_outside_the_result(name, tmp_path):
    with pytest.raises(InputError), Transaction(tmp_path / "out") as result:
        result.write(name, b"")
    assert _names(tmp_path) == []


def test_a_forged_manifest_can_not_remove_files_outside(tmp_path):
    out = tmp_path / "out"
    _write(out, a_txt="1")
    (tmp_path / "keep.txt").write_text("keep")
    (out / "manifest.json").write_text(json.dumps({"files": ["a.txt", "../keep.txt"]}))
    _write(out, b_txt="2")
    assert (tmp_path / "keep.txt").exists()
