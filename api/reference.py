"""The generated part of the documents: settings, errors and events, as the code has them.

`sportello docs FOLDER` writes it, `make check` finds where it is out of date.
"""

import inspect
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
import orjson
from pydantic.fields import FieldInfo

import domain
from api import access_page
from api.settings import Settings
from domain.base.errors import ErrorCode, Refusal
from domain.base.events import Event
from domain.reactions import REACTIONS
from schema.base.error_codes import DESCRIPTIONS
from schema.base.errors import TopLevelCode

_HEAD = "<!-- Written by `make docs` from the code; changes by hand are lost. -->\n"

TOP_LEVEL_MEANINGS = {
    TopLevelCode.UNAUTHENTICATED: "There is no token, or it is unknown, expired or revoked. Send a valid API key.",
    TopLevelCode.FORBIDDEN: "This key may never use the field. Use a key with the permission that the message names.",
    TopLevelCode.BAD_USER_INPUT: "The request, a variable, an id or a cursor is not of its form. Correct the client.",
    TopLevelCode.GRAPHQL_PARSE_FAILED: "The document is no GraphQL. Correct it at the place that `locations` names.",
    TopLevelCode.GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema, or is longer than its limits.",
    TopLevelCode.QUERY_TOO_COSTLY: "The operation costs more than one may. Ask for smaller pages, or in parts.",
    TopLevelCode.THROTTLED: "The caller's budget is used up. Wait `extensions.retryAfter` seconds, then send it again.",
    TopLevelCode.PERSISTED_QUERY_NOT_FOUND: "No document with this hash was sent before. Send it with its text.",
    TopLevelCode.PERSISTED_QUERY_NOT_SUPPORTED: "Documents are not kept by their hashes here. Send `documentId`.",
    TopLevelCode.TIMEOUT: "The request or a statement took too long and was stopped. Ask for less, or try again.",
    TopLevelCode.STORAGE_FULL: "The disk of the database is full: nothing was written, reading goes on.",
    TopLevelCode.INTERNAL: "Something went wrong inside. The log has the reason under the `requestId`.",
}


def write(folder: Path) -> list[Path]:
    """Write every generated page into the folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def pages() -> dict[str, str]:
    """Return the text of each generated page by its file name."""
    return {
        "access.md": _HEAD + access_page.page(),
        "settings.md": _settings_page(),
        "errors.md": _errors_page(),
        "events.md": _events_page(),
    }


def list_events() -> list[type[Event]]:
    """Return every kind of event, area by area, in the order in which each area declares them."""
    return [found for module in _modules("events") for found in _classes(module, Event)]


def list_refusals() -> list[type[Refusal]]:
    """Return every refusal that has a class of its own, area by area."""
    return [found for module in _modules("errors") for found in _classes(module, Refusal)]


def _modules(file_name: str) -> list[Any]:
    """Return the module of this name of each area; import order does not matter, so they are sorted."""
    areas = sorted(area.name for area in pkgutil.iter_modules(domain.__path__) if area.ispkg)
    paths = {area: Path(domain.__path__[0]) / area / f"{file_name}.py" for area in areas}
    return [import_module(f"domain.{area}.{file_name}") for area, path in paths.items() if path.exists()]


def _classes(module: Any, kind: type) -> list[Any]:  # noqa: ANN401  a module, and classes of `kind`
    found = [
        each
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, kind) and each is not kind and each.__module__ == module.__name__
    ]
    # A dataclass with slots is made twice; the registry and this list must mean the same class.
    return sorted(dict.fromkeys(found), key=lambda each: inspect.getsourcelines(each)[1])


def _settings_page() -> str:
    rows = [
        (
            f"`{_variable(name)}`",
            _kind(field),
            _default(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return (
        f"{_HEAD}\n# Settings\n\n"
        "Each is an environment variable, or a line of a file `.env` in the folder where Sportello starts; the\n"
        "variable wins. A wrong value stops the start with a sentence that names it.\n\n"
        + _table(("Variable", "Kind", "Default", "What it does"), rows)
    )


def _variable(name: str) -> str:
    return f"{Settings.model_config['env_prefix']}{name}".upper()


def _kind(field: FieldInfo) -> str:
    """Say what values a setting takes."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    kinds: dict[object, str] = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        list[str]: "list",
        str | None: "text",
    }
    return " ".join([kinds[annotation], *_bounds(field.metadata)])


def _bounds(metadata: Iterable[object]) -> list[str]:
    words = []
    for bound in metadata:
        if isinstance(bound, annotated_types.Ge):
            words.append(f"from {bound.ge:,}")
        elif isinstance(bound, annotated_types.Gt):
            words.append(f"above {bound.gt:,}")
        elif isinstance(bound, annotated_types.Le):
            words.append(f"to {bound.le:,}")
    return words


def _default(field: FieldInfo) -> str:
    value = field.default
    if value in (None, []):
        return "none"
    if isinstance(value, list):
        return f"`{','.join(value)}`"
    return f"`{value if isinstance(value, str) else orjson.dumps(value).decode()}`"


def _errors_page() -> str:
    refusals = list_refusals()
    used = {code: [each for each in refusals if each.code is code] for code in ErrorCode}
    user_rows = [(f"`{code}`", DESCRIPTIONS[code], _names(used[code])) for code in ErrorCode]
    top_rows = [(f"`{code}`", TOP_LEVEL_MEANINGS[code]) for code in TopLevelCode]
    areas = "".join(
        f"\n### {area}\n\n"
        + _table(
            ("Exception", "Code", "When"),
            [(f"`{each.__name__}`", f"`{each.code}`", _told(each)) for each in refusals if _area(each) == area],
        )
        for area in dict.fromkeys(_area(each) for each in refusals)
    )
    return (
        f"{_HEAD}\n# Errors\n\n"
        "A write that the shop's rules refuse says so in `userErrors` of its payload, and changes nothing. What is\n"
        "wrong with the request itself, or went wrong in the server, is in the top-level `errors`.\n\n"
        "## Codes of `userErrors`\n\n"
        "`UserErrorCode` is one list for the whole API, future areas included, so that clients are written once.\n"
        "The last column names the exceptions that carry a code today; an empty one belongs to an area that is not\n"
        "built yet.\n\n" + _table(("Code", "Meaning", "Raised as"), user_rows) + "\n## Codes of top-level `errors`\n\n"
        "In `extensions.code`, always beside `extensions.requestId`.\n\n"
        + _table(("Code", "Meaning"), top_rows)
        + "\n## Exceptions by area\n"
        + areas
    )


def _names(classes: Sequence[type[Refusal]]) -> str:
    return ", ".join(f"`{each.__name__}`" for each in classes)


def _area(kind: type) -> str:
    return kind.__module__.split(".")[1]


def _told(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _events_page() -> str:
    sections = []
    for area in dict.fromkeys(_area(event) for event in list_events()):
        sections.append(f"\n## {area}\n")
        sections.extend(_event_section(event) for event in list_events() if _area(event) == area)
    return (
        f"{_HEAD}\n# Events\n\n"
        "An event is a committed fact. It is recorded by an action (`Work.record`), written to the event log in the\n"
        "transaction that made it, and holds ids only: whoever reads it reads what they may see. What else an event\n"
        "sets off in the same transaction stands in [`domain/reactions.py`](../../domain/reactions.py).\n"
        + "".join(sections)
    )


def _event_section(event: type[Event]) -> str:
    reactions = [f"`{_path(reaction)}`: {_first_line(reaction)}" for reaction in REACTIONS.get(event, ())]
    reacting = "".join(f"- {reaction}\n" for reaction in reactions) or "- nothing else\n"
    subjects = ", ".join(
        f"`{each.name}`{' (or none)' if each.default is None or _is_optional(each.type) else ''}"
        for each in fields(event)
    )
    return f"\n### {event.__name__}\n\n{_told(event)}\n\nIds: {subjects}.\n\nSets off:\n\n{reacting}"


def _is_optional(annotation: object) -> bool:
    return "None" in str(annotation)


def _path(function: Any) -> str:  # noqa: ANN401  a function
    return f"{function.__module__}.{function.__name__}"


def _first_line(function: object) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)
