"""Write docs/conformance.md: our results on the SUV objects, beside what other open tools give on them.

python docs/make_conformance.py
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import lutetia
from lutetia.phantom.suv_objects import write_suv_objects
from lutetia.reading.conformance import ConformanceReport, ConformanceRow, conformance

HERE = Path(__file__).parent
REFERENCE = HERE.parent / "tests" / "data" / "ibsi_suv_dro" / "DRO.tar.xz"
PEERS = HERE / "data" / "suv_peers.csv"
COMMITS = (
    "pyCERR 3ecf5d6, z-rad e7731b1, MIRP d8a6a72, calculate-suv 1.1.0, pySUV 0.1.0, platipy 75891ec, LION cd4f010, "
    "autoPET 468179b, OnkoDICOM 4af0b83, okapy fd83d05, MEDimage 7769398, med-imagetools 6def068, dwv ff7cfda, "
    "metavol-web 71b7336"
)


def main() -> None:
    """Run both sets and write the page."""
    reference = conformance(REFERENCE)
    with tempfile.TemporaryDirectory() as folder:
        write_suv_objects(Path(folder))
        own = conformance(folder)
    (HERE / "conformance.md").write_text(page(reference, own), encoding="utf-8")


def page(reference: ConformanceReport, own: ConformanceReport) -> str:
    """The page as Markdown."""
    parts = [
        "# Conformance of the SUV",
        f"Written by `python docs/make_conformance.py` with Lutetia {lutetia.__version__}. The objects are those of "
        "IBSI-SUV (Vácha, Zwanenburg et al., `oncoray/suv_computation`, CC BY 4.0): a phantom whose SUVbw is 0.20, "
        "1.00 and 4.00 at minimum, median and maximum, stored in another way in each. Run them yourself:",
        "```\nlutetia conformance tests/data/ibsi_suv_dro/DRO.tar.xz\nlutetia conformance NEWFOLDER --write\n```",
        "## The 17 published objects",
        f"**{reference.n_right} of {len(reference.rows)} right** (within 0.5 %; object 2_3 is quantised by its own "
        "rescale slope, so no formula gives more than 0.19 / 0.98 / 3.98 there).",
        results(reference),
        "## Beside other open tools",
        "Median SUV (1.00 is right; bold is a wrong number without a refusal). Each tool's own SUV functions were run "
        "on the same objects; where a tool leaves the per-slice rescale to a converter that was done for it. In "
        "brackets: calculate-suv with sex O replaced by M, since O made it give no SUV at all. Versions: "
        + COMMITS
        + ". "
        "Every fault found this way or by reading their sources is a test here: "
        "`tests/imaging/test_suv_faults_of_other_tools.py`.",
        peers(reference),
        "## All 58 header states of the later list",
        f"**{own.n_right} of {len(own.rows)} right.** Only the list (version 3) is published, so the objects are "
        "written by Lutetia itself from its descriptions (`lutetia.phantom.suv_objects`); where the list says ERROR, a "
        "refusal that names the element is right.",
        results(own),
    ]
    return "\n\n".join(parts) + "\n"


def results(report: ConformanceReport) -> str:
    """The rows of one run as a table."""
    lines = ["| object | what it tests | expected | Lutetia | verdict |", "| --- | --- | --- | --- | --- |"]
    for row in report.rows:
        lines.append(f"| {row.id} | {row.description} | {row.expected_words} | {measured(row)} | {row.verdict} |")
    return "\n".join(lines)


def measured(row: ConformanceRow) -> str:
    """What came out."""
    if row.measured is None:
        return f"`{row.refusal_code}`: {row.message}"
    return " / ".join(f"{v:.3f}" for v in row.measured)


def peers(reference: ConformanceReport) -> str:
    """The table of the other tools with ours in front."""
    ours = {row.id: row for row in reference.rows}
    with PEERS.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    names = rows[0][2:]
    lines = [
        f"| object | what it tests | **Lutetia** | {' | '.join(names)} |",
        "| --- " * (len(names) + 3) + "|",
    ]
    for name, tests, *values in rows[1:]:
        row = ours[name]
        median = (
            "–" if row.measured is None else f"{row.measured[1]:.3g}" if name == "DRO_2_3" else f"{row.measured[1]:.2f}"
        )
        lines.append(f"| {name} | {tests} | {median} | {' | '.join(values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
