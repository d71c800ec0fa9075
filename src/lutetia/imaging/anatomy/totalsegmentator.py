"""TotalSegmentator as a backend: run as a program in its own environment, never imported, never allowed to download.

What it does not do behind the user's back: weights must lie on disk before it starts (else it is refused), every
proxy variable points to a closed port so that it can't reach a network, and it runs with a home of its own in which
usage statistics are switched off. Program, version, task and weights are recorded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lutetia.imaging.anatomy.organ_files import load_organ_masks
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.anatomy.user_masks import anatomy_from_masks
from lutetia.model import InputError, Issue, LutetiaError, Volume

PROGRAM = "TotalSegmentator"
#: environment variable with the full path of the program, for an environment that is not on PATH
PROGRAM_VARIABLE = "LUTETIA_TOTALSEGMENTATOR"
#: nnU-Net data sets that each variant needs (TotalSegmentator 2, task "total")
NEEDED = {"total": (291, 292, 293, 294, 295), "total_fast": (297,)}
_CLOSED = "http://127.0.0.1:9"


class BackendError(LutetiaError):
    """A backend is missing, incomplete, or failed."""


@dataclass(frozen=True)
class Installation:
    """A TotalSegmentator on this machine.

    Attributes
    ----------
    program : path of the executable
    version : as it prints itself, "unknown" when it doesn't
    weights : folder with its nnU-Net data sets, None when there is none
    variants : variants whose weights are complete: "total" (1.5 mm, five networks), "total_fast" (3 mm, one)
    """

    program: Path
    version: str
    weights: Path | None
    variants: tuple[str, ...]


def _program(environment: Mapping[str, str]) -> Path | None:
    given = environment.get(PROGRAM_VARIABLE)
    if given:
        return Path(given) if os.access(given, os.X_OK) else None
    found = shutil.which(PROGRAM, path=environment.get("PATH"))
    return Path(found) if found else None


def _weights_folder(environment: Mapping[str, str]) -> Path:
    """Where TotalSegmentator keeps its weights, by its own rules."""
    if environment.get("TOTALSEG_WEIGHTS_PATH"):
        return Path(environment["TOTALSEG_WEIGHTS_PATH"])
    home = environment.get("TOTALSEG_HOME_DIR") or str(
        Path(environment.get("HOME") or Path.home()) / ".totalsegmentator"
    )
    return Path(home) / "nnunet" / "results"


def _complete(weights: Path, dataset: int) -> bool:
    """Whether a data set has a trained network: a plan and at least one checkpoint that is not empty."""
    for folder in weights.glob(f"Dataset{dataset}_*"):
        if not any(folder.glob("*/plans.json")):
            continue
        if any(c.stat().st_size > 0 for c in folder.glob("*/fold_*/checkpoint_*.pth")):
            return True
    return False


def find_totalsegmentator(environment: Mapping[str, str] | None = None) -> Installation | None:
    """Look for TotalSegmentator and its weights; None when the program is not there. Runs only ``--version``."""
    env = os.environ if environment is None else environment
    program = _program(env)
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [str(program), "--version"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=_offline(env, None),
        )
        words = (answer.stdout or answer.stderr).split()
        version = words[-1] if answer.returncode == 0 and words else "unknown"
    except (OSError, subprocess.TimeoutExpired):
        version = "unknown"
    weights = _weights_folder(env)
    if not weights.is_dir():
        return Installation(program, version, None, ())
    variants = tuple(v for v, sets in NEEDED.items() if all(_complete(weights, d) for d in sets))
    return Installation(program, version, weights, variants)


def _offline(environment: Mapping[str, str], home: Path | None) -> dict[str, str]:
    """The environment without a way out: closed proxies, hubs offline, and a home without usage statistics."""
    env = dict(environment)
    for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy"):
        env[name] = env[name.upper()] = _CLOSED
    for name in ("no_proxy", "NO_PROXY"):
        env.pop(name, None)
    env.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", PYTHONUNBUFFERED="1")
    if home is not None:
        env["TOTALSEG_WEIGHTS_PATH"] = str(_weights_folder(environment))
        env["TOTALSEG_HOME_DIR"] = str(home)
    return env


def _write_home(home: Path) -> None:
    """TotalSegmentator's settings: no usage statistics, nothing to show."""
    home.mkdir(parents=True, exist_ok=True)
    settings = {
        "totalseg_id": "totalseg_LUTETIA0",
        "send_usage_stats": False,
        "prediction_counter": 0,
        "statistics_disclaimer_shown": True,
    }
    (home / "config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")


def write_ct(ct: Volume, path: Path) -> None:
    """Write a CT as NIfTI (int16 HU, RAS affine)."""
    import nibabel

    array = np.clip(np.rint(ct.array), -1024, 32767).astype(np.int16)
    image = nibabel.Nifti1Image(np.ascontiguousarray(array.transpose(2, 1, 0)), ct.grid.nifti_affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, str(path))


def command(program: Path, ct: Path, out: Path, variant: str, device: str = "cpu") -> Sequence[str]:
    """The call: one label map of task "total", with the 3 mm network when `variant` is "total_fast"."""
    call = [str(program), "-i", str(ct), "-o", str(out), "--ml", "--task", "total", "--device", device, "--quiet"]
    return [*call, "--fast"] if variant == "total_fast" else call


def run_totalsegmentator(
    ct: Volume,
    suv: Volume,
    *,
    variant: str | None = None,
    device: str = "cpu",
    timeout_s: float = 3600.0,
    environment: Mapping[str, str] | None = None,
) -> Anatomy:
    """Organs by TotalSegmentator on the CT, on the PET's grid.

    Parameters
    ----------
    ct : HU
    suv : SUV; its grid is the grid of the result
    variant : "total" (1.5 mm) or "total_fast" (3 mm); None takes "total_fast" where its weights are there, as the
        one that is meant for computers without a GPU, else "total"
    device : "cpu" or "gpu"
    timeout_s : the program is ended after this time
    environment : environment variables, for tests

    Returns
    -------
    Anatomy whose `source` names program, version, task and weights

    Raises
    ------
    BackendError
        ``totalsegmentator-missing``, ``totalsegmentator-weights-missing``, ``totalsegmentator-failed``.
    """
    env = os.environ if environment is None else environment
    found = _installed(env)
    chosen = _variant_at_hand(found, variant, env)
    with tempfile.TemporaryDirectory(prefix="lutetia-totalsegmentator-") as folder:
        work = Path(folder)
        _write_home(work / "home")
        write_ct(ct, work / "ct.nii.gz")
        call = command(found.program, work / "ct.nii.gz", work / "organs.nii.gz", chosen, device)
        _run(found, call, work, timeout_s, _offline(env, work / "home"))
        output = next((p for p in (work / "organs.nii.gz", work / "organs.nii") if p.is_file()), None)
        if output is None:
            raise _failed(found, "it wrote no label map")
        try:
            given = load_organ_masks(output, suv.grid, numbering="totalsegmentator_v2_total")
        except InputError as error:
            raise _failed(found, str(error.what)) from error
    source = f"TotalSegmentator {found.version}, task {chosen}, weights {found.weights}"
    note = Issue(
        code="anatomy-by-totalsegmentator",
        level="info",
        message=f"Organs by TotalSegmentator {found.version} (task {chosen}), run on the CT without network.",
        where=str(found.program),
    )
    return anatomy_from_masks(suv, replace(given, source=source, issues=(*given.issues, note)))


def _installed(env: Mapping[str, str]) -> Installation:
    """The program on this machine, or a `BackendError`."""
    found = find_totalsegmentator(env)
    if found is None:
        raise BackendError(
            "totalsegmentator-missing",
            "TotalSegmentator is not installed on this machine",
            where=env.get(PROGRAM_VARIABLE, "PATH"),
            expected=f"the program {PROGRAM} on PATH, or its path in {PROGRAM_VARIABLE}",
            remedy="install it in an environment of its own (pip install TotalSegmentator), or use --anatomy embedded",
        )
    return found


def _variant_at_hand(found: Installation, variant: str | None, env: Mapping[str, str]) -> str:
    """The variant asked for, else the quicker one whose weights are there; a `BackendError` where there are none."""
    chosen = variant or next((v for v in ("total_fast", "total") if v in found.variants), None)
    if chosen is None or chosen not in found.variants:
        sets = " or ".join(", ".join(f"Dataset{d}" for d in NEEDED[v]) for v in ([variant] if variant else NEEDED))
        raise BackendError(
            "totalsegmentator-weights-missing",
            "TotalSegmentator is installed, but its weights are not; Lutetia never downloads them",
            where=str(_weights_folder(env)),
            expected=f"{sets} with plans and checkpoints",
            remedy="run totalseg_download_weights -t total (or total_fast) yourself, or use --anatomy embedded",
        )
    return chosen


def _run(found: Installation, call: Sequence[str], work: Path, timeout_s: float, env: Mapping[str, str]) -> None:
    """Run the program to its end in its own folder; a `BackendError` with its last lines where it fails."""
    try:
        done = subprocess.run(
            call,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            cwd=work,
            env=env,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(found, f"it did not finish within {timeout_s:.0f} s") from error
    except OSError as error:
        raise _failed(found, str(error)) from error
    if done.returncode != 0:
        tail = " | ".join(line.strip() for line in (done.stderr or done.stdout).splitlines()[-3:] if line.strip())
        raise _failed(found, f"exit status {done.returncode}: {tail or 'no message'}")


def _failed(found: Installation, why: str) -> BackendError:
    return BackendError(
        "totalsegmentator-failed",
        f"TotalSegmentator could not segment the CT: {why}",
        where=str(found.program),
        expected="a label map of task total",
        remedy="run it by hand to see its messages and give its output with --organs, or use --anatomy embedded",
    )
