"""Who wrote or did something, whatever their area."""

import strawberry

from schema.base.descriptions import shown
from schema.base.nodes import Node
from schema.base.scalars import URL


@strawberry.interface(description="Who wrote or did something: the same two fields draw every one of them.")
class Author(Node):
    """See the description."""

    display_name: str = shown("What they are called.")
    avatar_url: URL | None = shown("Their picture; null where none is known.")
