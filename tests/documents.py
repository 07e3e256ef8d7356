"""Reading the project's documents: their pages, their examples, the names in them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True, slots=True)
class Example:
    """A GraphQL document in a page, and the answer below it, None where there is none."""

    place: str
    query: str
    answer: dict[str, Any] | None


def list_pages() -> list[Path]:
    """Return every page that people read: those at the root and all below docs/ and data/."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")])


def name_of(page: Path) -> str:
    """Return a page's name as the project knows it."""
    return page.relative_to(ROOT).as_posix()


def list_examples() -> list[Example]:
    """Return the GraphQL examples of all pages, in the order in which they stand."""
    return [example for page in list_pages() for example in _examples(page)]


def _examples(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    blocks = list(_FENCED.finditer(text))
    for index, block in enumerate(blocks):
        if block["language"] == "graphql":
            below = blocks[index + 1] if index + 1 < len(blocks) else None
            answer = json.loads(below["text"]) if below is not None and below["language"] == "json" else None
            line = text.count("\n", 0, block.start()) + 1
            yield Example(f"{name_of(page)}:{line}", block["text"], answer)


def code_in(page: Path) -> list[str]:
    """Return what a page sets as code: the spans, and the lines of its blocks for the shell."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line for block in _FENCED.finditer(text) if block["language"] == "sh" for line in block["text"].splitlines()
    ]
    return [*_SPAN.findall(_FENCED.sub("", text)), *lines]
