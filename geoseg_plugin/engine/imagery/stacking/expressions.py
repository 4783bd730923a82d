"""Arithmetic over bands, written as text, parsed against a short list of what is allowed, and computed with numpy."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import RequestError

Function = Callable[..., Any]

KNOWN = "numbers, band names, + - * / ** ( ) and the functions sqrt, cbrt, exp, ln, log10, abs, min, max, dB"
_LONGEST = 2000
_MOST_PARTS = 400
_DEEPEST = 60
_LARGEST_POWER = 100
_LARGEST_NUMBER = 1e30
_SPLIT = "Split it into several derived bands."
_SMALLEST_FOR_DB = 1e-8
_SEPARATORS = re.compile(r"[;\n]")
_OPERATORS: dict[type[ast.operator], Function] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def to_decibels(x: Any) -> Any:
    """Return 10 log10(x); what is smaller than 1e-8 has no decibels."""
    return 10 * np.log10(np.where(x < _SMALLEST_FOR_DB, np.nan, x))


FUNCTIONS: Mapping[str, Function] = {
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "abs": np.abs,
    "min": lambda *values: reduce(np.minimum, values),
    "max": lambda *values: reduce(np.maximum, values),
    "dB": to_decibels,
}
_OF_SEVERAL = ("min", "max")


Part = Callable[[Mapping[str, Any], Mapping[str, Function]], Any]


@dataclass(frozen=True)
class Formula:
    """Arithmetic that has been read and found harmless.

    Attributes:
        text: As it was written.
        names: The names of bands and constants in it, in the order of their first occurrence.
        compute: Computes it from values and functions by their names.
    """

    text: str
    names: tuple[str, ...]
    compute: Part

    def evaluate(
        self, values: Mapping[str, NDArray[np.float64] | float], functions: Mapping[str, Function] = FUNCTIONS
    ) -> NDArray[np.float64]:
        """Compute the formula, in float64, pixel by pixel.

        Args:
            values: For every name an array, all of one shape, or a number.
            functions: What the known functions are.

        Returns:
            An array of that shape; inf and NaN stand for values that do not exist.
        """
        with np.errstate(all="ignore"):
            result: NDArray[np.float64] = self.compute(values, functions)
        return result


def parse_formula(text: str) -> Formula:
    """Read arithmetic over names.

    Raises:
        RequestError: It is no arithmetic, contains anything but what is known, uses no band, or is very long.
    """
    written = text.strip()
    if len(written) > _LONGEST:
        raise RequestError(f"'{written[:60]}...' has {len(written)} characters.", _SPLIT)
    if "#" in written:
        raise RequestError(f"'{written[:80]}' contains a #.", f"Known are {KNOWN}; write # in a band's name as _.")
    try:
        tree = ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise RequestError(f"'{written[:80]}' is not understood.", f"Known are {KNOWN}.") from None
    reader = _Reader(written)
    compute = reader.read(tree)
    if not reader.names:
        raise RequestError(f"'{written[:80]}' uses no band.", "Write arithmetic over band names.")
    return Formula(written, tuple(reader.names), compute)


def parse_expressions(text: str) -> tuple[tuple[str, Formula], ...]:
    """Read a list of `name = arithmetic`, separated by semicolons or new lines.

    Raises:
        RequestError: An entry is not like that, or a name occurs twice.
    """
    found: dict[str, Formula] = {}
    for entry in filter(None, map(str.strip, _SEPARATORS.split(text))):
        name, equals, arithmetic = (part.strip() for part in entry.partition("="))
        if not equals or not arithmetic:
            raise RequestError(f"'{entry[:80]}' does not name a band.", "Write it as name = arithmetic.")
        if not name.isidentifier():
            raise RequestError(f"'{name[:80]}' cannot be the name of a band.", "Use letters, digits and _ alone.")
        if name in found:
            raise RequestError(f"Two derived bands are named {name}.", "Give each a name of its own.")
        found[name] = parse_formula(arithmetic)
    return tuple(found.items())


class _Reader:
    """Turns the parts of a parsed text into functions, and refuses whatever is not on the list of known parts."""

    def __init__(self, text: str) -> None:
        self.names: dict[str, None] = {}
        self._text = text
        self._parts = 0

    def read(self, node: ast.expr, depth: int = 0) -> Part:
        """Return what computes a part."""
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            raise RequestError(f"'{self._text[:60]}...' is too long or nested too deeply.", _SPLIT)
        match node:
            case ast.Constant():
                return self._read_number(node)
            case ast.Name(id=name):
                self.names[name] = None
                return lambda values, _: values[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.read(operand, depth + 1)
                return lambda values, functions: -inner(values, functions)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._read_operation(left, op, right, depth + 1)
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return self._read_call(name, node, depth + 1)
        raise self._refusal(node, _meant(node))

    def _read_number(self, node: ast.Constant) -> Part:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self._refusal(node)
        if abs(node.value) > _LARGEST_NUMBER:
            raise RequestError(f"'{self._text[:80]}' contains a number that is too large.", "Give a smaller number.")
        number = np.float64(node.value)
        return lambda values, functions: number

    def _read_operation(self, left: ast.expr, op: ast.operator, right: ast.expr, depth: int) -> Part:
        power = right.operand if isinstance(right, ast.UnaryOp) else right
        number = power.value if isinstance(op, ast.Pow) and isinstance(power, ast.Constant) else 0
        if isinstance(number, int | float) and number > _LARGEST_POWER:
            raise self._refusal(power, f"Give a power of at most {_LARGEST_POWER}.")
        operate, one, other = _OPERATORS[type(op)], self.read(left, depth), self.read(right, depth)
        return lambda values, functions: operate(one(values, functions), other(values, functions))

    def _read_call(self, name: str, node: ast.Call, depth: int) -> Part:
        several = name in _OF_SEVERAL
        if node.keywords or (len(node.args) < 2 if several else len(node.args) != 1):
            example = f"two or more values: {name}(VV, VH)" if several else f"one value: {name}(VV)"
            raise self._refusal(node, f"Give {name} {example}.")
        arguments = [self.read(argument, depth) for argument in node.args]
        return lambda values, functions: functions[name](*(part(values, functions) for part in arguments))

    def _refusal(self, node: ast.expr, fix: str = f"Known are {KNOWN}.") -> RequestError:
        part = ast.unparse(node)
        where = "" if part == self._text else f" in '{self._text[:80]}'"
        return RequestError(f"'{part[:80]}'{where} is not understood.", fix)


def _meant(node: ast.expr) -> str:
    """Return what was probably meant, as a fix."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        return "Write powers as **, such as VV**2."
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id.lower()
        alike = {known.lower(): known for known in FUNCTIONS} | {"log": "ln or log10"}
        if name in alike:
            return f"Write {alike[name]}."
    return f"Known are {KNOWN}."
