"""The shape of the code: what each folder may hold, and what stands in one place only.

What a linter or an import contract can hold is held there (pyproject.toml); here is the rest.
"""

import ast
import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("api", "schema", "domain")
EVERYTHING = (*PRODUCT, "tests", "benchmarks")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
NESTING_MAX = 3
ARGUMENTS_MAX = 6

DOMAIN_FILES = {"model", "rules", "repository", "actions", "events", "errors"}
SCHEMA_FILES = {"types", "inputs", "queries", "mutations", "subscriptions", "policies"}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "services", "service", "managers", "manager", "misc"}

STATEMENTS = {"select", "insert", "update", "delete"}
STATEMENT_FILES = {"domain/base/pages.py", "domain/base/statements.py"}
"""Beside the repositories: what every repository's pages are cut with, and the lists in its statements."""

COMMIT_FILES = {"domain/base/work.py", "domain/base/feed.py"}
CALLED_BY_POSITION = (["work", "events"], ["works", "job"], ["session", "ids"])
CLOCK_FILES = {"domain/base/clock.py"}
CLOCK_CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Block: TypeAlias = ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try
_Check: TypeAlias = Callable[[ast.Module], list[str]]


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below these folders of the project."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    found = [path for path in found if "node_modules" not in path.parts]  # packages of npm bring their own
    assert found
    return found


def name_of(path: Path) -> str:
    """Return a file's name as the project knows it."""
    return path.relative_to(ROOT).as_posix()


def offenders(check: _Check, paths: list[Path], *, allowed: AbstractSet[str] = frozenset()) -> list[str]:
    """Return what the check finds in the files that are not allowed it, each with its file."""
    return [
        f"{name_of(path)}: {found}"
        for path in paths
        if name_of(path) not in allowed
        for found in check(ast.parse(path.read_text(encoding="utf-8")))
    ]


def functions(tree: ast.Module) -> Iterator[_Function]:
    """Yield every function of a module, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, _Function))


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of attributes, nothing for another expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the dotted name of what is called."""
    return ((dotted(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield every import as (module, name), the name empty for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def long_functions(tree: ast.Module) -> list[str]:
    """Return the functions that are too long, without counting their docstrings."""
    found = []
    for function in functions(tree):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if ast.get_docstring(function) is not None:
            docstring = function.body[0]
            lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            found.append(f"{function.name} has {lines} lines")
    return found


def deep_functions(tree: ast.Module) -> list[str]:
    """Return the functions whose blocks stand too deep in one another."""
    found = ((function.name, depth_of(function.body)) for function in functions(tree))
    return [f"{name} is {depth} deep" for name, depth in found if depth > NESTING_MAX]


def depth_of(body: list[ast.stmt]) -> int:
    """Return how deep blocks stand in one another; `elif` is no deeper than its `if`."""
    deepest = 0
    for statement in body:
        if isinstance(statement, ast.If):
            is_elif = len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If)
            other = depth_of(statement.orelse) if is_elif else 1 + depth_of(statement.orelse)
            deepest = max(deepest, 1 + depth_of(statement.body), other if statement.orelse else 0)
        elif isinstance(statement, _Block):
            inner = [*statement.body, *getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
            inner += [line for handler in getattr(statement, "handlers", []) for line in handler.body]
            deepest = max(deepest, 1 + depth_of(inner))
        elif isinstance(statement, ast.Match):
            deepest = max(deepest, 1 + max(depth_of(case.body) for case in statement.cases))
    return deepest


def statements(tree: ast.Module) -> list[str]:
    """Return the builders of SQL statements that a module imports or reaches through a module of SQLAlchemy."""
    from_sqlalchemy = {name for module, name in imports(tree) if module.partition(".")[0] == "sqlalchemy"}
    modules = {module for module, name in imports(tree) if not name} | from_sqlalchemy
    reached = {
        name
        for name, _ in calls(tree)
        if name.rpartition(".")[2] in STATEMENTS and name.partition(".")[0] in modules and "." in name
    }
    return sorted((from_sqlalchemy & STATEMENTS) | reached)


def commits(tree: ast.Module) -> list[str]:
    """Return the calls that commit."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]


def clock_reads(tree: ast.Module) -> list[str]:
    """Return the calls that ask what time it is."""
    found = [name for name, _ in calls(tree) if ".".join(name.split(".")[-2:]) in CLOCK_CALLS]
    return found + [f"{module}.{name}" for module, name in imports(tree) if f"{module}.{name}" in CLOCK_CALLS]


def lazy_relations(tree: ast.Module) -> list[str]:
    """Return the relations that would read from the database behind everybody's back."""
    return [
        ast.unparse(call)
        for name, call in calls(tree)
        if name.rpartition(".")[2] == "relationship"
        and not any(
            word.arg == "lazy" and isinstance(word.value, ast.Constant) and word.value.value == "raise"
            for word in call.keywords
        )
    ]


def refused_names(tree: ast.Module) -> list[str]:
    """Return what the schema does without: lazy types hide cycles, DataLoaders hide the level of the tree."""
    imported = {f"{module}.{name}" for module, name in imports(tree)}
    reached = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return [
        name
        for name in sorted(imported | reached)
        if name.startswith(("strawberry.lazy", "strawberry.dataloader")) or name.endswith("DataLoader")
    ]


def graphql_imports(tree: ast.Module) -> list[str]:
    """Return the imports of GraphQL's libraries."""
    return [module for module, _ in imports(tree) if module.partition(".")[0] in ("strawberry", "graphql")]


def public_functions(tree: ast.Module) -> list[_Function]:
    """Return the functions of a module that others call."""
    return [node for node in tree.body if isinstance(node, _Function) and not node.name.startswith("_")]


def positional_arguments(tree: ast.Module) -> list[str]:
    """Return the public functions with more than one argument that a call may give without its name.

    What the product itself calls has its arguments in one order everywhere: reactions, jobs, parts of an export.
    """
    found = []
    for function in public_functions(tree):
        names = [each.arg.lstrip("_") for each in (*function.args.posonlyargs, *function.args.args)]
        if len(names) > 1 and names not in CALLED_BY_POSITION:
            found.append(f"{function.name}({', '.join(names)})")
    return found


def many_arguments(tree: ast.Module) -> list[str]:
    """Return the public functions with so many arguments that they should take one dataclass."""
    found = []
    for function in public_functions(tree):
        count = len((*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs))
        if count > ARGUMENTS_MAX:
            found.append(f"{function.name} has {count} arguments")
    return found


def is_repository(path: Path) -> bool:
    """Tell whether a file is a repository, or a part of one that became a folder."""
    return "repository" in (path.stem, path.parent.name)


def files_named(name: str) -> list[Path]:
    """Return the files of the domain that are, or stand in a folder that is, of this name."""
    return [path for path in python_files("domain") if name in (path.stem, path.parent.name)]


def areas(layer: str) -> list[Path]:
    """Return the folders of a layer's areas, without the base that they stand on."""
    return [
        path
        for path in sorted((ROOT / layer).iterdir())
        if path.is_dir() and path.name not in ("base", "__pycache__") and list(path.glob("*.py"))
    ]


@pytest.mark.parametrize(("layer", "allowed"), [("domain", DOMAIN_FILES), ("schema", SCHEMA_FILES)])
def test_every_area_has_the_same_file_names(layer: str, allowed: set[str]) -> None:
    """A reader who knows one area knows where everything stands in the others."""
    assert [area.name for area in areas(layer)] == ["customers", "files", "identity", "interactions", "orders"]
    found = [
        name_of(entry)
        for area in areas(layer)
        for entry in sorted(area.iterdir())
        if entry.name not in ("__init__.py", "__pycache__") and entry.stem not in allowed
    ]
    assert found == []


def test_beside_the_areas_stands_only_what_joins_them() -> None:
    """The domain's top has the reactions, the jobs and what is exported, the schema's top the root."""
    assert {path.name for path in (ROOT / "domain").glob("*.*")} == {
        "__init__.py",
        "exports.py",
        "jobs.py",
        "reactions.py",
    }
    assert {path.name for path in (ROOT / "schema").glob("*.*")} == {
        "__init__.py",
        "root.py",
        "schema.graphql",
        "released.graphql",
    }


def test_no_file_is_a_bag() -> None:
    """A name says what is inside; these say nothing."""
    found = [
        name_of(path)
        for path in python_files(*EVERYTHING, "alembic")
        if BANNED_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]
    assert found == []


def test_package_files_are_empty_and_migrations_are_no_package() -> None:
    """`__init__.py` holds nothing; with one in `alembic/`, `import alembic.command` would find this folder."""
    filled = [name_of(path) for path in python_files(*EVERYTHING) if path.name == "__init__.py" and path.stat().st_size]
    assert filled == []
    assert not list((ROOT / "alembic").rglob("__init__.py"))


def test_files_are_short() -> None:
    """A longer file becomes a folder of its own name."""
    paths = [*python_files(*EVERYTHING), ROOT / "alembic" / "env.py"]
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_are_short_and_flat() -> None:
    """A function fits on a screen, and is read without counting blocks."""
    assert offenders(long_functions, python_files(*EVERYTHING)) == []
    assert offenders(deep_functions, python_files(*EVERYTHING)) == []


def test_statements_stand_in_repositories() -> None:
    """Who wants to know what is asked of the database reads the repositories, and nothing else."""
    elsewhere = [path for path in python_files(*PRODUCT) if not is_repository(path)]
    assert offenders(statements, elsewhere, allowed=STATEMENT_FILES) == []
    assert any(statements(ast.parse(path.read_text())) for path in python_files("domain") if is_repository(path))


def test_one_place_commits() -> None:
    """Event log, audit row and answer cannot be left out of a commit that only `Work` can do.

    The log itself is numbered after that.
    """
    assert offenders(commits, python_files(*PRODUCT), allowed=COMMIT_FILES) == []
    assert len(offenders(commits, python_files("domain"))) == 2


def test_one_place_knows_the_time() -> None:
    """Whatever depends on the time can be tested with a clock that stands still."""
    assert offenders(clock_reads, python_files(*PRODUCT), allowed=CLOCK_FILES) == []
    assert len(offenders(clock_reads, python_files("domain"))) == 1


def test_nothing_is_read_behind_ones_back() -> None:
    """Relations raise rather than read; the schema has neither lazy types nor DataLoaders."""
    assert offenders(lazy_relations, python_files(*PRODUCT)) == []
    assert offenders(refused_names, python_files(*PRODUCT)) == []


def test_the_domain_does_not_know_graphql() -> None:
    """The domain runs without it."""
    assert offenders(graphql_imports, python_files("domain")) == []


def test_exemptions_name_what_they_exempt() -> None:
    """`# noqa` and `# type: ignore` name their codes, so that they hide nothing else."""
    bare = re.compile(r"#\s*(noqa(?!: [A-Z]+[0-9])|type:\s*ignore(?!\[[a-z]))")
    paths = [path for path in python_files(*EVERYTHING, "alembic") if path != Path(__file__)]
    found = [
        f"{name_of(path)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
    assert all(bare.search(line) for line in ("x  # noqa", "x  # type: ignore", "x  # noqa because"))
    assert not bare.search("x  # noqa: S101  why")


def test_tests_mirror_the_areas() -> None:
    """Every area has its folder of tests."""
    names = {"base", *(area.name for layer in ("domain", "schema") for area in areas(layer))}
    assert {name for name in names if not (ROOT / "tests" / name).is_dir()} == set()


def test_actions_and_rules_name_their_arguments() -> None:
    """A call of an action or a rule reads like a sentence: after the first argument each has its name."""
    paths = [*files_named("actions"), *files_named("rules")]
    assert offenders(positional_arguments, paths) == []
    assert offenders(many_arguments, paths) == []


NESTED = "def f():\n for a in b:\n  while c:\n   with d:\n    if e:\n     pass\n"
LONG = "def f():\n" + " pass\n" * FUNCTION_LINES_MAX
ELSE_IFS = "def f():\n if a:\n  pass\n elif b:\n  pass\n elif c:\n  pass\n elif d:\n  pass\n"
SHORT = 'def f():\n """' + "\n" * FUNCTION_LINES_MAX + '"""\n pass\n'


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        (deep_functions, NESTED, ELSE_IFS),
        (long_functions, LONG, SHORT),
        (statements, "from sqlalchemy import select", "from sqlalchemy import Select"),
        (statements, "import sqlalchemy as sqlalchemy\nsqlalchemy.update(x)", "session.delete(x)"),
        (statements, "from sqlalchemy.dialects import sqlite\nsqlite.insert(x)", "list.insert(0, x)"),
        (commits, "await work.session.commit()", "await work.session.flush()"),
        (clock_reads, "import datetime\ndatetime.datetime.now()", "clock.now()"),
        (clock_reads, "from time import time", "from time import monotonic"),
        (lazy_relations, "relationship(lazy='select')", "orm.relationship(lazy='raise')"),
        (refused_names, "strawberry.lazy('.types')", "strawberry.field()"),
        (refused_names, "from strawberry.dataloader import DataLoader", "from strawberry import field"),
        (graphql_imports, "import strawberry.types", "import orjson"),
        (positional_arguments, "def act(work, what): ...", "def act(work, *, what): ..."),
        (positional_arguments, "async def act(what, how): ...", "def react(work, events): ..."),
        (many_arguments, "def act(a, *, b, c, d, e, f, g): ...", "def act(a, *, b, c, d, e, f): ..."),
    ],
)
def test_the_checks_see_what_they_look_for(check: _Check, bad: str, good: str) -> None:
    """Each check finds the fault in a sample that has it, and none in a sample that has not."""
    assert check(ast.parse(bad)) != []
    assert check(ast.parse(good)) == []
