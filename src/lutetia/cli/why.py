"""``lutetia why``."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(short_help="Walk from a lesion's grade back to voxels and header.")
    def why(
        folder: Path = typer.Argument(..., help="Result folder of lutetia read."),
        lesion: str = typer.Argument(..., help="lesion-3, or 3."),
        as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    ) -> None:
        """Walk from a lesion's grade back to voxels, SUV factor and header elements."""
        from lutetia.reading.why import as_text
        from lutetia.reading.why import why as chain

        link = chain(folder, lesion)
        typer.echo(link.model_dump_json(indent=2) if as_json else as_text(link))
