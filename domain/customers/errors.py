"""Why something about a customer is refused."""

from domain.base.errors import NotFound, Taken


class CustomerNotFound(NotFound):
    """There is no such customer, or this actor may not see them."""

    def __init__(self) -> None:
        """Say so, without telling which of the two."""
        super().__init__("There is no customer with this id.", field=("customer_id",))


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
