#!/usr/bin/env python3
"""Measure Lutetia against the script that a competent user would write, on a full-size study.

    python bench/run.py [--size full|standard|small] [--study DIR] [--rounds 3] [--work bench-output] [--no-read]

Writes the study once, then runs in turn, round after round: the fair script (baseline_read.py), our steps with the same
threshold scheme (lutetia_steps.py), the floor (floor.py), and the whole of ``lutetia read``. The first round warms the
file cache and is thrown away. Medians of the others (of the floor the best) are printed and, with ``--docs``, written
into docs/benchmark.md. The lesion tables of the two must be equal (HU within 1: the script truncates), else the exit
status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STEPS = ("scan", "pet", "ct", "resample", "liver", "segment", "measure")
SAY = {
    "scan": "find and sort the series, headers, SUV factor",
    "pet": "PET pixels to SUV",
    "ct": "CT pixels to HU",
    "resample": "CT where it is needed on the PET grid",
    "liver": "the quiet cube in the liver",
    "segment": "threshold, connected components",
    "measure": "SUVmax, mean, peak, volume, diameter, HU",
    "total": "DICOM to measured lesions",
}
PROCESSES = {
    "script": "the script",
    "ours": "our steps",
    "floor": "the floor",
    "read": "`lutetia read`: anatomy, references, lesions, grades, SEG, SR, HTML, PDF",
}
#: targets of the project: in process, whole `read` against the script's process, memory
FASTER, WHOLE, MEMORY_MB = 4.0, 2.5, 2048


def run(command: list[str], log: Path) -> dict[str, float]:
    """Run a process to its end; wall seconds and peak memory (its own, not that of other children)."""
    with log.open("w") as sink:
        begin = time.perf_counter()
        child = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, sink.fileno(), 1), (os.POSIX_SPAWN_DUP2, sink.fileno(), 2)],
        )
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - begin
    if status != 0 and os.waitstatus_to_exitcode(status) != 1:
        raise SystemExit(
            f"{' '.join(command)} failed ({os.waitstatus_to_exitcode(status)}):\n{log.read_text()[-2000:]}"
        )
    return {"wall": wall, "rss_mb": usage.ru_maxrss / 1024, "cpu": usage.ru_utime + usage.ru_stime}


def differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """What differs between two lesion tables: everything to 1 in 10,000, HU to 1, the order by SUVmax."""
    if len(ours) != len(theirs):
        return [f"{len(ours)} lesions against {len(theirs)}"]
    out = []
    for mine, other in zip(ours, theirs, strict=True):
        for key, value in other.items():
            if key == "label":
                continue
            tolerance = 1.0 if key == "hu" else 1e-4 * max(1.0, abs(value))
            if mine[key] is None or abs(mine[key] - value) > tolerance:
                out.append(
                    f"{key} {mine[key]} against {value} at ({other['x']:.0f}, {other['y']:.0f}, {other['z']:.0f})"
                )
    return out


def median(rows: list[dict[str, float]], key: str) -> float:
    """Median of one figure over the rounds."""
    return statistics.median(row[key] for row in rows)


def table(rows: dict[str, list[dict[str, float]]], lesions: int, equal: bool) -> list[str]:
    """The Markdown lines that are printed and put into the docs."""
    ours, theirs, least = rows["ours"], rows["script"], rows["floor"]
    lines = ["| step | what | ours, s | script, s | ratio | floor, s |", "|---|---|---:|---:|---:|---:|"]
    for step in (*STEPS, "total"):
        mine, other = median(ours, step), median(theirs, step)
        low = f"{min(row[step] for row in least):.2f}" if step in least[0] else "–"
        lines.append(f"| {step} | {SAY[step]} | {mine:.2f} | {other:.2f} | {other / max(mine, 1e-3):.1f} | {low} |")
    lines += ["", "| process, start-up included | wall, s | peak memory, MB |", "|---|---:|---:|"]
    for name, title in PROCESSES.items():
        if rows.get(name):
            lines.append(f"| {title} | {median(rows[name], 'wall'):.2f} | {median(rows[name], 'rss_mb'):.0f} |")
    lines += ["", f"The lesion tables ({lesions} lesions) {'are equal' if equal else 'DIFFER'}."]
    ratio = median(theirs, "total") / median(ours, "total")
    lines.append(f"In process, DICOM to measured lesions is {ratio:.1f} × faster (target ≥ {FASTER:.0f}).")
    if rows.get("read"):
        share = median(rows["read"], "wall") / median(theirs, "wall")
        memory = median(rows["read"], "rss_mb")
        lines.append(f"The whole of `lutetia read` takes {share:.2f} × the script's time (target ≤ {WHOLE})")
        lines.append(f"and {memory:.0f} MB (target < {MEMORY_MB}).")
    return lines


def machine() -> str:
    """Which machine, libraries and day the figures belong to."""
    names = ("numpy", "scipy", "pydicom", "SimpleITK", "pandas")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    cores = len(os.sched_getaffinity(0))
    processor = f"{cores} cores ({platform.machine()})"
    return f"{date.today().isoformat()}, {processor}, Python {platform.python_version()}, {libraries}"


def write_docs(
    lines: list[str], page: Path, begin: str = "<!-- benchmark: begin -->", end: str = "<!-- benchmark: end -->"
) -> None:
    """Replace what stands between the markers of the page."""
    text = page.read_text()
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    page.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{tail}")


def measure_all(
    study: Path, work: Path, rounds: int, with_read: bool, liver_box: list[str]
) -> dict[str, list[dict[str, float]]]:
    """Interleaved rounds; the first is a warm-up and not kept."""
    box = ["--liver-box", *liver_box] if liver_box else []
    commands = {
        "script": [
            sys.executable,
            str(HERE / "baseline_read.py"),
            str(study),
            "--json",
            str(work / "script.json"),
            *box,
        ],
        "ours": [sys.executable, str(HERE / "lutetia_steps.py"), str(study), "--json", str(work / "ours.json"), *box],
        "floor": [sys.executable, str(HERE / "floor.py"), str(study), "--json", str(work / "floor.json")],
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in (*commands, "read")}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            usage = run(command, work / f"{name}.log")
            seconds = json.loads((work / f"{name}.json").read_text())["seconds"]
            if turn:
                rows[name].append(usage | seconds)
        if with_read:
            shutil.rmtree(work / "read", ignore_errors=True)
            command = [sys.executable, "-m", "lutetia", "read", str(study), "--out", str(work / "read")]
            usage = run(command, work / "read.log")
            if turn:
                rows["read"].append(usage)
        print(f"round {turn}" + (" (warm-up)" if not turn else ""), file=sys.stderr)
    return rows


def main() -> int:
    """Parse the command line, measure, print; 1 when the tables differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("full", "standard", "small"), default="full")
    parser.add_argument("--study", type=Path, help="a study that is there already (PT and CT in folders of that name)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=HERE.parent / "bench-output")
    parser.add_argument("--no-read", action="store_true", help="leave out the whole of `lutetia read`")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/benchmark.md")
    parser.add_argument("--liver-box", nargs=6, default=[], help="LPS mm x0 x1 y0 y1 z0 z1, for another study")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    study = args.study
    if study is None:
        from make_study import make_study

        study = make_study(args.work / f"study-{args.size}", args.size)
    rows = measure_all(study, args.work, args.rounds, not args.no_read, args.liver_box)
    ours, theirs = (json.loads((args.work / f"{name}.json").read_text())["lesions"] for name in ("ours", "script"))
    wrong = differences(ours, theirs)
    lines = [*table(rows, len(theirs), not wrong), "", f"Medians of {args.rounds} after a warm-up; {machine()}."]
    print("\n".join(lines))
    (args.work / "result.json").write_text(json.dumps({"rows": rows, "differences": wrong}, indent=1))
    if args.docs:
        write_docs(lines, HERE.parent / "docs" / "benchmark.md")
    for text in wrong[:20]:
        print(f"the tables differ: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
