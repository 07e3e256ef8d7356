"""The documents say what is there: every name in them exists, and nothing that must be told is left out."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from typer.main import get_command

from api import reference
from api.cli import app
from api.settings import Settings
from domain.base.actors import Permission
from domain.base.errors import ErrorCode
from domain.base.events import Event
from domain.customers.rules.attributes import AttributeType
from domain.customers.rules.consents import ConsentDecision, ConsentPurpose
from domain.customers.rules.families import MergeState
from domain.customers.rules.matching import DOUBTS, PROPOSAL_SCORE_MIN, WEIGHTS, Signal
from domain.customers.rules.profiles import ACTIVE_DAYS, AT_RISK_DAYS, ONBOARDING_DAYS, LifecycleStage
from domain.orders.rules import OrderState
from schema.base.errors import TopLevelCode
from schema.root import make_schema
from tests.documents import ROOT, Example, code_in, list_examples, list_pages, name_of

REFERENCE = ROOT / "docs" / "reference"
OTHER_VARIABLES = {"SPORTELLO_TEST_POSTGRES", "SPORTELLO_DB_PASSWORD"}
"""Variables of the tests and of compose.yaml, which are no settings of the product."""

MADE_BY_MAKE = ("var/", "dist/", ".venv/", "benchmarks/results/")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FILE = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|toml|graphql|mako|txt|yaml|gz))(?P<symbol>:\w+)?")
_PAGES = [pytest.param(page, id=name_of(page)) for page in list_pages()]


def read(name: str) -> str:
    """Return a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def setting_variables() -> set[str]:
    """Return the environment variables behind the settings."""
    return {f"{Settings.model_config['env_prefix']}{name}".upper() for name in Settings.model_fields}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Return the schema as clients know it."""
    return build_schema(make_schema().as_str())


def test_every_setting_is_documented() -> None:
    """The reference names every environment variable."""
    page = read("docs/reference/settings.md")
    assert [name for name in sorted(setting_variables()) if f"`{name}`" not in page] == []


def test_every_setting_says_what_it_does() -> None:
    """No setting is without a description."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_error_code_is_documented() -> None:
    """The reference names the codes of refusals and of top-level errors."""
    page = read("docs/reference/errors.md")
    assert [code for code in (*ErrorCode, *TopLevelCode) if f"| `{code}` |" not in page] == []


def test_every_refusal_is_documented() -> None:
    """The reference names every exception with a code."""
    page = read("docs/reference/errors.md")
    refusals = [refusal.__name__ for refusal in reference.list_refusals()]
    assert "MoreDeliveredThanOrdered" in refusals
    assert [name for name in refusals if f"| `{name}` |" not in page] == []


def test_every_event_is_documented() -> None:
    """The reference names every kind of event that the product can record."""
    page = read("docs/reference/events.md")
    product = {name for name, event in Event.registry.items() if event.__module__.startswith("domain.")}
    assert "OrderChanged" in product
    assert product == {event.__name__ for event in reference.list_events()}
    assert [name for name in sorted(product) if f"### {name}\n" not in page] == []


def test_generated_pages_are_fresh() -> None:
    """What `make docs` would write is what is there, and nothing else is."""
    pages = reference.pages()
    assert {path.name for path in REFERENCE.iterdir()} == set(pages)
    stale = [name for name, text in pages.items() if (REFERENCE / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run make docs"


def test_the_reference_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    """The command's folder is made, and holds every page."""
    written = reference.write(tmp_path / "new" / "folder")
    assert {path.name for path in written} == {"settings.md", "errors.md", "events.md", "access.md"}
    assert all(path.read_text(encoding="utf-8").startswith("<!-- Written by `make docs`") for path in written)


@pytest.mark.parametrize("page", _PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file or folder of the project."""
    targets = [found["target"].partition("#")[0] for found in _LINK.finditer(page.read_text(encoding="utf-8"))]
    relative = [target for target in targets if target and not target.startswith(("https://", "http://"))]
    assert [target for target in relative if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", _PAGES)
def test_every_file_that_is_named_exists(page: Path) -> None:
    """A path in a page is one of the project, with the function or class that is named behind it."""
    assert [name for name in _files_in(page) if not _exists(name)] == []


def _files_in(page: Path) -> Iterator[str]:
    """Yield the paths from the project's root that a page sets as code."""
    for text in code_in(page):
        for word in text.split():
            name = word.removesuffix(",").removeprefix(".venv/bin/") if "://" not in word else ""
            if "/" in name and _FILE.fullmatch(name) and not name.startswith(MADE_BY_MAKE):
                yield name


def _exists(name: str) -> bool:
    path, _, symbol = name.partition(":")
    if not (ROOT / path).exists():
        return False
    if not symbol:
        return True
    tree = ast.parse(read(path))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return any(isinstance(node, kinds) and node.name == symbol for node in tree.body)


def test_the_walk_names_functions() -> None:
    """CONTRIBUTING follows a feature by name, so that a renamed function is noticed."""
    symbols = [name for name in _files_in(ROOT / "CONTRIBUTING.md") if ":" in name]
    assert "domain/orders/actions/orders.py:upsert_orders" in symbols
    assert not _exists("domain/orders/actions/orders.py:no_such_function")
    assert not _exists("domain/orders/no_such_file.py")


@pytest.mark.parametrize("page", _PAGES)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    """`make …` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert {"demo", "serve", "test", "check", "audit", "bench"} <= targets
    named = [
        word
        for text in code_in(page)
        for found in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", text)
        for word in found.split()
    ]
    assert [target for target in named if target not in targets] == []


@pytest.mark.parametrize("page", _PAGES)
def test_every_command_that_is_named_exists(page: Path) -> None:
    """`sportello …` in a page is a command of the product."""
    commands = set(getattr(get_command(app), "commands", ()))
    assert {"serve", "demo", "docs"} <= commands
    named = [found for text in code_in(page) for found in re.findall(r"(?:^|bin/|api )sportello ([a-z]+)", text)]
    assert [command for command in named if command not in commands] == []


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "Makefile", ".ci/run", *map(name_of, list_pages())])
def test_every_variable_that_is_named_is_a_setting(name: str) -> None:
    """A variable of Sportello in a page, the image or compose.yaml is one that the product reads."""
    named = set(re.findall(r"\bSPORTELLO_[A-Z_]+", read(name)))
    assert sorted(named - setting_variables() - OTHER_VARIABLES) == []


@pytest.mark.parametrize("example", [pytest.param(example, id=example.place) for example in list_examples()])
def test_every_example_fits_the_schema(example: Example, schema: GraphQLSchema) -> None:
    """A GraphQL document in a page is valid."""
    assert [str(error) for error in validate(schema, parse(example.query))] == []


def test_the_readme_has_an_answer() -> None:
    """The first page shows a query with what the demo answers; tests/real_data executes it."""
    assert any(example.place.startswith("README.md") and example.answer for example in list_examples())


def test_the_glossary_has_every_stage_and_state() -> None:
    """Every stage of a customer, state of an order or a merge, and word of consents and attributes is explained."""
    glossary = read("docs/glossary.md")
    words = (*LifecycleStage, *OrderState, *MergeState, *ConsentPurpose, *ConsentDecision, *AttributeType)
    assert [value for value in words if f"`{value}`" not in glossary] == []


def test_every_permission_is_documented() -> None:
    """Whoever makes a key finds what each permission opens."""
    page = read("docs/clients.md")
    assert [permission for permission in Permission if f"`{permission}`" not in page] == []


def test_the_decision_on_evidence_has_the_weights() -> None:
    """What the page says of each signal is what the rules reckon with."""
    page = read("docs/decisions/0011-what-counts-as-evidence.md")
    rows = re.findall(r"^\| `([A-Z_]+)` \| .* \| (the score times )?([\d.]+) \|$", page, re.MULTILINE)
    assert {Signal(name): Decimal(weight) for name, against, weight in rows if not against} == WEIGHTS
    assert {Signal(name): Decimal(weight) for name, against, weight in rows if against} == DOUBTS
    assert f"From {PROPOSAL_SCORE_MIN} on" in page


def test_the_glossary_has_the_bounds_of_the_stages() -> None:
    """The days in the glossary are those of the rules."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", read("docs/glossary.md"), re.MULTILINE))
    days = {stage: [int(number) for number in re.findall(r"\d+", rows[stage])] for stage in LifecycleStage}
    assert days == {
        LifecycleStage.LEAD: [],
        LifecycleStage.ONBOARDING: [ONBOARDING_DAYS],
        LifecycleStage.ACTIVE: [ACTIVE_DAYS],
        LifecycleStage.AT_RISK: [ACTIVE_DAYS, AT_RISK_DAYS],
        LifecycleStage.LAPSED: [AT_RISK_DAYS],
    }


def test_the_changelog_names_every_root_field(schema: GraphQLSchema) -> None:
    """A client learns from the changelog what it can ask and do."""
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root is not None]
    changelog = read("CHANGELOG.md")
    assert [name for root in roots for name in root.fields if f"`{name}`" not in changelog] == []


def test_every_decision_is_complete_and_listed() -> None:
    """A decision has its four parts, and the list has every decision."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    parts = ["Context", "Decision", "Consequences", "Alternatives"]
    incomplete = [
        p.name for p in pages if re.findall(r"^## (.*)$", p.read_text(encoding="utf-8"), re.MULTILINE) != parts
    ]
    assert incomplete == []
    listed = read("docs/decisions/README.md")
    assert [page.name for page in pages if f"({page.name})" not in listed] == []
