"""What CT shows at a lesion, in the words the rules ask for."""

from __future__ import annotations

from lutetia.model import Observation

#: answers a reader gives, as SSTR-RADS asks
ANSWERS = ("nil", "nonspecific", "benign_like", "suspicious", "definitive")
#: what the images say on their own: that nothing is there can be measured, what something is can't
_MEASURED = {"no nodule": "nil", "no soft tissue at the focus": "nil"}


def correlate_of(observation: Observation) -> str | None:
    """The correlate of an observation as an answer of SSTR-RADS, None where density alone does not tell.

    Parameters
    ----------
    observation : with `ct_correlate` in words, from the images or from a reader
    """
    said = observation.ct_correlate
    return said if said in ANSWERS else _MEASURED.get(said or "")
