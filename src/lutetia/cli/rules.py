"""``lutetia rules``: what the rules are, where they come from, and how two editions differ."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the verb and its parts."""
    group = typer.Typer(no_args_is_help=True, help="The rule files: list, show, sources, diff.")
    app.add_typer(group, name="rules")
    folder_option = typer.Option([], "--rules", metavar="DIR", help="Further rule files of a site.")

    @group.command("list", help="All rules with shape, edition and population.")
    def list_rules(folders: list[Path] = folder_option, as_json: bool = typer.Option(False, "--json")) -> None:
        from lutetia.rules.describe import overview
        from lutetia.rules.loader import load_rules

        rows = overview(load_rules(folders))
        if as_json:
            typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        for row in rows:
            typer.echo(f"{row['rule']:<28} {row['shape']:<8} {row['scope']:<12} {row['title']} — {row['edition']}")

    @group.command("show", help="One rule: its table, citations, conventions with reasons.")
    def show_rule(rule: str, folders: list[Path] = folder_option) -> None:
        from lutetia.rules.describe import describe
        from lutetia.rules.loader import load_rules

        typer.echo(describe(load_rules(folders)[rule]))

    @group.command("sources", help="All sources: what they are, how far they were read, which rules cite them.")
    def list_sources(folders: list[Path] = folder_option) -> None:
        from lutetia.rules.describe import sources_text
        from lutetia.rules.loader import load_rules

        typer.echo(sources_text(load_rules(folders)))

    @group.command("diff", help="How two rules (or two editions of one rule) differ, row by row.")
    def diff_rules(first: str, second: str, folders: list[Path] = folder_option) -> None:
        from lutetia.rules.describe import difference
        from lutetia.rules.loader import load_rules

        typer.echo(difference(load_rules(folders), first, second))
