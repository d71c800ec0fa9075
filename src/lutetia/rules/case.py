"""The typed case: a patient written down in YAML."""

from __future__ import annotations

from pathlib import Path

from lutetia.model import InputError, RuleError
from lutetia.rules.case_reader import CaseReader
from lutetia.rules.case_record import CASE_SCHEMA, SECTIONS, CaseLesion, TypedCase, Visit, iso_day
from lutetia.rules.positions import Document, parse_yaml, read_yaml
from lutetia.rules.vocabulary import Vocabulary, built_in_vocabulary


def read_case(path: Path, vocabulary: Vocabulary | None = None) -> TypedCase:
    """Read a typed case from a YAML file.

    Raises
    ------
    InputError
        Another schema version, an unknown field, a wrong unit, an impossible value or a contradiction; with the line.
    """
    try:
        document = read_yaml(path)
    except RuleError as error:
        raise InputError(error.code, error.what, where=error.where, remedy=error.remedy) from error
    return case_of(document, vocabulary)


def case_from_text(text: str, name: str = "case.yaml", vocabulary: Vocabulary | None = None) -> TypedCase:
    """Read a typed case from YAML text.

    Raises
    ------
    InputError
        As `read_case`.
    """
    try:
        document = parse_yaml(text, name)
    except RuleError as error:
        raise InputError(error.code, error.what, where=error.where, remedy=error.remedy) from error
    return case_of(document, vocabulary)


def case_of(document: Document, vocabulary: Vocabulary | None = None) -> TypedCase:
    """Check a case document.

    Raises
    ------
    InputError
        As `read_case`.
    """
    return CaseReader(document, vocabulary or built_in_vocabulary()).read()


__all__ = [
    "CASE_SCHEMA",
    "SECTIONS",
    "CaseLesion",
    "TypedCase",
    "Visit",
    "case_from_text",
    "case_of",
    "iso_day",
    "read_case",
]
