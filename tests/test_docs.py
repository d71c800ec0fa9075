"""The documentation is true: links lead somewhere, verbs exist, examples run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import lutetia
from lutetia.cli import app
from lutetia.phantom import PhantomTruth
from lutetia.reading.corrections_file import load_corrections
from lutetia.rules.case import case_from_text

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


def options(verb: str, sub: str = "") -> set[str]:
    """The options of a verb, or of its sub-command where it has one of that name."""
    command: Any = get_command(app).commands[verb]  # type: ignore[attr-defined]
    command = getattr(command, "commands", {}).get(sub, command)
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_on_a_page_has_its_verb_and_options(page: Path) -> None:
    for line in re.findall(r"(?:^(?:\$ )?|`)(lutetia [^\n`]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        _, verb, *rest = line.split("#")[0].split()
        assert verb in VERBS, line
        known = options(verb, rest[0] if rest else "")
        assert {word for word in rest if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_module_and_target_on_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"(?:`|pytest |python )((?:src|tests|bench|docs)/[\w./-]+)", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"`make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), target
    for name in re.findall(r"`(?:python -m )?(lutetia(?:\.\w+)+)", text):
        module = name
        while not _is_module(module):
            module = module.rpartition(".")[0]
        thing: Any = importlib.import_module(module)
        for part in name[len(module) :].split(".")[1:]:
            assert hasattr(thing, part), name
            thing = getattr(thing, part)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is no package
        return False


def test_the_tutorial_s_corrections_are_a_corrections_file(tmp_path: Path) -> None:
    (text,) = blocks(ROOT / "docs" / "tutorial.md", "yaml")
    file = tmp_path / "corrections.yaml"
    file.write_text(text, encoding="utf-8")
    found = load_corrections(file)
    assert [len(found.foci), len(found.added)] == [1, 1]


def test_the_timeline_on_the_course_page_is_a_typed_case() -> None:
    (text,) = blocks(ROOT / "docs" / "course.md", "yaml")
    assert [entry.kind for entry in case_from_text(text).timeline][:1] == ["pathology"]


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


def test_the_tutorial_s_rules_run_without_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 7: the printed template is a case that can be scored."""
    monkeypatch.chdir(tmp_path)
    template = CliRunner().invoke(app, ["score", "--template"])
    Path("case.yaml").write_text(template.stdout, encoding="utf-8")
    for words in (["score", "case.yaml"], ["rules", "list"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output


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
