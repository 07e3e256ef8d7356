"""What shoppers say who come in themselves, and what the shop's server says for them."""

import strawberry

from domain.customers.actions.registration import Registration
from schema.base.descriptions import given, optional, shown
from schema.base.scalars import Duration, EmailAddress, Locale


@strawberry.input(description="A guest.")
class VisitorSessionCreateInput:
    """See the description."""

    locale: Locale | None = optional("The guest's language. INVALID.")


@strawberry.input(description="Who registers.")
class CustomerRegisterInput:
    """See the description."""

    email: EmailAddress = shown(
        "The address to which the code goes. INVALID, also for what stands for anybody, such as a marketplace's relay."
    )
    password: str = shown("From 8 to 256 characters. INVALID, TOO_LONG.")
    given_name: str | None = optional("Given name, at most 200 characters. TOO_LONG.")
    family_name: str | None = optional("Family name, at most 200 characters. TOO_LONG.")
    locale: Locale | None = optional("The language of the mail, and theirs; left out, the shop's. INVALID.")

    def registration(self) -> Registration:
        """Return the input as the domain takes it."""
        return Registration(
            email=self.email,
            password=self.password,
            given_name=given(self.given_name),
            family_name=given(self.family_name),
            locale=given(self.locale),
        )


@strawberry.input(description="The code from the mail.")
class CustomerRegisterConfirmInput:
    """See the description."""

    email: EmailAddress = shown("The address to which the code went.")
    code: str = shown("The code, at most 15 minutes old; five wrong ones end it. CODE_INVALID, RATE_LIMITED.")


@strawberry.input(description="For which customer, and for how long.")
class CustomerTokenCreateInput:
    """See the description."""

    customer_id: strawberry.ID | None = optional("Who; or name them by `externalId`. NOT_FOUND, INVALID for both.")
    external_id: str | None = optional("The shop's own id of the customer. NOT_FOUND.")
    expires_in: Duration | None = optional("From `PT1S` to `PT1H`; left out, `PT10M`. INVALID.")


@strawberry.input(description="To which identity a code is to go.")
class CustomerIdentityCodeSendInput:
    """See the description."""

    identity_id: strawberry.ID = shown(
        "An e-mail identity that is not verified yet; a shopper names their own. NOT_FOUND, INVALID, INVALID_STATE, "
        "RATE_LIMITED."
    )
