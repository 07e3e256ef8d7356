"""What is said about the shop itself."""

from datetime import datetime

import strawberry

from domain.identity.rules import StoreDetails
from schema.base.descriptions import optional, shown
from schema.base.scalars import CountryCode, CurrencyCode, Locale, TimeZone


@strawberry.input(description="A store, as it is to be. The code says which one.")
class StoreUpsertInput:
    """See the description."""

    code: str = shown("A short name of letters, digits, `-` and `_`, at most 64: `it-online`. INVALID, REQUIRED.")
    name: str = shown("What shoppers call it, at most 200 characters. REQUIRED, TOO_LONG.")
    country: CountryCode = shown("The market. INVALID.")
    locale: Locale = shown("The language in which it speaks. INVALID.")
    currency_code: CurrencyCode = shown("The currency in which it sells; it cannot change. INVALID, INVALID_STATE.")
    time_zone: TimeZone = shown("The zone by which its days begin and end. INVALID.")

    def details(self) -> StoreDetails:
        """Return the input as the domain takes it."""
        return StoreDetails(
            code=self.code,
            name=self.name,
            country=self.country,
            locale=self.locale,
            currency_code=self.currency_code,
            time_zone=self.time_zone,
        )


@strawberry.input(description="A key for a program.")
class ApiKeyCreateInput:
    """See the description."""

    name: str = shown("What the key is for, at most 200 characters. REQUIRED, TOO_LONG.")
    permissions: list[str] = shown(
        "What it may do, such as `customers:read`. INVALID for an unknown one; FORBIDDEN for what the caller may not."
    )
    expires_at: datetime | None = optional("When it opens no door any more; left out, never. INVALID in the past.")
    idempotency_key: str | None = optional(
        "Makes a repeated call harmless: the same key and input get the same API key for 7 days, without its secret. "
        "IDEMPOTENCY_MISMATCH."
    )


@strawberry.input(description="A key that is to open no door any more.")
class ApiKeyRevokeInput:
    """See the description."""

    api_key_id: strawberry.ID = shown("Which one. NOT_FOUND.")
