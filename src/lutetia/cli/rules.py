"""``lutetia rules``: what the rules are, where they come from, and how two editions differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer


def register(app: typer.Typer) -> None:
    """Add the verb and its parts."""
    group = typer.Typer(no_args_is_help=True, help="Scoring systems and guidelines: list, show, sources, diff.")
    app.add_typer(group, name="rules")
    folder_option = typer.Option([], "--rules", metavar="DIR", help="Further rule files of a site.")
    json_option = typer.Option(False, "--json", help="Print JSON.")

    @group.command("list", help="All rules with shape, edition and population.")
    def list_verb(folders: list[Path] = folder_option, as_json: bool = json_option) -> None:
        from lutetia.rules.describe import list_rules
        from lutetia.rules.loader import load_rules

        rows = list_rules(load_rules(folders))
        if as_json:
            _echo_json(rows)
            return
        for row in rows:
            typer.echo(f"{row['rule']:<28} {row['shape']:<8} {row['scope']:<12} {row['title']} — {row['edition']}")

    @group.command("show", help="One rule: its table, citations, conventions with reasons.")
    def show_verb(
        rule: str = typer.Argument(..., help="A name that `lutetia rules list` gives."),
        folders: list[Path] = folder_option,
        as_json: bool = json_option,
    ) -> None:
        from lutetia.rules.describe import describe, show_rule
        from lutetia.rules.loader import load_rules

        rules = load_rules(folders)
        if as_json:
            _echo_json(show_rule(rule, rules))
        else:
            typer.echo(describe(rules[rule]))

    @group.command("sources", help="All sources: what they are, how far they were read, which rules cite them.")
    def sources_verb(folders: list[Path] = folder_option, as_json: bool = json_option) -> None:
        from lutetia.rules.describe import list_sources, sources_text
        from lutetia.rules.loader import load_rules

        rules = load_rules(folders)
        if as_json:
            _echo_json(list_sources(rules))
        else:
            typer.echo(sources_text(rules))

    @group.command("diff", help="How two rules (or two editions of one rule) differ, row by row.")
    def diff_verb(
        first: str = typer.Argument(..., help="A rule."),
        second: str = typer.Argument(..., help="The rule to compare it with."),
        folders: list[Path] = folder_option,
        as_json: bool = json_option,
    ) -> None:
        from lutetia.rules.describe import diff_rules, difference
        from lutetia.rules.loader import load_rules

        rules = load_rules(folders)
        if as_json:
            _echo_json(diff_rules(first, second, rules))
        else:
            typer.echo(difference(rules, first, second))


def _echo_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=1, ensure_ascii=False, default=str))
