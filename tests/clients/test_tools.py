"""The tools with which frontends read the schema: types for their documents, Relay's compiler, GraphQL-ESLint."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.documents import ROOT

FOLDER = ROOT / "clients"
PROGRAMS = FOLDER / "node_modules" / ".bin"
SCHEMA = ROOT / "schema" / "schema.graphql"
OPERATIONS = ROOT / "contract" / "operations"

pytestmark = pytest.mark.clients


def run(program: str, *arguments: str | Path, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Run a program of npm to its end."""
    return subprocess.run(  # noqa: S603
        [PROGRAMS / program, *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=120
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program printed."""
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def generated() -> Path:
    """Return the folder with the types that the client preset of graphql-codegen generates."""
    done = run("graphql-codegen", "--config", "codegen.mjs")
    assert done.returncode == 0, said(done)
    return FOLDER / "generated"


def test_types_are_generated_for_every_document(generated: Path) -> None:
    """Each file of contract/operations has types, and each of its operations a document of its own."""
    names = {path.stem for path in OPERATIONS.glob("*.graphql")}
    assert names == {path.parent.name for path in generated.glob("*/graphql.ts")}
    for name in names:
        text = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
        operations = set(re.findall(r"^(?:query|mutation|subscription) (\w+)", text, re.MULTILINE))
        types = (generated / name / "graphql.ts").read_text(encoding="utf-8")
        assert operations == set(re.findall(r"export const (\w+)Document\b", types)) & operations
        assert operations


@pytest.mark.usefixtures("generated")
def test_a_typed_frontend_compiles() -> None:
    """Strictly; the mistakes that typed.ts marks as such would not."""
    done = run("tsc", "--project", "tsconfig.json")
    assert done.returncode == 0, said(done)


@pytest.mark.usefixtures("generated")
def test_a_mistake_does_not_compile(tmp_path: Path) -> None:
    """A field that a document does not ask for is none, so the types say something."""
    text = (FOLDER / "typed.ts").read_text(encoding="utf-8").replace("customer?.displayName", "customer?.surname")
    wrong = tmp_path / "typed.ts"
    wrong.write_text(text.replace("./generated", str(FOLDER / "generated")), encoding="utf-8")
    paths = {"@graphql-typed-document-node/core": [str(FOLDER / "node_modules/@graphql-typed-document-node/core")]}
    project = {"extends": str(FOLDER / "tsconfig.json"), "compilerOptions": {"paths": paths}, "include": [str(wrong)]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project), encoding="utf-8")
    done = run("tsc", "--project", tmp_path / "tsconfig.json")
    assert done.returncode != 0
    assert "Property 'surname' does not exist" in said(done)
    assert said(done).count("error TS") == 1, said(done)


def test_relays_compiler_accepts_the_schema() -> None:
    """Pages with @connection, refetching by `node`, a mutation and a subscription: Relay's conventions hold."""
    (FOLDER / "generated" / "relay").mkdir(parents=True, exist_ok=True)
    done = run("relay-compiler", "relay.config.json")
    assert done.returncode == 0, said(done)
    made = {path.name for path in (FOLDER / "generated" / "relay").glob("*.graphql.ts")}
    assert {"CustomerListPaginationQuery.graphql.ts", "CustomerCardSubscription.graphql.ts"} <= made


def test_relays_compiler_refuses_what_is_not_there(tmp_path: Path) -> None:
    """A schema without `node` could refetch nothing, and is told so: the compiler does look."""
    schema = SCHEMA.read_text(encoding="utf-8")
    assert schema.count("  node(") == 1
    (tmp_path / "schema.graphql").write_text(schema.replace("  node(", "  object("), encoding="utf-8")
    settings = json.loads((FOLDER / "relay.config.json").read_text(encoding="utf-8"))
    (tmp_path / "relay").mkdir()
    for path in (FOLDER / "relay").glob("*.ts"):
        (tmp_path / "relay" / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "made").mkdir()
    settings |= {"schema": "schema.graphql", "artifactDirectory": "made"}
    (tmp_path / "relay.config.json").write_text(json.dumps(settings), encoding="utf-8")
    done = run("relay-compiler", "relay.config.json", folder=tmp_path)
    assert done.returncode != 0
    assert "refetchable" in said(done)


def lint(schema: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold a schema to the rules of GraphQL-ESLint."""
    config = FOLDER / "eslint.config.mjs"
    return run("eslint", "--max-warnings", "0", "--config", config, schema.relative_to(folder), folder=folder)


def test_the_schema_keeps_the_rules_of_graphql_eslint() -> None:
    """`recommended` and `relay`: everything has a description, pages are pages, names are as they should be."""
    done = lint(SCHEMA, ROOT)
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ('"""A gift."""\ntype Gift { id: ID! name: String! }', "require-description"),
        ('"""A gift."""\ntype Gift { "Its name." name: String! }', "strict-id-in-types"),
        ('"""Gifts."""\ntype GiftConnection { "Them." edges: [String!]! }', "relay-connection-types"),
        ('"""A gift."""\nenum Gift { "Blue." blue }', "naming-convention"),
    ],
)
def test_the_rules_are_looked_at(tmp_path: Path, wrong: str, rule: str) -> None:
    """What breaks one is found."""
    schema = tmp_path / "schema" / "schema.graphql"
    schema.parent.mkdir()
    schema.write_text(f"{SCHEMA.read_text(encoding='utf-8')}\n{wrong}\n", encoding="utf-8")
    done = lint(schema, tmp_path)
    assert done.returncode != 0
    assert f"@graphql-eslint/{rule}" in said(done)
