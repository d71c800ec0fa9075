"""The expression language of rule files: comparisons, logic, arithmetic, and counts over lesions.

An expression is parsed once, checked against the vocabulary, and compiled. It is evaluated on complete facts only;
what happens with facts missing is the business of `possible`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lutetia.model import RuleError

Scalar = bool | int | float | str
Rename = Callable[[str], str]

COUNTING = ("count", "any", "all", "none", "share")
NUMERIC = ("largest", "smallest", "total")
_CALLS = {"abs": abs, "min": min, "max": max}
_CONSTANTS = {"true": True, "false": False, "yes": True, "no": False}


def is_number(value: object) -> bool:
    """Whether `value` is a number (a yes/no answer is not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(a: Any, b: Any) -> bool:
    """Equal as typed: numbers that differ only by the noise of binary floating point are equal."""
    if is_number(a) and is_number(b):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)
    return bool(a == b)


def _less(a: Any, b: Any) -> bool:
    return bool(a < b) and not same(a, b)


def _less_equal(a: Any, b: Any) -> bool:
    return bool(a < b) or same(a, b)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Lt": _less,
    "LtE": _less_equal,
    "Gt": lambda a, b: _less(b, a),
    "GtE": lambda a, b: _less_equal(b, a),
    "Eq": same,
    "NotEq": lambda a, b: not same(a, b),
    "In": lambda a, b: any(same(a, item) for item in b),
    "NotIn": lambda a, b: not any(same(a, item) for item in b),
}


@dataclass(frozen=True)
class Comparison:
    """One comparison of numbers, kept apart so that the cuts on a fact can be found."""

    left: Expression
    right: Expression
    names: frozenset[str]


@dataclass(frozen=True)
class Aggregate:
    """A count or number over the lesions: ``any(p, of=q)``, ``largest(x)``, ``lesions('set')``."""

    kind: str
    body: Expression | None
    of: Expression | None
    by: Expression | None
    named_set: str | None = None


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression.

    Attributes
    ----------
    text : as written
    names : facts it reads outside its aggregates (short names already replaced)
    aggregates : what it counts over lesions; their values are handed to `value` in this order
    comparisons : its comparisons between numbers
    symbols : fact → allowed values it is compared with
    constants : the numbers that stand in it
    """

    text: str
    names: frozenset[str]
    aggregates: tuple[Aggregate, ...]
    comparisons: tuple[Comparison, ...]
    symbols: Mapping[str, frozenset[str]]
    constants: tuple[float, ...]
    _code: Any = field(repr=False)

    def value(self, facts: Mapping[str, Any], aggregates: tuple[Any, ...] = ()) -> Any:
        """Evaluate on complete facts: every one of `names` must be there."""
        return eval(self._code, _GLOBALS, {"_f": facts, "_a": aggregates})

    def holds(self, facts: Mapping[str, Any], aggregates: tuple[Any, ...] = ()) -> bool:
        """Evaluate as a condition."""
        return bool(self.value(facts, aggregates))

    def all_names(self) -> frozenset[str]:
        """Every fact read, inside aggregates too."""
        names = set(self.names)
        for aggregate in self.aggregates:
            for part in (aggregate.body, aggregate.of, aggregate.by):
                if part is not None:
                    names |= part.all_names()
        return frozenset(names)


def _quotient(a: Any, b: Any) -> Any:
    return a / b if b else math.nan


_GLOBALS: dict[str, Any] = {"__builtins__": {}, "_c": _COMPARE, "_d": _quotient, **_CALLS}


class _Compiler(ast.NodeTransformer):
    """Turns the parsed text into code that reads ``_f`` (facts) and ``_a`` (aggregates)."""

    def __init__(self, text: str, where: str, resolve: Rename, known: Callable[[str], bool]) -> None:
        self.text, self.where, self.resolve, self.known = text, where, resolve, known
        self.names: set[str] = set()
        self.aggregates: list[Aggregate] = []
        self.comparisons: list[Comparison] = []
        self.symbols: dict[str, set[str]] = {}
        self.constants: list[float] = []

    def fail(self, message: str) -> RuleError:
        return RuleError("expression", f"{message} in {self.text!r}", where=self.where)

    def dotted(self, node: ast.AST) -> str | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            return ".".join([node.id, *reversed(parts)])
        return None

    def fact(self, name: str) -> ast.expr:
        self.names.add(name)
        return ast.Subscript(ast.Name("_f", ast.Load()), ast.Constant(name), ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        name = self.dotted(node)
        if name is None:
            raise self.fail("Only dotted names are allowed")
        resolved = self.resolve(name)
        if not self.known(resolved):
            raise self.fail(f"Unknown fact {name!r}")
        return self.fact(resolved)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _CONSTANTS:
            return ast.Constant(_CONSTANTS[node.id])
        resolved = self.resolve(node.id)
        if resolved != node.id or self.known(resolved):
            return self.fact(resolved)
        return ast.Constant(node.id)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, bool | int | float | str):
            raise self.fail("Only numbers and words are allowed")
        if is_number(node.value):
            self.constants.append(float(node.value))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        parts: list[ast.expr] = []
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
            kind = type(operator).__name__
            if kind not in _COMPARE:
                raise self.fail("Unknown comparison")
            if kind in ("In", "NotIn") and not isinstance(right, ast.Tuple | ast.List):
                right = ast.Tuple([right], ast.Load())
            self._note_symbols(left, right)
            if kind in ("Lt", "LtE", "Gt", "GtE") or self._is_numeric(left) or self._is_numeric(right):
                self._note_comparison(left, right)
            parts.append(
                ast.Call(
                    ast.Subscript(ast.Name("_c", ast.Load()), ast.Constant(kind), ast.Load()),
                    [self.visit(left), self.visit(right)],
                    [],
                )
            )
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    @staticmethod
    def _is_numeric(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and is_number(node.value)

    def _note_symbols(self, left: ast.expr, right: ast.expr) -> None:
        for a, b in ((left, right), (right, left)):
            name = self.dotted(a)
            if name is None:
                continue
            resolved = self.resolve(name)
            if not self.known(resolved):
                continue
            for item in b.elts if isinstance(b, ast.Tuple | ast.List) else [b]:
                if isinstance(item, ast.Name) and not self.known(self.resolve(item.id)):
                    if item.id not in _CONSTANTS:
                        self.symbols.setdefault(resolved, set()).add(item.id)
                elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                    self.symbols.setdefault(resolved, set()).add(item.value)

    def _note_comparison(self, left: ast.expr, right: ast.expr) -> None:
        sides = right.elts if isinstance(right, ast.Tuple | ast.List) else [right]
        for side in sides:
            a, b = self._part(left), self._part(side)
            if a.aggregates or b.aggregates:
                continue
            names = a.names | b.names
            if names:
                self.comparisons.append(Comparison(a, b, names))

    def _part(self, node: ast.expr) -> Expression:
        return _compile_node(node, ast.unparse(node), self.where, self.resolve, self.known)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("_d", ast.Load()), [left, right], [])
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            raise self.fail("Only + - * / are allowed")
        return ast.BinOp(left, node.op, right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if not isinstance(node.op, ast.Not | ast.USub):
            raise self.fail("Only 'not' and '-' are allowed")
        return ast.UnaryOp(node.op, self.visit(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self.visit(value) for value in node.values])

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return ast.Tuple([self.visit(item) for item in node.elts], ast.Load())

    def visit_List(self, node: ast.List) -> ast.expr:
        return ast.Tuple([self.visit(item) for item in node.elts], ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name):
            raise self.fail("Unknown function")
        name = node.func.id
        if name in _CALLS:
            return ast.Call(ast.Name(name, ast.Load()), [self.visit(item) for item in node.args], [])
        if name in (*COUNTING, *NUMERIC, "lesions"):
            return self._aggregate(name, node)
        raise self.fail(f"Unknown function {name!r}")

    def _aggregate(self, kind: str, node: ast.Call) -> ast.expr:
        named = None
        if kind == "lesions":
            if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
                raise self.fail("lesions('set') takes the name of one set")
            named, body = str(node.args[0].value), None
        else:
            if len(node.args) > 1:
                raise self.fail(f"{kind} takes one condition")
            body = self._part(node.args[0]) if node.args else None
        options = {item.arg: self._part(item.value) for item in node.keywords}
        if unknown := set(options) - {"of", "by"}:
            raise self.fail(f"Unknown option {sorted(str(u) for u in unknown)} of {kind}")
        if body is None and kind not in ("count", "lesions"):
            raise self.fail(f"{kind} needs a condition")
        self.aggregates.append(Aggregate(kind, body, options.get("of"), options.get("by"), named))
        index = ast.Constant(len(self.aggregates) - 1)
        return ast.Subscript(ast.Name("_a", ast.Load()), index, ast.Load())

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Expression):
            node.body = self.visit(node.body)
            return node
        raise self.fail(f"{type(node).__name__} is not part of the language")


def _compile_node(node: ast.expr, text: str, where: str, resolve: Rename, known: Callable[[str], bool]) -> Expression:
    compiler = _Compiler(text, where, resolve, known)
    tree = ast.fix_missing_locations(ast.Expression(compiler.visit(node)))
    return Expression(
        text=text,
        names=frozenset(compiler.names),
        aggregates=tuple(compiler.aggregates),
        comparisons=tuple(compiler.comparisons),
        symbols={name: frozenset(values) for name, values in compiler.symbols.items()},
        constants=tuple(compiler.constants),
        _code=compile(tree, f"<{where}>", "eval"),
    )


def compile_expression(
    text: object, *, where: str, resolve: Rename = lambda name: name, known: Callable[[str], bool] = lambda name: True
) -> Expression:
    """Parse, check and compile one expression.

    Parameters
    ----------
    text : the expression; ``true`` and ``false`` are allowed as they come from YAML
    where : file and line, for messages
    resolve : short name → fact name
    known : whether a (resolved) name is a fact

    Raises
    ------
    RuleError
        Syntax outside the language, or an unknown fact.
    """
    source = {True: "true", False: "false"}.get(text, str(text)) if isinstance(text, bool) else str(text)
    try:
        tree = ast.parse(" ".join(source.split()), mode="eval")
    except SyntaxError as error:
        raise RuleError("expression", f"Can't read the expression {source!r}: {error.msg}", where=where) from error
    return _compile_node(tree.body, source, where, resolve, known)
