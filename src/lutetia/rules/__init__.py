"""The rules room: scales, tables, rollups and profiles, as cited YAML and a three-valued engine. No pixels."""

from lutetia.rules.compiled import Rule
from lutetia.rules.describe import diff_rules, list_rules, list_sources, show_rule
from lutetia.rules.evaluate import evaluate, patient_view
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.grading import grade_krenning_modified, grade_krenning_spect
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.verdict import Gate, Question, Verdict

__all__ = [
    "UNKNOWN",
    "FactView",
    "Gate",
    "OneOf",
    "Question",
    "Rule",
    "RuleSet",
    "Verdict",
    "diff_rules",
    "evaluate",
    "grade_krenning_modified",
    "grade_krenning_spect",
    "list_rules",
    "list_sources",
    "load_rules",
    "patient_view",
    "show_rule",
]
