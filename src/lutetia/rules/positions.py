"""YAML with line and column: every value can say where it stands, so an error can point at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lutetia.model import RuleError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml reads the same files, only slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A YAML document as plain values, with the place of every node.

    Attributes
    ----------
    name : file name, for messages
    data : plain dict, list, str, int, float, bool or None. Dates stay text.
    marks : path of keys and indices → (line, column), counted from 1
    """

    name: str
    data: Any
    marks: dict[Path_, tuple[int, int]] = field(default_factory=dict)

    def where(self, path: Path_) -> str:
        """The place of `path`, or of the nearest part of it that exists: ``file.yaml:12:3``."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return f"{self.name}:{mark[0]}:{mark[1]}"
        return self.name


def read_yaml(path: Path) -> Document:
    """Read a YAML file. Syntax errors, duplicate keys and aliases are refused with line and column.

    Raises
    ------
    RuleError
        ``unreadable-file``, or as `parse_yaml`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError("unreadable-file", f"Can't read {path.name}: {error}", where=str(path)) from error
    return parse_yaml(text, path.name)


def parse_yaml(text: str, name: str = "<text>") -> Document:
    """Parse YAML text; `name` stands in messages.

    Raises
    ------
    RuleError
        ``yaml-syntax``, a duplicate key or an alias, each with line and column.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise RuleError(
            "yaml-syntax", f"Not valid YAML: {error.problem}", where=where, remedy="Correct the line that is named."
        ) from error
    except yaml.YAMLError as error:
        raise RuleError("yaml-syntax", f"Not valid YAML: {error}", where=name) from error
    finally:
        loader.dispose()
    document = Document(name, None)
    if node is None:
        return document
    data = _build(node, (), document)
    return Document(name, data, document.marks)


_TRUE = {"yes", "true", "on"}


def _build(node: yaml.Node, path: Path_, document: Document) -> Any:
    document.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), document) for index, child in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if key is None:
            raise RuleError("yaml-key", "A key must be a plain word", where=f"{document.name}:{place[0]}:{place[1]}")
        if not isinstance(key, str):
            key = key_node.value
        if key in result:
            raise RuleError(
                "duplicate-key", f"The key {key!r} stands twice", where=f"{document.name}:{place[0]}:{place[1]}"
            )
        document.marks[(*path, key)] = place
        result[key] = _build(value_node, (*path, key), document)
    return result


def _scalar(node: yaml.ScalarNode) -> Any:
    tag = node.tag.rsplit(":", 1)[-1]
    text: str = node.value
    if tag == "bool":
        return text.lower() in _TRUE
    if tag == "null":
        return None
    if tag == "int":
        try:
            return int(text.replace("_", ""), 0) if not text.lstrip("+-").startswith("0") else _plain_int(text)
        except ValueError:
            return text
    if tag == "float":
        try:
            return float(text.replace("_", ""))
        except ValueError:
            return {".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf")}.get(text.lower(), text)
    return text


def _plain_int(text: str) -> int | str:
    return int(text) if text.lstrip("+-").isdigit() and (text.lstrip("+-") == "0") else text
