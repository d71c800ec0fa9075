"""The documentation is true: links lead somewhere, verbs exist, examples run."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lutetia
from lutetia.cli import app
from lutetia.phantom import PhantomTruth

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
VERBS = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands} | {
    g.name for g in app.registered_groups
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_is_under_100_lines_and_shows_a_real_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert picture is not None
    assert (ROOT / picture.group(1)).stat().st_size > 20_000


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S))
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tutorial.md"], ids=lambda p: p.name)
def test_every_verb_in_an_example_exists(page: Path) -> None:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("lutetia ")]
    assert lines
    for line in lines:
        assert line.split()[1] in VERBS, line


def test_every_verb_is_a_python_call_of_the_same_name() -> None:
    for verb in VERBS - {"rules"}:
        assert callable(getattr(lutetia, str(verb).replace("-", "_"))), verb


def test_the_tutorial_runs_from_patient_to_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections 1 to 4, on the small phantom."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8").split("## 5.")[0]
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] == "make-phantom":
            words += ["--size", "small"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.output}"


def test_the_readme_s_python_example_runs(
    tiny_patient: PhantomTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink(tiny_patient.dicom, tmp_path / "EXPORT")
    (code,) = blocks(ROOT / "README.md", "python")
    exec(code, {})
    assert "lesion-1" in capsys.readouterr().out


def test_help_reads_like_a_map() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    for verb in ("scan", "suv", "read", "why", "score", "rules", "conformance", "doctor"):
        assert verb in text


def test_the_version_is_printed() -> None:
    assert lutetia.__version__ in CliRunner().invoke(app, ["--version"]).output
