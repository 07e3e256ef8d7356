"""The explorer's saved examples: documents in `api/saved_examples/`, each executed by a test.

A file holds one operation. Its first comment lines are its name (`# Group: Name`), who can run it
(`# as: CUSTOMER`, `STAFF`, `APP` or `ANYBODY`), and its variables as JSON (`# variables: {…}`). A word in angle
brackets, such as `"<conversation>"`, stands for an id that differs from shop to shop: the demo puts one of its own in.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

_FOLDER = Path(__file__).parent / "saved_examples"


class Example(TypedDict):
    """One saved example."""

    name: str
    group: str
    actor: str
    query: str
    variables: str


def list_examples(places: Mapping[str, str] | None = None) -> list[Example]:
    """Return the examples in the order of their file names; `places`: what the words in their variables stand for."""
    found = [each.copy() for each in _read_all()]
    for example in found:
        for word, value in (places or {}).items():
            example["variables"] = example["variables"].replace(f"<{word}>", value)
    return found


@cache
def _read_all() -> list[Example]:
    return [_read(path) for path in sorted(_FOLDER.glob("*.graphql"))]


def _read(path: Path) -> Example:
    lines = path.read_text(encoding="utf-8").splitlines()
    group, _, name = lines.pop(0).removeprefix("#").partition(":")
    said = {"as": "", "variables": ""}
    for key in said:
        if lines[0].startswith(f"# {key}:"):
            said[key] = lines.pop(0).partition(":")[2].strip()
    return Example(
        name=name.strip(),
        group=group.strip(),
        actor=said["as"],
        query="\n".join(lines).strip() + "\n",
        variables=said["variables"],
    )
