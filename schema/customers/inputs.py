"""What is said about customers."""

from datetime import date, datetime

import strawberry

from domain.base.contacts import search_phones
from domain.base.places import check_country
from domain.base.texts import check_length, clean, clean_optional
from domain.customers.repository.customers import CustomerFilter as Wanted
from domain.customers.rules.profiles import CustomerChanges, CustomerDetails
from domain.customers.rules.search import search_words
from schema.base.descriptions import change, given, optional, shown
from schema.base.scalars import CountryCode, EmailAddress, Locale, PhoneNumber, TimeZone
from schema.base.types import Direction
from schema.customers.types import LifecycleStage, SortField

FILTER_VALUES_MAX = 250
SEARCH_LENGTH_MAX = 200


@strawberry.input(description="A customer whom nobody knew.")
class CustomerCreateInput:
    """See the description."""

    external_id: str | None = optional("The shop's own id, at most 200 characters. TAKEN, TOO_LONG.")
    email: EmailAddress | None = optional("Their e-mail address. INVALID, TAKEN.")
    phone: PhoneNumber | None = optional(
        "Their telephone number; without a country code it is one of `country`, else of the first store's. INVALID."
    )
    given_name: str | None = optional("Given name, at most 200 characters. INVALID, TOO_LONG.")
    family_name: str | None = optional("Family name, at most 200 characters. INVALID, TOO_LONG.")
    locale: Locale | None = optional("The language they prefer. INVALID.")
    time_zone: TimeZone | None = optional("Where their days begin and end. INVALID.")
    birth_date: date | None = optional("Their date of birth, from 1900-01-01 to today. INVALID.")
    country: CountryCode | None = optional("Where they live. INVALID.")
    tags: list[str] | None = optional("Words for them: at most 50 of 50 characters, kept in lower case. TOO_LONG.")
    idempotency_key: str | None = optional(
        "Makes a repeated call harmless: the same key and input get the same answer for 7 days. IDEMPOTENCY_MISMATCH."
    )

    def details(self) -> CustomerDetails:
        """Return the input as the domain takes it."""
        return CustomerDetails(
            external_id=given(self.external_id),
            email=given(self.email),
            phone=given(self.phone),
            given_name=given(self.given_name),
            family_name=given(self.family_name),
            locale=given(self.locale),
            time_zone=given(self.time_zone),
            birth_date=given(self.birth_date),
            country=given(self.country),
            tags=given(self.tags) or (),
        )


@strawberry.input(description="What is to change of a customer. Left out means unchanged; null means emptied.")
class CustomerUpdateInput:
    """See the description."""

    customer_id: strawberry.ID = shown("Whom to change. NOT_FOUND.")
    expected_version: int | None = optional(
        "The version that the change was decided on; another one is refused. VERSION_CONFLICT."
    )
    given_name: str | None = optional("Given name, at most 200 characters. INVALID, TOO_LONG.")
    family_name: str | None = optional("Family name, at most 200 characters. INVALID, TOO_LONG.")
    locale: Locale | None = optional("The language they prefer. INVALID.")
    time_zone: TimeZone | None = optional("Where their days begin and end. INVALID.")
    birth_date: date | None = optional("Their date of birth, from 1900-01-01 to today. INVALID.")
    country: CountryCode | None = optional("Where they live. INVALID.")
    tags: list[str] | None = optional("All their words, the new ones and the kept ones. TOO_LONG.")

    def changes(self) -> CustomerChanges:
        """Return the input as the domain takes it."""
        return CustomerChanges(
            given_name=change(self.given_name),
            family_name=change(self.family_name),
            locale=change(self.locale),
            time_zone=change(self.time_zone),
            birth_date=change(self.birth_date),
            country=change(self.country),
            tags=change(self.tags),
        )


@strawberry.input(description="Which customers: those to whom all of this applies.")
class CustomerFilter:
    """See the description."""

    search: str | None = optional(
        "Words that begin a name, e-mail address, external id or order number of theirs, or a telephone number in "
        "any notation; at most 200 characters."
    )
    tag: list[str] | None = optional("Has at least one of these words.")
    lifecycle_stage: list[LifecycleStage] | None = optional("Stands at one of these stages.")
    country: list[CountryCode] | None = optional("Is in one of these countries.")
    created_after: datetime | None = optional("Became known after this instant.")
    created_before: datetime | None = optional("Became known before this instant.")

    def wanted(self, *, regions: list[str]) -> Wanted:
        """Return the filter as the domain takes it. Raises `Invalid`, `TooLong`."""
        search = clean_optional(given(self.search), length_max=SEARCH_LENGTH_MAX) or ""
        tags, countries = given(self.tag) or [], given(self.country) or []
        stages = given(self.lifecycle_stage) or []
        for values in (tags, countries, stages):
            check_length(values, count_max=FILTER_VALUES_MAX)
        return Wanted(
            words=search_words(search),
            phones=search_phones(search, regions=regions),
            tags=[clean(tag).lower() for tag in tags],
            lifecycle_stages=list(dict.fromkeys(stages)),
            countries=[check_country(country) for country in countries],
            created_after=given(self.created_after),
            created_before=given(self.created_before),
        )


@strawberry.input(description="An order of customers.")
class CustomerSort:
    """See the description."""

    field: SortField = shown("By what.")
    direction: Direction = strawberry.field(description="Which end comes first.", default=Direction.ASC)
