#!/usr/bin/env python3
"""Write the study that the benchmark reads: our phantom on the grids of a large scanner.

    python bench/make_study.py OUT [--size full|standard|small] [--seed 1]

Full size is a PET of 400 × 400 × 350 and a CT of 512 × 512 × 700: 1,050 files, one slice each, 16 bits, explicit little
endian, one rescale slope a PET slice. The file names are shuffled, as exported folders are.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from lutetia.phantom import make_phantom


def shuffle_names(folder: Path, seed: int) -> int:
    """Rename the files of a series to names that say nothing about their order; returns how many there are."""
    files = sorted(folder.glob("*.dcm"))
    order = np.random.default_rng(seed).permutation(len(files))
    for file, number in zip(files, order, strict=True):
        file.rename(folder / f"IM{number:05d}.dcm")
    return len(files)


def make_study(out: Path, size: str = "full", seed: int = 1) -> Path:
    """Write the study into `out` unless it is there; returns the folder with the DICOM files."""
    done = out / "study.json"
    wanted = {"size": size, "seed": seed}
    if done.is_file() and json.loads(done.read_text()) == wanted:
        return out / "dicom"
    truth = make_phantom(out, seed, size=size)
    for series in sorted((truth.folder / truth.studies[0]["dicom"]).iterdir()):
        shuffle_names(series, seed)
    done.write_text(json.dumps(wanted))
    return truth.dicom


def main() -> None:
    """Parse the command line and write the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", choices=("full", "standard", "small"), default="full")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    begin = time.perf_counter()
    folder = make_study(args.out, args.size, args.seed)
    files = list(folder.rglob("*.dcm"))
    size = sum(f.stat().st_size for f in files) / 1e6
    print(f"{len(files):,} files, {size:.0f} MB in {time.perf_counter() - begin:.0f} s: {folder}")


if __name__ == "__main__":
    main()
