"""Why something about stores and keys is refused."""

from collections.abc import Sequence

from domain.base.errors import ErrorCode, Refusal


class PermissionNotHeld(Refusal):
    """A key may do no more than its maker."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, missing: Sequence[str]) -> None:
        """Say which permissions those are."""
        super().__init__(f"You cannot give away what you may not do: {', '.join(missing)}.", field=("permissions",))
