"""Finished stages are kept beside the results and reused while their inputs and settings are unchanged.

A stage's key is a digest of everything it depends on: the files it reads (path relative to their common folder,
size, modification time), its settings, and the version of the software. What a stage leaves is one directory,
written under a temporary name and renamed when complete, so an interrupted run leaves nothing half-written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lutetia

#: the folder inside ``--out`` that keeps finished stages
STAGE_FOLDER = ".stages"


def digest(*parts: Any) -> str:
    """A short stable digest of JSON-serialisable parts."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(paths: Iterable[str | Path]) -> str:
    """Digest of files by path, size and modification time; missing files count as such."""
    rows = []
    for path in sorted({str(p) for p in paths}):
        try:
            state = os.stat(path)
            rows.append((path, state.st_size, state.st_mtime_ns))
        except OSError:
            rows.append((path, -1, -1))
    return digest(rows)


def stage_key(name: str, *parts: Any) -> str:
    """Key of a stage: its name, what it depends on, and the software version."""
    return digest(name, lutetia.__version__, *parts)


class StageStore:
    """Finished stages under ``<out>/.stages``; `force` makes every look-up miss."""

    def __init__(self, out: Path, force: bool = False) -> None:
        self.root = out / STAGE_FOLDER
        self.force = force

    def find(self, name: str, key: str) -> Path | None:
        """The folder of a finished stage with that key, or None."""
        folder = self.root / name / key
        return folder if not self.force and (folder / "complete").is_file() else None

    @contextmanager
    def writing(self, name: str, key: str) -> Iterator[Path]:
        """A folder to fill; it takes its place, and older ones of the same stage go, only when the block ends well."""
        parent = self.root / name
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=parent))
        try:
            yield temporary
            (temporary / "complete").write_text(key)
            target = parent / key
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
            for other in parent.iterdir():
                if other.name != key:
                    shutil.rmtree(other, ignore_errors=True)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
