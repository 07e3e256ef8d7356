"""Why something about a customer is refused."""

from domain.base.errors import ErrorCode, FieldPath, Invalid, InvalidState, NotFound, Refusal, Taken


class CustomerNotFound(NotFound):
    """There is no such customer, or this actor may not see them."""

    def __init__(self, *, field: FieldPath = ("customer_id",)) -> None:
        """Say so, without telling which of the two."""
        super().__init__("There is no customer with this id.", field=field)


class ExternalIdTaken(Taken):
    """The external id belongs to another customer."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "Another customer has this external id; update that one, or leave the external id out.",
            field=("external_id",),
        )


class EmailTaken(Taken):
    """The e-mail address belongs to another customer."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "This e-mail address belongs to another customer; search for it, or leave it out.", field=("email",)
        )


class IdentityNotFound(NotFound):
    """There is no such identity, or this actor may not see it."""

    def __init__(self) -> None:
        """Say so, without telling which of the two."""
        super().__init__("There is no identity with this id.", field=("identity_id",))


class IdentityTaken(Taken):
    """The identity is verified as another customer's."""

    def __init__(self, *, field: FieldPath = ("value",)) -> None:
        """Say what to do."""
        super().__init__(
            "This is verified as another customer's. Are the two one person? Then merge them; if both use it, add it "
            "as shared; if it changed hands, remove it there first.",
            field=field,
        )


class IdentityBlocked(Invalid):
    """The value stands for nobody or for anybody."""

    def __init__(self, *, field: FieldPath = ("value",)) -> None:
        """Say why."""
        super().__init__(
            "This address or number stands for nobody or for many people (no-reply, withheld, a marketplace's relay): "
            "nobody is recognised by it.",
            field=field,
        )


class MergeNotFound(NotFound):
    """There is no such merge, or this actor may not see it."""

    def __init__(self) -> None:
        """Say so, without telling which of the two."""
        super().__init__("There is no merge with this id.", field=("merge_id",))


class MergeBlocked(Refusal):
    """These two cannot be merged."""

    code = ErrorCode.MERGE_BLOCKED


class MergeNotApplied(InvalidState):
    """There is nothing to undo."""

    def __init__(self, state: str) -> None:
        """Say in which state it is."""
        super().__init__(f"This merge is {state}; only an applied one can be undone.", field=("merge_id",))


class MergeNotProposed(InvalidState):
    """It was decided already."""

    def __init__(self, state: str) -> None:
        """Say in which state it is."""
        super().__init__(f"This merge is {state}; only a proposal can be rejected.", field=("merge_id",))


class AttributeUnknown(Invalid):
    """There is no such attribute, or this actor may not see it."""

    def __init__(self, key: str) -> None:
        """Say which."""
        super().__init__(
            f"There is no attribute {key[:50]!r} here; customerAttributeDefinitions lists them.", field=("key",)
        )


class AttributeTypeFixed(InvalidState):
    """Values of one type cannot become values of another."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("The type of an attribute cannot change; define another one.", field=("type",))


class AttributeRestricted(Refusal):
    """Who may not see such an attribute does not define it either."""

    code = ErrorCode.FORBIDDEN

    def __init__(self) -> None:
        """Say what it needs."""
        super().__init__("A restricted attribute needs the permission attributes:restricted.", field=("audience",))


class ChoiceInUse(InvalidState):
    """Customers have a choice that is to go."""

    def __init__(self, choices: list[str]) -> None:
        """Say which."""
        super().__init__(f"Customers have these: {', '.join(choices)}. Change them first.", field=("choices",))
