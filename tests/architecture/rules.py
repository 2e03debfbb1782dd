"""Rules of shape over one parsed file; each returns what is wrong and where."""

import ast
from collections.abc import Iterator

FUNCTION_LINES = 40
FILE_LINES = 400
NESTING = 3
PARAMETERS = 5
FORBIDDEN_MODULES = frozenset(
    {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager", "managers"}
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def functions(tree: ast.Module) -> list[Function]:
    """Every function, methods and inner ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def body_lines(function: Function) -> int:
    """Lines of the body, docstring left out."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_functions(tree: ast.Module) -> list[str]:
    """Functions over the limit."""
    return [
        f"{function.name} has {body_lines(function)} lines"
        for function in functions(tree)
        if body_lines(function) > FUNCTION_LINES
    ]


def depth(node: ast.AST) -> int:
    """How deep blocks lie in each other; `elif` counts like its `if`, an inner function starts anew."""
    return max((_depth_of(child) for child in ast.iter_child_nodes(node)), default=0)


def _depth_of(node: ast.AST) -> int:
    if isinstance(node, Function | ast.ClassDef | ast.Lambda):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        inner = max((_depth_of(child) for child in node.body), default=0)
        return max(1 + inner, _depth_of(node.orelse[0]))
    return depth(node) + (1 if isinstance(node, _BLOCKS) else 0)


def deep_functions(tree: ast.Module) -> list[str]:
    """Functions whose blocks lie too deep."""
    return [
        f"{function.name} nests {depth(function)} deep" for function in functions(tree) if depth(function) > NESTING
    ]


def crowded_functions(tree: ast.Module) -> list[str]:
    """Functions with too many parameters; self and cls are free."""
    found = []
    for function in functions(tree):
        arguments = function.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > PARAMETERS:
            found.append(f"{function.name} takes {count} parameters")
    return found


def broad_handlers(tree: ast.Module) -> list[str]:
    """`except Exception`, `except BaseException` and bare `except`."""
    handlers = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    return [f"line {node.lineno}" for node in handlers if _is_broad(node.type)]


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in kinds)


def open_signatures(tree: ast.Module) -> list[str]:
    """Public functions, and methods of public classes, with Any among their types."""
    return [
        f"{function.name} takes or returns Any"
        for function in _public(tree)
        if any(_names_any(each) for each in _annotations(function))
    ]


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[Function]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def _annotations(function: Function) -> Iterator[ast.expr]:
    arguments = function.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    yield from (each.annotation for each in every if each is not None and each.annotation is not None)
    if function.returns is not None:
        yield function.returns


def _names_any(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


def unconditional_sleeps(tree: ast.Module) -> list[str]:
    """`sleep(<number>)` or `sleep(A_NUMBER)` outside a loop: a test that waits for time instead of a condition."""
    looped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.While | ast.For | ast.AsyncFor)
        for inner in ast.walk(node)
    }
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [f"line {node.lineno}" for node in calls if _is_sleep(node) and id(node) not in looped]


def _is_sleep(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name != "sleep" or not node.args:
        return False
    given = node.args[0]
    if isinstance(given, ast.Constant):
        return given.value != 0
    return ast.unparse(given).rsplit(".", 1)[-1].isupper()
