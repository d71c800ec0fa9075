"""A progress bar on standard error; nothing when that is not a terminal."""

from __future__ import annotations

import sys
from types import TracebackType


class Progress:
    """``progress(stage, share)`` draws one line that is overwritten and removed at the end."""

    def __init__(self, quiet: bool = False, width: int = 30) -> None:
        self.active = not quiet and sys.stderr.isatty()
        self.width = width

    def __call__(self, stage: str, share: float) -> None:
        if self.active:
            done = round(self.width * min(max(share, 0.0), 1.0))
            bar = "█" * done + "·" * (self.width - done)
            print(f"\r{bar} {share:4.0%} {stage:40.40}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            print("\r" + " " * (self.width + 50) + "\r", end="", file=sys.stderr, flush=True)
