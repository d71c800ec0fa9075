"""``lutetia score``: a typed case through every rule, without any image."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def choices_of(settings: list[str]) -> dict[str, str]:
    """``KEY=OPTION`` pairs as a mapping."""
    chosen: dict[str, str] = {}
    for text in settings:
        key, found, option = text.partition("=")
        if not found or not key.strip() or not option.strip():
            from lutetia.model import UsageError

            raise UsageError("bad-setting", f"{text!r} is no setting", expected="KEY=OPTION", remedy="--set C-B14=3A")
        chosen[key.strip()] = option.strip()
    return chosen


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("score", help="Score a typed case, or a table of cases, without images.")
    def score_command(
        case: Path | None = typer.Argument(None, metavar="CASE.yaml", help="A typed case, or a CSV with --table."),
        as_json: bool = typer.Option(False, "--json", help="Print the verdicts as JSON."),
        html: Path | None = typer.Option(None, "--html", help="Also write one HTML page."),
        settings: list[str] = typer.Option([], "--set", metavar="KEY=OPTION", help="Choose a convention."),
        folders: list[Path] = typer.Option([], "--rules", metavar="DIR", help="Further rule files of a site."),
        only: list[str] = typer.Option([], "--only", metavar="RULE", help="Apply these rules only."),
        template: bool = typer.Option(False, "--template", help="Print a commented example case."),
        schema: bool = typer.Option(False, "--schema", help="Print the JSON schema of a case."),
        table: bool = typer.Option(False, "--table", help="CSV of many cases in, CSV of results out."),
        output: Path | None = typer.Option(None, "--output", "-o", help="Write the table or text to a file."),
    ) -> None:
        from lutetia.rules.template import json_schema
        from lutetia.rules.template import template as example

        if template or schema:
            _emit(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n" if schema else example(), output)
            return
        from lutetia.model import UsageError

        if case is None:
            raise UsageError("no-case", "There is no case", remedy="Give CASE.yaml, or `lutetia score --template`.")
        from lutetia.rules.loader import load_rules

        rules = load_rules(folders, choices_of(settings))
        for name in only:
            rules[name]  # an unknown name is refused here, with its nearest neighbours
        if table:
            from lutetia.rules.table_of_cases import score_table

            _emit(score_table(case, rules, only=only or None), output)
            return
        from lutetia.rules.case import read_case
        from lutetia.rules.page import render_page
        from lutetia.rules.score import score
        from lutetia.rules.text import render

        result = score(read_case(case), rules, conventions=choices_of(settings), only=only or None)
        if html is not None:
            _emit(render_page(result), html)
        text = json.dumps(result.as_dict(), indent=1, ensure_ascii=False) + "\n" if as_json else render(result)
        _emit(text, output)


def _emit(text: str, path: Path | None) -> None:
    if path is None:
        typer.echo(text, nl=False)
        return
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
