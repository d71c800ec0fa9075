#!/usr/bin/env python3
"""The floor under each step: what any program must at least do, with nothing decided, checked or sorted out.

    python bench/floor.py STUDY [--json OUT.json]

scan opens every file and reads its first 12 kB; pet and ct read every pixel once into the final type (two threads);
segment compares every voxel of the PET once; measure touches every voxel above SUV 4 a few times. resample and liver
have no floor: they need not be done.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SECONDS: dict[str, float] = {}


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the time of a step to SECONDS."""
    begin = time.perf_counter()
    yield
    SECONDS[step] = round(time.perf_counter() - begin, 4)


def head_of(path: str) -> tuple[str, int]:
    """Read the beginning of a file; where the last `2 × rows × columns` bytes begin is all that is kept."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.read(descriptor, 12_288)
        return path, os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def two_threads(action: Callable[[int], None], count: int) -> None:
    """Run `action` for 0 … count − 1, half in each of two threads."""

    def run(part: range) -> None:
        for k in part:
            action(k)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (range(count // 2), range(count // 2, count))))


def read_pixels(files: list[tuple[str, int]], side: int, out: np.ndarray, factor: float | None) -> None:
    """The last side² 16-bit words of every file, as they are or times a factor."""

    def one(k: int) -> None:
        path, size = files[k]
        raw = np.empty((side, side), "<u2") if factor else out[k].view("<u2")
        descriptor = os.open(path, os.O_RDONLY)
        os.preadv(descriptor, [raw.reshape(-1).view("u1")], size - 2 * side * side)
        os.close(descriptor)
        if factor:
            np.multiply(raw, np.float32(factor), out=out[k], casting="unsafe")

    two_threads(one, len(files))


def floor(study: Path) -> dict[str, Any]:
    """All steps; returns what is printed. The PET lies in a folder PT (or PET), the CT in CT, one slice a file."""
    begin = time.perf_counter()
    with timed("scan"):
        found: dict[str, list[tuple[str, int]]] = {"PT": [], "CT": []}
        for root, _, names in os.walk(study):
            for name in names:
                found["PT" if os.path.basename(root).startswith("P") else "CT"].append(
                    head_of(os.path.join(root, name))
                )
    sides = {m: int(np.sqrt((files[0][1] - 1000) / 2)) // 8 * 8 for m, files in found.items()}
    with timed("pet"):
        pet = np.empty((len(found["PT"]), sides["PT"], sides["PT"]), np.float32)
        read_pixels(found["PT"], sides["PT"], pet, 1e-3)
    with timed("ct"):
        ct = np.empty((len(found["CT"]), sides["CT"], sides["CT"]), np.int16)
        read_pixels(found["CT"], sides["CT"], ct, None)
    with timed("segment"):
        hot: list[Any] = [None] * len(pet)

        def above(k: int) -> None:
            hot[k] = np.flatnonzero(pet[k] >= 4)

        two_threads(above, len(pet))
    with timed("measure"):
        for k, where in enumerate(hot):
            values = pet[k].ravel()[where]
            if len(values):
                values.max(), values.mean()
    SECONDS["total"] = round(time.perf_counter() - begin, 4)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {"seconds": SECONDS, "peak_rss_mb": peak}


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = floor(args.study)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
