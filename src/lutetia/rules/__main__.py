"""``python -m lutetia.rules check [RULE…]``: schema, citations, cases and the five proofs of rule files."""

from __future__ import annotations

import sys
from pathlib import Path

from lutetia.model import LutetiaError
from lutetia.rules.cases import CaseFile, read_cases
from lutetia.rules.loader import load_rules
from lutetia.rules.proofs import prove


def cases_folder() -> Path:
    """Where the cases lie in a checkout."""
    return Path(__file__).resolve().parents[3] / "tests" / "cases"


def all_cases(folder: Path) -> list[CaseFile]:
    """Every rule-level case file of a folder."""
    return [read_cases(path) for path in sorted(folder.glob("*.yaml"))]


def main(arguments: list[str]) -> int:
    """Check rules; print findings; 0 when there are none."""
    if not arguments or arguments[0] != "check":
        print(__doc__)
        return 2
    folders = [Path(a) for a in arguments[1:] if Path(a).is_dir()]
    wanted = [Path(a).name.removesuffix(".yaml") for a in arguments[1:] if not Path(a).is_dir()]
    try:
        rules = load_rules(folders)
        files = all_cases(cases_folder())
        for folder in folders:
            files += [read_cases(path) for path in sorted((folder / "cases").glob("*.yaml"))]
    except LutetiaError as error:
        print(error)
        return 1
    bad = 0
    for name in wanted or rules.names():
        try:
            findings = prove(rules, name, files)
        except LutetiaError as error:
            findings = [str(error)]
        bad += bool(findings)
        count = sum(len(f.cases) + len(f.boundary_cases) for f in files if f.rule == name)
        print(f"{name}: " + (f"holds ({count} cases)" if not findings else f"{len(findings)} findings"))
        for finding in findings:
            print(f"  {finding}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
