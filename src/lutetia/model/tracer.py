"""What was injected and what it binds."""

from __future__ import annotations

from typing import Literal

from lutetia.model.base import Citation, Record

TracerClass = Literal[
    "sstr_agonist",
    "sstr_antagonist",
    "glucose",
    "norepinephrine_transporter",
    "glp1r",
    "cck2r",
    "gipr",
    "amino_acid_transport",
    "other",
]


#: radionuclides that are given to see, never to treat
DIAGNOSTIC = ("123I", "111In", "99mTc")


class Tracer(Record):
    """A radiopharmaceutical: `key` ("dotatate", "fdg", "lu177-dotatate"), what it binds, its radionuclide.

    `origin` says how it became known: "code", "text", "override"; `evidence` quotes the element.
    """

    key: str
    name: str
    binds: TracerClass
    radionuclide: str
    half_life_s: float | None = None
    modality: Literal["PET", "SPECT", "planar"] = "PET"
    origin: Literal["code", "text", "override"] = "code"
    evidence: str = ""
    citation: Citation | None = None

    @property
    def is_sstr(self) -> bool:
        """Whether the tracer binds somatostatin receptors."""
        return self.binds in ("sstr_agonist", "sstr_antagonist")
