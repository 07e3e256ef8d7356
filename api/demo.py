"""What the demo has beside the product: a database of its own, a key that is shown, and some invented people.

The real orders name their customers by number only: none of them could be recognised by a telephone number, came
twice, or said what they may be written to for.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import orjson

from api.health import is_ready
from api.imports.online_retail import STORE
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.base.work import Work, Works
from domain.customers.actions.attributes import upsert_definition
from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import add_identity, verify_identity
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import update_customer
from domain.customers.repository.attributes import list_definitions
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.attributes import AttributeAudience, AttributeChange, AttributeType, DefinitionDetails
from domain.customers.rules.consents import ChannelKind, ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerChanges
from domain.identity.actions.keys import create_api_key, recognise
from domain.orders.actions.orders import upsert_order
from domain.orders.repository.orders import list_orders_by_id
from domain.orders.rules import LineDetails, OrderDetails

_KEY_NAME = "Demo"

_CLARA, _HARRIET, _PARIS = "13050", "16700", "12700"
"""Customers of the real data who also get attributes; two of them are given a person's name."""

CLARAS_EMAIL, _HARRIETS_EMAIL = "clara.whitfield@giftbarn.example", "harriet.osei@tinroof.example"
_CLARAS_PHONE = "+44 20 7946 0018"

_SECTOR = DefinitionDetails(
    key="sector",
    name="Sector",
    description="What sort of shop the customer keeps.",
    type=AttributeType.CHOICE,
    choices=("department store", "florist", "gift shop", "online shop"),
    audience=AttributeAudience.STAFF,
    is_archived=False,
)
_CREDIT_LIMIT = DefinitionDetails(
    key="credit_limit",
    name="Credit limit",
    description="For how many pounds the customer may buy on account.",
    type=AttributeType.NUMBER,
    choices=(),
    audience=AttributeAudience.RESTRICTED,
    is_archived=False,
)
_NEXT_REVIEW = DefinitionDetails(
    key="next_review",
    name="Next review",
    description="When the account is talked over with the customer.",
    type=AttributeType.DAY,
    choices=(),
    audience=AttributeAudience.STAFF,
    is_archived=False,
)
_DEFINITIONS = (_SECTOR, _CREDIT_LIMIT, _NEXT_REVIEW)


def settings_for(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the demo's own database and its mails as files, unless others were chosen."""
    own: dict[str, str] = {}
    if "database_url" not in settings.model_fields_set:
        own["database_url"] = f"sqlite:///{folder / 'demo.sqlite3'}"
    if settings.smtp_host is None and settings.mail_folder is None:
        own["mail_folder"] = str(folder / "mails")
    return settings.model_copy(update=own)


def _details_file(folder: Path) -> Path:
    return folder / "demo.json"


def read_details(folder: Path) -> dict[str, str]:
    """Return what the last run wrote down; nothing where it cannot be read."""
    try:
        found = orjson.loads(_details_file(folder).read_bytes())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


async def ready_key(works: Works, folder: Path) -> str:
    """Return a key that opens every door: the one of the last run where it still does, else a new one."""
    secret = read_details(folder).get("apiKey", "")
    async with works.database.reading() as session:
        found = await recognise(session, secret=secret, now=works.clock.now())
    if found is not None and found.actor.permissions >= EVERY_PERMISSION:  # there may be new doors since
        return secret
    _, made = await works.perform(
        lambda work: create_api_key(work, name=_KEY_NAME, permissions=sorted(EVERY_PERMISSION)),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    return made


async def furnish(works: Works) -> bool:
    """Add the invented people to the imported data, once and as a whole; return whether the shop has them.

    A shop that knows one of their attributes had them before: what became of them since stays as it is.
    """
    return await works.perform(_furnish, actor=SYSTEM, action="demoFurnish")


async def _furnish(work: Work) -> bool:
    known = {row.key for row in await list_definitions(work.session)}
    if any(definition.key in known for definition in _DEFINITIONS):
        return True
    clara, harriet, paris = [await _find(work, number) for number in (_CLARA, _HARRIET, _PARIS)]
    if clara is None or harriet is None or paris is None:  # orders of another shop
        return False
    for definition in _DEFINITIONS:
        await upsert_definition(work, details=definition)
    await _furnish_clara(work, clara)
    await _furnish_harriet(work, harriet)
    await _describe(work, paris, AttributeChange(key=_SECTOR.key, choice="department store"))
    return True


async def _furnish_clara(work: Work, clara: UUID) -> None:
    """Let her be recognised when she calls, and be proposed twice: with herself, and with somebody of her household."""
    await _introduce(work, clara, name=("Clara", "Whitfield"), email=CLARAS_EMAIL)
    await _vouch(work, clara, IdentityKind.PHONE, _CLARAS_PHONE)
    await _describe(
        work,
        clara,
        AttributeChange(key=_SECTOR.key, choice="gift shop"),
        AttributeChange(key=_CREDIT_LIMIT.key, number=Decimal(2_500)),
        AttributeChange(key=_NEXT_REVIEW.key, day=date(2012, 1, 16)),
    )
    await _decide(work, clara, ConsentDecision.GRANTED, on=date(2011, 1, 20), source="account page")
    mailbox = CLARAS_EMAIL.replace("@", "+orders@")
    await _check_out(work, "demo-1", name=("Clara", "Whitfield"), email=mailbox, on=date(2011, 10, 3))
    await _check_out(work, "demo-2", name=("Daniel", "Whitfield"), email=CLARAS_EMAIL, on=date(2011, 10, 17))


async def _furnish_harriet(work: Work, harriet: UUID) -> None:
    """Let her account have absorbed what she ordered as a guest, where she had decided otherwise on letters."""
    await _introduce(work, harriet, name=("Harriet", "Osei"), email=_HARRIETS_EMAIL)
    await _describe(work, harriet, AttributeChange(key=_SECTOR.key, choice="florist"))
    await _decide(work, harriet, ConsentDecision.GRANTED, on=date(2011, 2, 10), source="account page")
    guest = await _check_out(work, "demo-3", name=("Harriet", "Osei"), email=_HARRIETS_EMAIL, on=date(2011, 9, 5))
    await _decide(work, guest, ConsentDecision.REFUSED, on=date(2011, 9, 5), source="guest checkout")
    reason = "She says on the telephone that both are hers."
    await merge_customers(work, survivor_id=harriet, absorbed_id=guest, reason=reason)


async def _find(work: Work, number: str) -> UUID | None:
    return await find_customer_by_identity(work.session, kind=IdentityKind.EXTERNAL_ACCOUNT, namespace="", value=number)


async def _introduce(work: Work, customer_id: UUID, *, name: tuple[str, str], email: str) -> None:
    changes = CustomerChanges(given_name=name[0], family_name=name[1])
    await update_customer(work, customer_id=customer_id, changes=changes, expected_version=None)
    await _vouch(work, customer_id, IdentityKind.EMAIL, email)


async def _vouch(work: Work, customer_id: UUID, kind: IdentityKind, value: str) -> None:
    added = await add_identity(work, customer_id=customer_id, kind=kind, namespace=None, value=value, is_shared=False)
    await verify_identity(work, identity_id=added)


async def _describe(work: Work, customer_id: UUID, *attributes: AttributeChange) -> None:
    changes = CustomerChanges(attributes=attributes)
    await update_customer(work, customer_id=customer_id, changes=changes, expected_version=None)


async def _decide(work: Work, customer_id: UUID, decision: ConsentDecision, *, on: date, source: str) -> None:
    """Record what the customer says to offers by e-mail."""
    details = ConsentDetails(
        purpose=ConsentPurpose.MARKETING,
        channel=ChannelKind.EMAIL,
        decision=decision,
        text_version="2011-01",
        source=source,
        decided_at=_noon(on),
    )
    await record_consent(work, customer_id=customer_id, details=details)


async def _check_out(work: Work, external_id: str, *, name: tuple[str, str], email: str, on: date) -> UUID:
    """Order as a guest, in euros so that the sums of the real orders stay what they are; return the customer."""
    line = LineDetails(sku="22423", title="REGENCY CAKESTAND 3 TIER", quantity=2, unit_price=Decimal("14.95"))
    order = OrderDetails(
        external_id=external_id,
        store_code=STORE.code,
        placed_at=_noon(on),
        currency_code="EUR",
        buyer=Buyer(email=email, given_name=name[0], family_name=name[1], country="GB"),
        shipping_country="IE",
        lines=[line],
    )
    key = await upsert_order(work, order=order)
    await work.session.flush()
    customer_id: UUID = (await list_orders_by_id(work.session, [key]))[key].customer_id
    return customer_id


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def write_details(folder: Path, *, url: str, api_key: str, password: str = "") -> dict[str, str]:
    """Write address, key and password to `demo.json`, for scripts; only this user may read it."""
    details = {"url": url, "apiKey": api_key, **({"password": password} if password else {})}
    path = _details_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # also where it was there before
    path.write_bytes(orjson.dumps(details, option=orjson.OPT_INDENT_2) + b"\n")
    return details


def welcome(details: Mapping[str, str], *, logins: Mapping[str, str], settings: Settings, is_furnished: bool) -> str:
    """Return what a newcomer needs, ready to be copied."""
    query = (
        "{ customers(first: 3, orderBy: {field: LIFETIME_VALUE, direction: DESC}) "
        "{ nodes { displayName value { netSpent { amount currencyCode } orderCount } } } }"
    )
    invented = (
        f"Invented for you to try: Clara Whitfield ({_CLARAS_PHONE}) and Harriet Osei, with attributes and consents, "
        "one merge, two proposals to merge that wait for you, and six conversations on three channels.\n"
    )
    people = "".join(f"  {email:<38}{who}\n" for who, email in logins.items())
    return (
        f"\nSportello is at {details['url']} (the explorer, where it is built).\n"
        f"A shopper and an agent who talk: {details['url']}/examples/chat/\n"
        f"The API is at {details['url']}/graphql.\n"
        f"API key: {details['apiKey']}\n"
        f"For the command line: export SPORTELLO_DATABASE_URL={settings.database_url}\n"
        f"Sign in (sessionCreate) with the password {details.get('password', '')} as\n{people}"
        f"Mails: {settings.mail_folder or settings.smtp_host}\n"
        f"{invented if is_furnished else ''}\n"
        f"curl -s {details['url']}/graphql -H 'Authorization: Bearer {details['apiKey']}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{orjson.dumps({'query': query}).decode()}'\n"
    )


async def readiness(works: Works) -> str:
    """Return why requests cannot be served, nothing where they can."""
    _, reason = await is_ready(works)
    return reason
