"""The explorer's saved examples: documents in `api/examples/`, each executed by a test.

A file holds one operation. Its first comment lines are its name (`# Group: Name`), and its variables as
JSON (`# variables: {…}`).
"""

from functools import cache
from pathlib import Path
from typing import TypedDict

_FOLDER = Path(__file__).parent / "saved_examples"


class Example(TypedDict):
    """One saved example."""

    name: str
    group: str
    query: str
    variables: str


@cache
def list_examples() -> list[Example]:
    """Return the examples in the order of their file names."""
    return [_read(path) for path in sorted(_FOLDER.glob("*.graphql"))]


def _read(path: Path) -> Example:
    lines = path.read_text(encoding="utf-8").splitlines()
    group, _, name = lines[0].removeprefix("#").partition(":")
    variables = ""
    if lines[1].startswith("# variables:"):
        variables = lines[1].removeprefix("# variables:").strip()
        del lines[1]
    return Example(
        name=name.strip(), group=group.strip(), query="\n".join(lines[1:]).strip() + "\n", variables=variables
    )
