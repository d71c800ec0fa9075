"""Read many simulated patients and judge the readings against their exact truth.

    python bench/evaluate.py --seeds 201-260                 # patients drawn from their seeds
    python bench/evaluate.py --seeds 301-304 --variants      # each seed as every named variant
    python bench/evaluate.py --course full --seeds 401-420   # courses of six studies

Needs the simulator and the judge beside the checkout (``../shared/tools``, or ``LUTETIA_SHARED``). Patients and
readings are kept in ``--work`` and reused, so that an interrupted run goes on. The judge's own table is printed
at the end and written to ``--work/judge.txt`` and ``judge.json``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Named bodies and scanners that are known to break naive anatomy; every other property is drawn from the seed.
VARIANTS: dict[str, list[str]] = {
    "drawn": [],
    "burden-40": ["--liver-burden", "0.4"],
    "burden-60": ["--liver-burden", "0.6"],
    "burden-80": ["--liver-burden", "0.8"],
    "spleen-absent": ["--spleen", "absent"],
    "spleen-small": ["--spleen", "small"],
    "spleen-large": ["--spleen", "large"],
    "spleen-accessory": ["--spleen", "accessory"],
    "cirrhotic": ["--liver", "cirrhotic"],
    "effusion-ascites": ["--effusion", "yes", "--ascites", "yes"],
    "situs-inversus": ["--situs-inversus", "yes"],
    "prosthesis": ["--prosthesis", "left"],
    "arms-down": ["--arms", "down"],
    "abdomen": ["--fov", "abdomen"],
    "spleen-cut": ["--fov", "spleen-cut"],
    "oblique": ["--oblique", "yes"],
    "feet-first": ["--position", "FFS"],
    "contrast": ["--ct", "contrast"],
    "dome-mismatch": ["--misregistration", "16"],
    "noisy-obese": ["--noise", "high", "--habitus", "obese"],
    "thin": ["--habitus", "thin"],
    "analytic": ["--body", "analytic"],
    "fdg": ["--tracer", "fdg"],
}


def shared_root() -> Path:
    """The folder that holds the simulator and the judge."""
    root = Path(os.environ.get("LUTETIA_SHARED", ROOT.parent / "shared"))
    if not (root / "tools" / "simulate_patient.py").is_file():
        sys.exit(f"no simulator in {root}/tools: put the reference tools beside the checkout or set LUTETIA_SHARED")
    return root


def seeds_of(text: str) -> list[int]:
    """``"3,7-9"`` → ``[3, 7, 8, 9]``."""
    out: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        out.extend(range(int(low), int(high or low) + 1))
    return out


def one(name: str, seed: int, options: list[str], args: argparse.Namespace, tools: Path) -> tuple[Path, Path, float]:
    """Simulate and read one patient; returns (truth folder, result folder, seconds of the reading)."""
    truth, result = args.work / f"{name}-{seed}", args.work / f"{name}-{seed}-reading"
    if not (truth / "truth.json").exists():
        command = [sys.executable, str(tools / "simulate_patient.py"), "--out", str(truth), "--seed", str(seed)]
        command += ["--cache", str(args.work / "cache"), "--quiet", *options]
        if args.ct_matrix:
            command += ["--ct-matrix", str(args.ct_matrix)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    start = time.perf_counter()
    command = [sys.executable, "-m", "lutetia", "read", str(truth / "dicom"), "--out", str(result), *args.read]
    if args.force:
        command.append("--force")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{name}-{seed}: lutetia read ended with {done.returncode}: {done.stderr.strip()[-500:]}", flush=True)
    return truth, result, time.perf_counter() - start


def main() -> None:
    """Run the patients, then the judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="201-260", help="seeds, for example 201-260 or 3,7-9")
    parser.add_argument("--variants", action="store_true", help="every named variant for every seed")
    parser.add_argument("--only", default="", help="comma-separated variant names")
    parser.add_argument("--course", default="", help="dual, followup, spect or full")
    parser.add_argument("--work", type=Path, default=ROOT / "bench-output" / "evaluate")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--ct-matrix", type=int, default=0, help="smaller CT to save time and disk")
    parser.add_argument("--force", action="store_true", help="read again even when inputs and settings are unchanged")
    parser.add_argument("--read", nargs=argparse.REMAINDER, default=[], help="further options for lutetia read")
    args = parser.parse_args()
    tools = shared_root() / "tools"
    args.work.mkdir(parents=True, exist_ok=True)

    names = list(VARIANTS) if args.variants else (args.only.split(",") if args.only else ["drawn"])
    jobs = [(name, seed, VARIANTS[name]) for name in names for seed in seeds_of(args.seeds)]
    if args.course:
        jobs = [(f"course-{args.course}-{n}", s, [*o, "--course", args.course]) for n, s, o in jobs]
    pairs: list[str] = []
    seconds: list[float] = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for truth, result, took in pool.map(lambda job: one(*job, args, tools), jobs):
            pairs += [str(truth), str(result)]
            seconds.append(took)
            print(f"{truth.name}: {took:.1f} s", flush=True)
    judge = [sys.executable, str(tools / "judge_read.py"), *pairs]
    text = subprocess.run([*judge, "--bars"], capture_output=True, text=True, check=True).stdout
    (args.work / "judge.txt").write_text(text)
    (args.work / "judge.json").write_text(subprocess.run([*judge, "--json"], capture_output=True, text=True).stdout)
    print(text[text.rfind("== pooled") :] if "== pooled" in text else text)
    print(f"seconds per reading: median {sorted(seconds)[len(seconds) // 2]:.1f}, worst {max(seconds):.1f}")


if __name__ == "__main__":
    main()
