"""``lutetia doctor``."""

from __future__ import annotations

import json

import typer

_MARK = {"present": "ok", "missing": "MISSING", "optional": "–"}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(short_help="Say what is installed here and how to add the rest.")
    def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
        """Say which libraries, codecs, backends and validators are here, and how to add the rest."""
        from lutetia.reading.doctor import doctor as look

        checks = look()
        if as_json:
            typer.echo(json.dumps([c.model_dump() for c in checks], indent=2, ensure_ascii=False))
        else:
            for check in checks:
                typer.echo(f"{_MARK[check.state]:8}{check.group:10}{check.name:48}{check.detail}")
                if check.remedy:
                    typer.echo(f"{'':18}→ {check.remedy}")
        if any(c.state == "missing" for c in checks):
            raise typer.Exit(1)
