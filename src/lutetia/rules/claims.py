"""The 28 sentences that the software must never say, as patterns over text.

Twenty-seven are patterns; 22 and 28 are also properties of the verdict model (a profile has no verdict of its own; what
is missing stands first), which `hidden_verdicts` checks. A claim names the contexts in which a source or the footer
must use such words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lutetia.rules.verdict import Verdict

#: ``speech`` is everything about a person. ``documentation`` may quote within quotation marks. ``source_cell`` is a
#: cell of a source's own table, shown as such. ``footer`` is the regulatory sentence.
Context = Literal["speech", "documentation", "source_cell", "footer"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence never to be said: its number, an example, what is said instead, the pattern, where it may stand."""

    number: int
    never: str
    instead: str
    pattern: re.Pattern[str]
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A forbidden sentence found in a text."""

    number: int
    words: str
    instead: str


def _claim(number: int, never: str, instead: str, pattern: str, *allowed: Context) -> Claim:
    return Claim(number, never, instead, re.compile(pattern, re.IGNORECASE), frozenset(allowed))


_START = r"(?:^|[.;:!?>\n]\s*|\breport: )"

CLAIMS: tuple[Claim, ...] = (
    _claim(
        1,
        "Eligible for PRRT.",
        "Gate states of each profile, with counts of states.",
        r"\b(?:in|not )?eligible\b(?! (?:patients|lesions) (?:were|had))"
        r"|\bqualif(?:y|ies) for (?:PRRT|treatment|therapy)",
        "source_cell",
    ),
    _claim(
        2,
        "Suitable candidate for 177Lu-DOTATATE.",
        "The words of the source's table for this class, named as such.",
        r"\b(?:un)?suitable (?:patient|candidate)|\b(?:good|ideal|optimal) candidate|\bcandidate for (?:PRRT|177Lu)"
        r"|\bsuitable for (?:PRRT|177Lu|this patient)",
        "source_cell",
    ),
    _claim(
        3,
        "Responding to PRRT.",
        "Retention at cycle 2 is lower than at cycle 1.",
        r"\b(?:is |are |not )?respond(?:ing|s|ed) (?:well )?to (?:PRRT|treatment|therapy|177Lu)"
        r"|\bgood response to PRRT",
    ),
    _claim(
        4,
        "Progression: SUVmax rose by 40 %.",
        "Uptake rose by x % (outside the band); size unchanged.",
        r"\bprogress(?:ion|ive disease)\b[^.;]{0,40}(?:because|since|as|by|:)[^.;]{0,30}\b(?:SUV|uptake|Krenning)"
        r"|\b(?:SUV\w*|uptake|Krenning)\b[^.;]{0,40}\b(?:means|shows|proves|indicates|confirms) progression",
    ),
    _claim(
        5,
        "Partial response.",
        "SSTR tumour volume fell by x % (scheme y).",
        r"\b(?:partial|complete) response\b(?![^.;]*\b(?:RECIST|PERCIST|EORTC|nor|are confirmed)\b)",
        "source_cell",
    ),
    _claim(
        6,
        "Median survival for this patient is 46 months.",
        "Nothing: group medians are not forecasts.",
        r"\b(?:median |expected )?(?:overall )?survival (?:for|of|in) (?:this|the) (?:patient|person)"
        r"|\bmedian (?:overall |progression.free )?(?:survival|OS|PFS|TTP)\b|\bhas \d+ (?:months|years) to live"
        r"|\bprognosis (?:is|for this)",
        "source_cell",
    ),
    _claim(
        7,
        "70 % chance of response.",
        "Nothing: there is no validated model.",
        r"\b\d+(?:\.\d+)? ?(?:%|per ?cent) (?:chance|probability|likelihood|risk) of\b"
        r"|\b(?:chance|probability|likelihood) of (?:response|progression|survival|death)\b[^.;]{0,20}\d",
    ),
    _claim(
        8,
        "PRRT is contraindicated.",
        "EU label gate 'pregnancy excluded' is not met.",
        r"\b(?:PRRT|treatment|therapy|177Lu[\w-]*) (?:is|was|seems|remains)"
        r" (?:absolutely |relatively )?contra-?indicated",
        "source_cell",
    ),
    _claim(
        9,
        "Safe to give the next cycle.",
        "No dose-modification trigger in the entered values; not all inputs present.",
        r"\bsafe to (?:give|treat|proceed|continue)|\b(?:next|further) (?:cycle|dose) (?:is|can be given) safe",
    ),
    _claim(
        10,
        "Give 3.7 GBq.",
        "The US label profile names 3.7 GBq after resolution (unverified row).",
        rf"{_START}(?:give|administer|inject|reduce to|prescribe) (?:\w+ )?\d"
        r"|\bshould (?:be given|receive) \d[\d.]* ?[GM]Bq",
    ),
    _claim(
        11,
        "Kidney dose is 18 Gy, limit not reached.",
        "Research estimate 18 Gy (14 to 22); not for decisions.",
        r"\blimit (?:is |was )?not (?:yet )?reached|\b(?:kidney|renal|organ) dose is \d"
        r"|\bbelow the (?:kidney|renal|dose) limit",
    ),
    _claim(
        12,
        "No disease. Complete remission.",
        "No lesion above the stated threshold in the imaged field.",
        rf"{_START}(?:there is )?no (?:evidence of )?disease\b(?! modification)[.!]?\s*(?:$|[.;\n])"
        r"|\b(?:complete|full) remission\b|\b(?:disease|tumou?r)[- ]free\b"
        r"|\bcured\b",
    ),
    _claim(
        13,
        "Dedifferentiated.",
        "FDG-avid, SSTR-negative; possible dedifferentiation.",
        rf"{_START}dedifferentiated\b[.!]?\s*(?:$|[.;\n])|\b(?:is|are|has|have) dedifferentiated\b"
        r"|\bdedifferentiation (?:is )?(?:proven|confirmed|present)",
        "source_cell",
    ),
    _claim(
        14,
        "Redifferentiated after CAPTEM.",
        "SSTR expression higher after CAPTEM.",
        r"\bredifferentiated\b|\bredifferentiation (?:is )?(?:proven|confirmed|present)",
        "source_cell",
    ),
    _claim(
        15,
        "Grade 3 tumour (from PET).",
        "Imaging pattern more often seen with higher grade (group statement).",
        rf"{_START}grade 3 tumou?r[.!]?\s*(?:$|[.;\n]|\()|\bPET (?:shows|indicates|proves) (?:a )?(?:grade|G) ?[123]\b"
        r"|\bis a (?:grade 3|high.grade) tumou?r",
    ),
    _claim(
        16,
        "Benign.",
        "SSTR-RADS 2 as entered by the reader.",
        rf"{_START}benign[.!]\s*(?:$|[\n])|\b(?:lesion|focus|node) is benign\b(?!\?)",
        "source_cell",
    ),
    _claim(
        17,
        "Metastasis.",
        "New focus, unconfirmed.",
        rf"{_START}metastas[ie]s[.!]\s*(?:$|[\n])|\b(?:lesion|focus|node|uptake) is a metastasis",
        "source_cell",
    ),
    _claim(
        18,
        "SSTR negative outside the field of view.",
        "Not imaged.",
        r"\bSSTR.?negative (?:outside|beyond) the (?:imaged )?field"
        r"|\bno (?:uptake|lesions?) (?:outside|beyond) the field",
    ),
    _claim(
        19,
        "Patient takes somatostatin analogues.",
        "Pattern compatible with a somatostatin analogue started or re-timed.",
        r"\bpatient (?:takes|took|started|is on|was started on|receives) (?:an? )?(?:long-acting |short-acting )?"
        r"(?:somatostatin|analogue|octreotide|lanreotide)",
    ),
    _claim(
        20,
        "Use MIBG imaging.",
        "The founding review describes …",
        rf"{_START}(?:use|order|perform|choose|switch to|request) (?:an? |the )?(?:\w+[- ])?"
        r"(?:MIBG|exendin|CCK2R|GLP-1R|FDG|18F-DOPA|SSTR)\b",
    ),
    _claim(
        21,
        "Biopsy segment VII.",
        "Highest FDG/SSTR ratio: segment VII; the review links this with the most aggressive lesion.",
        rf"{_START}biopsy (?:the |of )?(?:segment|lesion|liver|bone|node|L\d)|\bmust be biopsied|\bshould be biopsied",
    ),
    _claim(
        22,
        "Meets NETTER-2 criteria.",
        "Addressed and entered gates: …; unverified rows: …",
        r"\b(?:meets|fulfils|satisfies|fails) (?:all )?(?:the )?"
        r"(?:NETTER|COMPETE|COMPOSE|LUTIA|EU|US|label|trial|guideline|NANETS|IAEA|EANM|ENETS|ESMO|NCCN)"
        r"[\w' -]{0,20}(?:criteria|requirements|label)",
    ),
    _claim(
        23,
        "Normal kidney function.",
        "CG 85 mL/min (actual weight 74 kg).",
        r"\bnormal (?:kidney|renal|liver|hepatic|marrow|organ) function\b(?! for age)"
        r"|\b(?:kidneys?|kidney function) (?:is|are) normal\b",
        "source_cell",
    ),
    _claim(
        24,
        "Scan repeat unnecessary.",
        "Nothing.",
        r"\b(?:scan|imaging|follow.?up|biopsy|FDG)\b[^.;]{0,20}\b(?:is |are )?"
        r"(?:unnecessary|not (?:needed|required|necessary))\b"
        r"(?! (?:by|in) )",
        "source_cell",
        "documentation",
    ),
    _claim(
        25,
        "AI-detected; diagnosed by Lutetia.",
        "Measured by Lutetia, read by <name>.",
        r"\bAI.?(?:detected|diagnosed|read)\b|\bdiagnosed (?:by|with) Lutetia"
        r"|\bLutetia (?:diagnoses|recommends|advises|decides)\b",
    ),
    _claim(
        26,
        "Validated, approved, CE, FDA-cleared.",
        "Research software.",
        r"\b(?:FDA|EMA|CE)[- ](?:cleared|marked|approved|certified)|\bapproved medical device"
        r"|\b(?:clinically|fully) validated"
        r"|\bLutetia is (?:validated|approved|certified|cleared)",
        "footer",
    ),
    _claim(
        27,
        "Treatment should be changed.",
        "Diverging components (DE-5); discuss in the tumour board.",
        r"\b(?:treatment|therapy|PRRT) (?:should|must) be (?:changed|stopped|started|continued|given|switched|deferred)"
        r"|\b(?:stop|start|continue|switch) (?:PRRT|treatment|therapy)\b",
        "source_cell",
    ),
)

_QUOTED = re.compile(r"“[^”]*”|\"[^\"\n]{0,200}\"|‘[^’\n]{0,200}’")


def forbidden_claims(text: str, context: Context = "speech") -> list[Found]:
    """Every forbidden sentence in a text.

    Parameters
    ----------
    text : plain text
    context : where it stands. In ``documentation`` what stands in double quotation marks is quoted and left out;
        ``source_cell`` and ``footer`` allow what a source's own cell or the regulatory sentence must say.

    Returns
    -------
    list of Found
        Number of the claim, the words found, what may be said instead; empty when there is nothing to object to.
    """
    spoken = _QUOTED.sub(" ", text) if context == "documentation" else text
    found: list[Found] = []
    for claim in CLAIMS:
        if context in claim.allowed:
            continue
        match = claim.pattern.search(spoken)
        if match is not None:
            found.append(Found(claim.number, match.group(0).strip(), claim.instead))
    return found


def hidden_verdicts(verdicts: Iterable[Verdict]) -> list[Found]:
    """Claims 22 and 28 on the verdict model: profiles with a result of their own, or with what is missing not first."""
    found: list[Found] = []
    for verdict in verdicts:
        if verdict.shape != "profile":
            continue
        if verdict.results or verdict.result is not None:
            found.append(Found(22, f"{verdict.rule} has a result", "Gate states only."))
        states = [gate.state == "indeterminate" for gate in verdict.gates]
        if states != sorted(states, reverse=True):
            found.append(Found(28, f"{verdict.rule} hides an open gate", "Open gates stand first."))
        listed = verdict.as_dict().get("indeterminate_gates", [])
        if any(states) and len(listed) != sum(states):
            found.append(Found(28, f"{verdict.rule} does not list its open gates", "Open gates are listed first."))
    return found


__all__ = ["CLAIMS", "Claim", "Context", "Found", "forbidden_claims", "hidden_verdicts"]
