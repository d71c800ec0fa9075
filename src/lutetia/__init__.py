"""Lutetia: from PET/CT of neuroendocrine tumours to a decision that can be checked.

Research software; not a medical device.

Every verb of the command line is a function here: ``lutetia.scan``, ``suv``, ``read``, ``why``, ``score``,
``conformance``, ``make_phantom``, ``doctor``; the sub-verbs of ``lutetia rules`` are functions of `lutetia.rules`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: verb → module that defines the function of that name; imported on first use, so that ``import lutetia`` is quick
_VERBS = {
    "conformance": "lutetia.reading.conformance",
    "doctor": "lutetia.reading.doctor",
    "make_phantom": "lutetia.phantom",
    "read": "lutetia.api",
    "scan": "lutetia.api",
    "score": "lutetia.rules.score",
    "suv": "lutetia.api",
    "why": "lutetia.reading.why",
}

__all__ = ["__version__", *sorted(_VERBS)]


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    raise AttributeError(f"module 'lutetia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_VERBS])
