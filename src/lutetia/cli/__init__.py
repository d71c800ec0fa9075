"""The verbs. Each module of this room holds one thin command: parse, call, print.

What a verb needs is imported when it is called, so that ``--help``, ``--version`` and completion answer at once.

Exit status: 0 done, 1 done but something was refused or a check failed, 2 the call or the input can't be used.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from io import TextIOWrapper

import typer

import lutetia
from lutetia.cli.process import settle

app = typer.Typer(
    name="lutetia",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="PET/CT of neuroendocrine tumours: from DICOM to a decision that can be checked. Research use only.",
    epilog="The way: scan says what is there, suv how it is scaled, read measures, grades and reports, why explains. "
    "score and rules need no image. Exit status: 0 done; 1 done, but something was refused or a check failed; "
    "2 the call or the input can't be used.",
)

#: verb → module in this room that defines ``register(app)``
VERBS = ("scan", "suv", "read", "why", "score", "rules", "conformance", "make_phantom", "doctor")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"lutetia {lutetia.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """PET/CT of neuroendocrine tumours: from DICOM to a decision that can be checked. Research use only."""


def _register() -> None:
    for verb in VERBS:
        import_module(f"lutetia.cli.{verb}").register(app)


_register()


def main(argv: list[str] | None = None) -> None:
    """Entry point of the ``lutetia`` command."""
    settle()
    # pydicom warns of every odd value it meets; what matters of them is in the record, with its file.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that has no "–" or "×" shows "?" instead
            stream.reconfigure(errors="replace")
    try:
        _refuse_empty(sys.argv[1:] if argv is None else argv)
        app(args=argv)
    except Exception as error:
        from lutetia.model import LutetiaError

        if isinstance(error, LutetiaError):
            typer.echo(f"lutetia: {error}", err=True)
        elif os.environ.get("LUTETIA_TRACEBACK"):
            raise
        elif isinstance(error, OSError) and error.filename is not None:
            typer.echo(_of_the_disk(error), err=True)
        else:
            typer.echo(_unexpected(error), err=True)
        sys.exit(2)


def _refuse_empty(words: list[str]) -> None:
    """An empty word is a shell variable that was not set; as a path it would mean the working directory.

    Raises
    ------
    UsageError
        ``empty-argument`` naming the option, or the argument's place.
    """
    for k, word in enumerate(words):
        option, equals, value = word.partition("=")
        if word and not (option.startswith("--") and equals and not value.strip()):
            continue
        from lutetia.model import UsageError

        before = words[k - 1] if k and words[k - 1].startswith("-") else ""
        raise UsageError(
            "empty-argument",
            f"{option or before or f'Argument {k + 1}'} is empty",
            expected="a value; an empty path would be the working directory",
            remedy="leave it out, or see whether the shell variable behind it is set; . is the working directory",
        )


def _of_the_disk(error: OSError) -> str:
    """A file or folder that can't be read or written."""
    place = os.fsdecode(error.filename)
    return (
        f"lutetia: {place} can't be read or written: {(error.strerror or str(error)).lower()} [file-error]\n"
        f"  where:    {place}\n"
        "  remedy:   give another place, or change its permissions"
    )


def _unexpected(error: Exception) -> str:
    """What is said of a fault that is ours: which it is, and how to tell us."""
    return (
        f"lutetia: This should not happen: {type(error).__name__}: {str(error)[:300]} [unexpected-fault]\n"
        "  where:    in Lutetia itself, not in the call; what was written before is unchanged\n"
        "  remedy:   run it again with LUTETIA_TRACEBACK=1 and send what it prints to the project"
    )
