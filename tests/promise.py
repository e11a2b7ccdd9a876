"""What a starter promises, and a solution has to keep: the task, the routes, the names and what they take."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

ROUTE = ("get", "post", "put", "patch", "delete")
HANDED_IN = re.compile(r"\b(BackgroundTasks|Request|Response|Async\w*Session|Session|Depends)\b")
"""Parameters that a framework or the environment hands in: asking for more or fewer of them changes no promise."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Promise:
    """The promise of one file.

    task: the module's docstring; routes: ``GET /path`` each; names: public functions and classes at top level;
    fields: ``Class.field`` for annotated ones; parameters: of each function and method, without what is handed in.
    """

    task: str = ""
    routes: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    parameters: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Promise:
        """Read a promise from a file, without running it."""
        module = ast.parse(path.read_text(encoding="utf-8"))
        promise = cls(task=ast.get_docstring(module) or "")
        for statement in module.body:
            if isinstance(statement, Definition) and not statement.name.startswith("_"):
                promise.names.add(statement.name)
                promise._take(statement, "")
        return promise

    def broken_by(self, other: Promise) -> list[str]:
        """In what another file does not keep this promise."""
        told = [] if other.task == self.task else ["the docstring is another one"]
        told += [f"{route} is in one of them only" for route in sorted(self.routes ^ other.routes)]
        told += [f"{name} is missing" for name in sorted(self.names - other.names)]
        told += [f"the field {name} is missing" for name in sorted(self.fields - other.fields)]
        for name, parameters in self.parameters.items():
            taken = other.parameters.get(name, parameters)
            if taken[: len(parameters)] != parameters:
                told.append(f"{name} takes {taken} instead of {parameters}")
        return told

    def _take(self, definition: Definition, owner: str) -> None:
        name = owner + definition.name
        if not isinstance(definition, ast.ClassDef):
            self.routes |= {route for decorator in definition.decorator_list if (route := _route(decorator))}
            self.parameters[name] = _parameters(definition)
            return
        for member in definition.body:
            if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                self.fields.add(f"{name}.{member.target.id}")
            elif isinstance(member, Definition) and not member.name.startswith("_"):
                self._take(member, f"{name}.")


def _route(decorator: ast.expr) -> str:
    """Method and path when it declares a route, else nothing."""
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.args:
        path = decorator.args[0]
        if decorator.func.attr in ROUTE and isinstance(path, ast.Constant) and isinstance(path.value, str):
            return f"{decorator.func.attr.upper()} {path.value}"
    return ""


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [one.arg for one in given if not (one.annotation and HANDED_IN.search(ast.unparse(one.annotation)))]


def statements(path: Path) -> int:
    """How many lines begin a statement, without imports and docstrings: however it is wrapped, a call is one."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    return len({node.lineno for node in ast.walk(module) if isinstance(node, ast.stmt) and not _aside(node)})


def _aside(node: ast.stmt) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return text or isinstance(node, ast.Import | ast.ImportFrom)
