"""Reads the docstrings below fields of models and members of enums, which Python itself does not keep."""

import ast
import inspect
import textwrap
from functools import cache


@cache
def of_attributes(owner: type) -> dict[str, str]:
    """Attribute → its docstring as one line; those of base classes included."""
    found: dict[str, str] = {}
    for each in reversed(owner.__mro__):
        if each.__module__.partition(".")[0] not in ("builtins", "enum", "pydantic", "abc", "typing"):
            found |= _own(each)
    return found


def one_line(docstring: str | None) -> str:
    """A docstring as one line; empty without one."""
    return " ".join((docstring or "").split())


def _own(owner: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = one_line(text)
            case _:
                pass
    return found
