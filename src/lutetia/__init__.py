"""Lutetia: from PET/CT of neuroendocrine tumours to a decision that can be checked.

Research software; not a medical device.

Every verb of the command line is a function here: ``lutetia.scan``, ``suv``, ``read``, ``why``, ``score``,
``conformance``, ``make_phantom``, ``doctor``; ``lutetia rules list``, ``show``, ``sources`` and ``diff`` are
``lutetia.rules.list_rules``, ``show_rule``, ``list_sources`` and ``diff_rules``. What a verb prints with ``--json`` is
what its function returns. What can't be done raises a ``lutetia.LutetiaError`` with code, place and remedy.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: name → module that defines it; imported on first use, so that ``import lutetia`` is quick. The types of these names
#: stand in ``__init__.pyi``.
_PLACES = {
    "Course": "lutetia.model",
    "InputError": "lutetia.model",
    "LutetiaError": "lutetia.model",
    "OutputSettings": "lutetia.reading.settings",
    "ReadSettings": "lutetia.reading.settings",
    "UsageError": "lutetia.model",
    "conformance": "lutetia.api",
    "doctor": "lutetia.reading.doctor",
    "make_phantom": "lutetia.api",
    "read": "lutetia.api",
    "scan": "lutetia.api",
    "score": "lutetia.rules.score",
    "suv": "lutetia.api",
    "why": "lutetia.reading.why",
}

__all__ = [
    "Course",
    "InputError",
    "LutetiaError",
    "OutputSettings",
    "ReadSettings",
    "UsageError",
    "__version__",
    "conformance",
    "doctor",
    "make_phantom",
    "read",
    "rules",
    "scan",
    "score",
    "suv",
    "why",
]


def __getattr__(name: str) -> Any:
    if name == "rules":
        return import_module("lutetia.rules")
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'lutetia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
