"""What is said about customers."""

from datetime import date, datetime
from decimal import Decimal

import strawberry
from strawberry import UNSET

from domain.base.changes import UNCHANGED
from domain.base.contacts import search_phones
from domain.base.places import check_country
from domain.base.texts import check_length, clean, clean_optional
from domain.customers.actions.attributes import conditions_of
from domain.customers.repository.customers import CustomerFilter as Wanted
from domain.customers.rules.attributes import (
    AttributeChange,
    AttributeCondition,
    Definition,
    DefinitionDetails,
)
from domain.customers.rules.consents import ConsentDetails
from domain.customers.rules.profiles import CustomerChanges, CustomerDetails
from domain.customers.rules.search import search_words
from schema.base.descriptions import change, given, optional, shown
from schema.base.scalars import CountryCode, EmailAddress, Locale, PhoneNumber, TimeZone
from schema.base.types import Direction
from schema.customers.types.attributes import AttributeAudience, AttributeType
from schema.customers.types.consents import ChannelKind, ConsentDecision, ConsentPurpose
from schema.customers.types.customers import LifecycleStage, SortField
from schema.customers.types.identities import IdentityKind

FILTER_VALUES_MAX = 250
SEARCH_LENGTH_MAX = 200

IDEMPOTENCY_KEY = (
    "Makes a repeated call harmless: the same key and input get the same answer for 7 days. IDEMPOTENCY_MISMATCH."
)
REASON = "Why, in the person's own words, at most 1,000 characters. TOO_LONG."


@strawberry.input(
    description="What is to be known of one attribute: the value of its type. Without a value it is emptied."
)
class CustomerAttributeInput:
    """See the description."""

    key: str = shown("The attribute, as customerAttributeDefinitions lists it. INVALID.")
    text: str | None = optional("For a TEXT: at most 500 characters. INVALID, TOO_LONG.")
    number: Decimal | None = optional("For a NUMBER: at most four decimals. INVALID.")
    flag: bool | None = optional("For a FLAG. INVALID.")
    day: date | None = optional("For a DAY. INVALID.")
    choice: str | None = optional("For a CHOICE: one of its choices. INVALID.")

    def change(self) -> AttributeChange:
        """Return the input as the domain takes it."""
        return AttributeChange(
            key=self.key,
            text=given(self.text),
            number=given(self.number),
            flag=given(self.flag),
            day=given(self.day),
            choice=given(self.choice),
        )


@strawberry.input(description="What must be so of one attribute: what fits its type, or `isSet` alone.")
class CustomerAttributeFilter:
    """See the description."""

    key: str = shown("The attribute, as customerAttributeDefinitions lists it. INVALID.")
    text: str | None = optional("A TEXT that is exactly this.")
    number_min: Decimal | None = optional("A NUMBER of at least this.")
    number_max: Decimal | None = optional("A NUMBER of at most this.")
    flag: bool | None = optional("A FLAG that is this.")
    day_min: date | None = optional("A DAY on or after this.")
    day_max: date | None = optional("A DAY on or before this.")
    choice: list[str] | None = optional("A CHOICE that is one of these, at most 250.")
    is_set: bool | None = optional("Whether it has any value.")

    def condition(self) -> AttributeCondition:
        """Return the input as the domain takes it. Raises `TooLong`."""
        choices = given(self.choice)
        check_length(choices or (), count_max=FILTER_VALUES_MAX)
        return AttributeCondition(
            key=self.key,
            text=given(self.text),
            number_min=given(self.number_min),
            number_max=given(self.number_max),
            flag=given(self.flag),
            day_min=given(self.day_min),
            day_max=given(self.day_max),
            choices=choices or None,
            is_set=given(self.is_set),
        )


@strawberry.input(description="A customer whom nobody knew.")
class CustomerCreateInput:
    """See the description."""

    external_id: str | None = optional("The shop's own id, at most 200 characters. TAKEN, TOO_LONG.")
    email: EmailAddress | None = optional("Their e-mail address. INVALID, TAKEN.")
    phone: PhoneNumber | None = optional(
        "Their telephone number; without a country code it is one of `country`, else of the default store's. INVALID."
    )
    given_name: str | None = optional("Given name, at most 200 characters. INVALID, TOO_LONG.")
    family_name: str | None = optional("Family name, at most 200 characters. INVALID, TOO_LONG.")
    locale: Locale | None = optional("The language they prefer. INVALID.")
    time_zone: TimeZone | None = optional("Where their days begin and end. INVALID.")
    birth_date: date | None = optional("Their date of birth, from 1900-01-01 to today. INVALID.")
    country: CountryCode | None = optional("Where they live. INVALID.")
    tags: list[str] | None = optional("Words for them: at most 50 of 50 characters, kept in lower case. TOO_LONG.")
    attributes: list[CustomerAttributeInput] | None = optional("What is known of the organisation's own attributes.")
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)

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
            attributes=[attribute.change() for attribute in given(self.attributes) or ()],
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
    attributes: list[CustomerAttributeInput] | None = optional("The attributes that change; the others stay. INVALID.")

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
            attributes=UNCHANGED
            if self.attributes is UNSET
            else [attribute.change() for attribute in self.attributes or ()],
        )


@strawberry.input(description="Which customers: those to whom all of this applies.")
class CustomerFilter:
    """See the description."""

    search: str | None = optional(
        "Words that begin a name, e-mail address, external id or order number of theirs, or a telephone number in "
        "any notation; at most 200 characters. Where nothing is found as it was typed, words of 4 to 20 letters "
        "also mean the names that differ by one typing error: a letter missing, one too many, a wrong one, or two "
        "neighbours swapped."
    )
    tag: list[str] | None = optional("Has at least one of these words.")
    lifecycle_stage: list[LifecycleStage] | None = optional("Stands at one of these stages.")
    country: list[CountryCode] | None = optional("Is in one of these countries.")
    created_after: datetime | None = optional("Became known after this instant.")
    created_before: datetime | None = optional("Became known before this instant.")
    attribute: list[CustomerAttributeFilter] | None = optional("All of this is so of their attributes. INVALID.")

    def wanted(self, *, regions: list[str], definitions: dict[str, Definition]) -> Wanted:
        """Return the filter as the domain takes it. Raises `Invalid`, `TooLong`."""
        search = clean_optional(given(self.search), length_max=SEARCH_LENGTH_MAX) or ""
        tags, countries = given(self.tag) or [], given(self.country) or []
        stages = given(self.lifecycle_stage) or []
        asked = given(self.attribute) or []
        for values in (tags, countries, stages, asked):
            check_length(values, count_max=FILTER_VALUES_MAX)
        return Wanted(
            words=search_words(search),
            phones=search_phones(search, regions=regions),
            tags=[clean(tag).lower() for tag in tags],
            lifecycle_stages=list(dict.fromkeys(stages)),
            countries=[check_country(country) for country in countries],
            created_after=given(self.created_after),
            created_before=given(self.created_before),
            attributes=conditions_of([each.condition() for each in asked], definitions=definitions),
        )


@strawberry.input(description="An order of customers.")
class CustomerSort:
    """See the description."""

    field: SortField = shown("By what.")
    direction: Direction = strawberry.field(description="Which end comes first.", default=Direction.ASC)


@strawberry.input(description="By what else a customer may be recognised.")
class CustomerIdentityAddInput:
    """See the description."""

    customer_id: strawberry.ID = shown("Whose it is. NOT_FOUND.")
    kind: IdentityKind = shown("What sort of sign.")
    namespace: str | None = optional(
        "For a social handle the network; for an external account the system, left out for the shop's own. "
        "INVALID, REQUIRED."
    )
    value: str = shown(
        "The sign, in any notation. INVALID, REQUIRED, TOO_LONG; TAKEN where it is verified as another customer's."
    )
    is_shared: bool = strawberry.field(
        description="Whether several people use it, as a family its telephone: nobody is recognised by it then.",
        default=False,
    )
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="Proof that an identity is the customer's.")
class CustomerIdentityVerifyInput:
    """See the description."""

    identity_id: strawberry.ID = shown(
        "Which one. NOT_FOUND; TAKEN where it is verified as another customer's and not shared; INVALID where it "
        "stands for anybody, such as a marketplace's relay."
    )
    code: str | None = optional(
        "What the customer received. CODE_INVALID. Left out, the caller vouches for it and is recorded as the evidence."
    )
    password: str | None = optional(
        "Of a shopper who has an account, with the code: whoever has their token only cannot let themselves in for "
        "good. REQUIRED, BAD_CREDENTIALS, RATE_LIMITED."
    )


@strawberry.input(description="What is to change of an identity.")
class CustomerIdentityUpdateInput:
    """See the description."""

    identity_id: strawberry.ID = shown("Which one. NOT_FOUND.")
    is_shared: bool = shown(
        "Whether several people use it: nobody is recognised by it then. TAKEN where it would be another's."
    )


@strawberry.input(description="An identity that is the customer's no longer.")
class CustomerIdentityRemoveInput:
    """See the description."""

    identity_id: strawberry.ID = shown("Which one. NOT_FOUND.")


@strawberry.input(description="Two customers who are one person.")
class CustomerMergeInput:
    """See the description."""

    survivor_id: strawberry.ID = shown("Who has both from now on. NOT_FOUND, MERGE_BLOCKED.")
    absorbed_id: strawberry.ID = shown("Who is absorbed. NOT_FOUND, MERGE_BLOCKED.")
    reason: str | None = optional(REASON)


@strawberry.input(description="A merge that was wrong.")
class CustomerUnmergeInput:
    """See the description."""

    merge_id: strawberry.ID = shown("Which one. NOT_FOUND, INVALID_STATE.")
    reason: str | None = optional(REASON)


@strawberry.input(description="A proposal of two customers who are two persons.")
class CustomerMergeRejectInput:
    """See the description."""

    merge_id: strawberry.ID = shown("Which one. NOT_FOUND, INVALID_STATE.")
    reason: str | None = optional(REASON)


@strawberry.input(description="A decision of a customer on what they may be contacted for.")
class ConsentRecordInput:
    """See the description."""

    customer_id: strawberry.ID | None = optional("Who decided; a shopper leaves it out. NOT_FOUND, REQUIRED.")
    purpose: ConsentPurpose = shown("What for.")
    channel: ChannelKind | None = optional("Over what; left out, over every channel without a decision of its own.")
    decision: ConsentDecision = shown("What they said.")
    text_version: str | None = optional("Which wording they were shown, at most 200 characters. TOO_LONG.")
    source: str | None = optional("Where they said it, at most 200 characters. TOO_LONG.")
    proof: str | None = optional("Where the proof is kept, or what it is, at most 2,000 characters. TOO_LONG.")
    decided_at: datetime | None = optional("When they said it; left out, now. INVALID where it is in the future.")
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)

    def details(self) -> ConsentDetails:
        """Return the input as the domain takes it."""
        return ConsentDetails(
            purpose=self.purpose,
            channel=given(self.channel),
            decision=self.decision,
            text_version=given(self.text_version),
            source=given(self.source),
            proof=given(self.proof),
            decided_at=given(self.decided_at),
        )


@strawberry.input(description="An attribute that the organisation wants to know of its customers.")
class CustomerAttributeDefinitionUpsertInput:
    """See the description."""

    key: str = shown("The word by which programs know it: small letters, digits, underscores, at most 50. INVALID.")
    name: str = shown("What people call it, at most 200 characters. REQUIRED, TOO_LONG.")
    description: str | None = optional("What is meant by it, at most 1,000 characters. TOO_LONG.")
    type: AttributeType = shown("What sort of value it has; it never changes. INVALID_STATE.")
    choices: list[str] | None = optional(
        "For a CHOICE: of which one is the value, at most 250 of 100 characters. INVALID, TOO_LONG; INVALID_STATE "
        "where customers have one that is left out."
    )
    audience: AttributeAudience = strawberry.field(
        description="Who may see it. FORBIDDEN for RESTRICTED without `attributes:restricted`.",
        default=AttributeAudience.STAFF,
    )
    is_archived: bool = strawberry.field(
        description="Whether it is set no longer; what was set is still shown.", default=False
    )

    def details(self) -> DefinitionDetails:
        """Return the input as the domain takes it."""
        return DefinitionDetails(
            key=self.key,
            name=self.name,
            description=given(self.description),
            type=self.type,
            choices=given(self.choices) or (),
            audience=self.audience,
            is_archived=self.is_archived,
        )
