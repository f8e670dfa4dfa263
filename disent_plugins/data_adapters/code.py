"""Of which code a cache is: what no description says, such as who is in which split, is decided there."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys


def code_hash(adapter: object) -> str:
    """SHA-256 of the modules that define an adapter's class and its bases, as far as they are not the standard library.

    Comments, layout and docstrings do not count. What those modules import does not either, nor do classes that were
    typed in without a file.
    """
    found = hashlib.sha256()
    for part in type(adapter).__mro__:
        if part.__module__.partition(".")[0] not in sys.stdlib_module_names:
            found.update(f"{part.__qualname__}\n{_meaning(part.__module__)}\n".encode())
    return found.hexdigest()


def _meaning(module: str) -> str:
    """A module's source as it is understood: without comments, layout and docstrings."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError, SyntaxError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.unparse(tree)
