"""What an import reads out of a file, whatever the format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from domain.orders.rules import CreditNoteDetails, OrderDetails


@dataclass(frozen=True, slots=True)
class Document:
    """An order or a credit note, and the lines of the file that it stands in."""

    details: OrderDetails | CreditNoteDetails
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Lines that go in as nothing, and why. `is_refusal`: somebody must look at it."""

    name: str
    reason: str
    first_line: int
    last_line: int
    kind: str = "refused"

    @property
    def is_refusal(self) -> bool:
        """Tell whether it is an error, and not something that is rightly left out."""
        return self.kind == "refused"


Found: TypeAlias = Document | Problem

Reader: TypeAlias = Callable[[Path, int], Iterator[Found]]
"""Yields what a file holds after so many rows that are done already. Raises `FileRefused` for a wrong form."""
