"""What can be done with stores and keys."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, text

from domain.base.actors import ANONYMOUS, EVERY_PERMISSION, SYSTEM, Actor, ActorKind, Permission
from domain.base.errors import Forbidden, Invalid, InvalidState, NotFound, Refusals, Required
from domain.base.identifiers import new_id
from domain.base.model import EventRecord
from domain.base.work import Organisation, Work, Works
from domain.identity.actions.keys import create_api_key, recognise, revoke_api_key
from domain.identity.actions.stores import get_store, upsert_store
from domain.identity.model import ApiKey, Store
from domain.identity.repository.keys import list_api_keys
from domain.identity.repository.stores import get_currency_code, list_stores, list_stores_by_id
from tests.conftest import ITALY, NOW, StandingClock

FRANCE = replace(ITALY, code="fr", name="France", country="FR", locale="fr-FR", time_zone="Europe/Paris")
_Answer = TypeVar("_Answer")


async def perform(works: Works, story: Callable[[Work], Awaitable[_Answer]], *, actor: Actor = SYSTEM) -> _Answer:
    """Perform a story."""
    return await works.perform(story, actor=actor, action="test")


async def rows(works: Works, table: type[Any]) -> list[Any]:
    """Return all rows of a table, the oldest first."""
    async with works.database.reading() as session:
        return list((await session.execute(select(*table.__table__.c).order_by(table.id))).all())


async def test_a_store_is_added(works: Works, clock: StandingClock) -> None:
    """A code that nobody has adds a store, told by an event."""
    clock.advance(timedelta(seconds=1))
    store_id = await perform(works, lambda work: upsert_store(work, details=FRANCE))
    store = (await rows(works, Store))[1]
    assert store.id == store_id
    assert (store.code, store.name, store.country, store.locale) == ("fr", "France", "FR", "fr-FR")
    assert (store.currency_code, store.time_zone) == ("EUR", "Europe/Paris")
    assert store.created_at == store.updated_at == NOW + timedelta(seconds=1)
    event = (await rows(works, EventRecord))[-1]
    assert (event.type, event.subjects) == ("StoreChanged", {"store_id": store_id.hex})


async def test_a_store_is_changed_by_its_code(works: Works, clock: StandingClock) -> None:
    """The code says which store; everything but code and currency may change; the same again changes nothing."""
    (before,) = await rows(works, Store)
    clock.advance(timedelta(seconds=1))
    assert await perform(works, lambda work: upsert_store(work, details=ITALY)) == before.id
    assert await rows(works, Store) == [before]
    changed = replace(FRANCE, code=" IT ")
    assert await perform(works, lambda work: upsert_store(work, details=changed)) == before.id
    (after,) = await rows(works, Store)
    assert (after.code, after.name, after.country, after.time_zone) == ("it", "France", "FR", "Europe/Paris")
    assert (after.created_at, after.updated_at) == (before.created_at, NOW + timedelta(seconds=1))
    assert len(await rows(works, EventRecord)) == 2


async def test_the_currency_cannot_change(works: Works) -> None:
    """The store's orders are in it."""
    before = await rows(works, Store)
    pounds = replace(ITALY, currency_code="GBP", name="Other")
    with pytest.raises(InvalidState, match="sells in EUR") as raised:
        await perform(works, lambda work: upsert_store(work, details=pounds))
    assert raised.value.field == ("currency_code",)
    assert await rows(works, Store) == before


async def test_a_refused_store_is_not_added(works: Works) -> None:
    """Bad details, or an actor without the permission, leave everything as it was."""
    before = await rows(works, EventRecord)
    with pytest.raises(Refusals):
        await perform(works, lambda work: upsert_store(work, details=replace(FRANCE, country="XX")))
    for actor in (ANONYMOUS, Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION - {Permission.STORES_WRITE})):
        with pytest.raises(Forbidden, match="stores:write"):
            await perform(works, lambda work: upsert_store(work, details=FRANCE), actor=actor)
    assert len(await rows(works, Store)) == 1
    assert await rows(works, EventRecord) == before


async def test_the_default_store_is_the_first_one(works: Works, clock: StandingClock) -> None:
    """Without a setting it is the one that was added first, whatever its code and however it changed since."""
    clock.advance(timedelta(seconds=1))
    await perform(works, lambda work: upsert_store(work, details=replace(FRANCE, code="aa")))
    await perform(works, lambda work: upsert_store(work, details=replace(ITALY, name="Italy")))
    store = await perform(works, lambda work: get_store(work, code=None))
    assert store.code == "it"
    assert (await perform(works, lambda work: get_store(work, code=" AA "))).code == "aa"


async def test_the_default_store_is_a_setting(works: Works) -> None:
    """A setting names it; where it names none that there is, nothing is guessed."""
    await perform(works, lambda work: upsert_store(work, details=FRANCE))
    named = replace(works, organisation=Organisation(default_store_code="fr"))
    assert (await perform(named, lambda work: get_store(work, code=None))).code == "fr"
    assert (await perform(named, lambda work: get_store(work, code="it"))).code == "it"
    astray = replace(works, organisation=Organisation(default_store_code="es"))
    with pytest.raises(InvalidState):
        await perform(astray, lambda work: get_store(work, code=None))


@pytest.mark.parametrize("code", ["es", "", "it ly", "IT'; --", "x" * 10_000])
async def test_an_unknown_store_is_refused(works: Works, code: str) -> None:
    """The refusal says where the codes are listed."""
    with pytest.raises(NotFound, match="stores lists them") as raised:
        await perform(works, lambda work: get_store(work, code=code))
    assert raised.value.field == ("store_code",)


async def test_without_any_store_it_says_what_to_do(works: Works) -> None:
    """Before the first store there is no default; sums are shown in euros."""
    async with works.database.writing() as session:
        await session.execute(text("DELETE FROM stores"))
        await session.commit()
    with pytest.raises(InvalidState, match="storeUpsert"):
        await perform(works, lambda work: get_store(work, code=None))
    async with works.database.reading() as session:
        assert await get_currency_code(session, Organisation()) == "EUR"


async def test_the_organisations_currency(works: Works) -> None:
    """Its setting comes first, then its default store, named or the first one."""
    await perform(works, lambda work: upsert_store(work, details=replace(FRANCE, currency_code="CHF")))
    async with works.database.reading() as session:
        assert await get_currency_code(session, Organisation()) == "EUR"
        assert await get_currency_code(session, Organisation(default_store_code="fr")) == "CHF"
        assert await get_currency_code(session, Organisation("GBP", "fr")) == "GBP"


async def new_key(works: Works, **words: Any) -> str:  # noqa: ANN401
    """Return the secret of a new key."""
    words = {"name": "Shop", "permissions": ["stores:read"], **words}
    return (await perform(works, lambda work: create_api_key(work, **words)))[1]


async def test_only_the_hash_of_a_key_is_kept(works: Works, database_url: str, kind: str) -> None:
    """The secret stands nowhere in the database, nor half of it; what may be shown tells keys apart."""
    secret = await new_key(works, name=" Shop ", permissions=["stores:read", "orders:read", "stores:read"])
    (key,) = await rows(works, ApiKey)
    assert secret.startswith("sk_")
    assert len(secret) == 46
    assert (key.name, key.prefix) == ("Shop", secret[:11])
    assert key.permissions == ["orders:read", "stores:read"]
    assert (key.created_at, key.expires_at, key.revoked_at) == (NOW, None, None)
    if kind == "sqlite":
        await works.database.dispose()
        path = database_url.partition("///")[2]
        with open(path, "rb") as stream:  # noqa: ASYNC230, PTH123  a test waits for a small file
            content = stream.read().decode("latin-1")
    else:
        async with works.database.reading() as session:
            tables = (await session.scalars(text("SELECT relname FROM pg_stat_user_tables"))).all()
            content = ""
            for table in tables:
                content += str((await session.execute(text(f'SELECT * FROM "{table}"'))).all())
    assert key.secret_hash in content
    assert secret[11:] not in content
    assert secret[:22] not in content
    event = (await rows(works, EventRecord))[-1]
    assert (event.type, event.subjects) == ("ApiKeyCreated", {"api_key_id": key.id.hex})


async def test_no_two_keys_are_alike(works: Works) -> None:
    """Each key has 256 random bits of its own."""
    assert len({await new_key(works) for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"name": "  "}, Required),
        ({"permissions": ["everything"]}, Invalid),
        ({"expires_at": NOW}, Invalid),
        ({"expires_at": NOW - timedelta(days=1)}, Invalid),
    ],
)
async def test_a_refused_key_is_not_made(works: Works, words: dict[str, Any], error: type[Exception]) -> None:
    """A blank name, an unknown permission and a key that would have expired already are refused."""
    with pytest.raises(error):
        await new_key(works, **words)
    assert await rows(works, ApiKey) == []


async def test_making_a_key_needs_the_permission(works: Works) -> None:
    """A key that may do all the rest makes no other keys."""
    actor = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION - {Permission.KEYS_WRITE})
    with pytest.raises(Forbidden, match="keys:write"):
        await perform(works, lambda work: create_api_key(work, name="A", permissions=[]), actor=actor)


async def who(works: Works, secret: str, *, at: timedelta = timedelta()) -> Actor | None:
    """Return who is behind a secret some time later."""
    async with works.database.reading() as session:
        found = await recognise(session, secret=secret, now=NOW + at)
    return None if found is None else found.actor


async def test_a_key_is_recognised(works: Works) -> None:
    """The secret opens the door as the key's actor, with its permissions."""
    secret = await new_key(works, permissions=["orders:read", "stores:read"])
    (key,) = await rows(works, ApiKey)
    permissions = frozenset({Permission.ORDERS_READ, Permission.STORES_READ})
    actor = await who(works, secret)
    assert actor == Actor(kind=ActorKind.APP, permissions=permissions, id=key.id)
    assert actor is not None
    assert actor.scope == f"APP:{key.id}"


@pytest.mark.parametrize("change", ["", "x", "-1", "case", "prefix", "hash"])
async def test_anything_else_opens_no_door(works: Works, change: str) -> None:
    """Nothing, a longer or shorter secret, one in other capitals, the shown prefix, or the stored hash do not."""
    secret = await new_key(works)
    (key,) = await rows(works, ApiKey)
    tried = {"": "", "x": f"{secret}x", "-1": secret[:-1], "case": secret.swapcase(), "prefix": key.prefix}
    assert await who(works, tried.get(change, key.secret_hash)) is None
    assert await who(works, "sk_" + key.secret_hash) is None


async def test_an_expired_or_revoked_key_opens_no_door(works: Works) -> None:
    """From its expiry, or from the moment it is revoked."""
    secret = await new_key(works, expires_at=NOW + timedelta(hours=1))
    assert await who(works, secret, at=timedelta(minutes=59)) is not None
    assert await who(works, secret, at=timedelta(hours=1)) is None
    async with works.database.writing() as session:
        await session.execute(text("UPDATE api_keys SET revoked_at = created_at"))
        await session.commit()
    assert await who(works, secret) is None


async def test_a_key_is_revoked_for_good(works: Works, clock: StandingClock) -> None:
    """It opens nothing from that moment on; a second time changes nothing, neither the instant nor the log."""
    secret, other = await new_key(works), await new_key(works, name="Other")
    async with works.database.reading() as session:
        key, _ = await list_api_keys(session)
    events = await rows(works, EventRecord)
    assert await perform(works, lambda work: revoke_api_key(work, api_key_id=key.id)) == key.id
    clock.advance(timedelta(seconds=1))
    assert await perform(works, lambda work: revoke_api_key(work, api_key_id=key.id)) == key.id
    assert await who(works, secret) is None
    assert await who(works, other) is not None
    async with works.database.reading() as session:
        assert [each.revoked_at for each in await list_api_keys(session)] == [NOW, None]
    (event,) = (await rows(works, EventRecord))[len(events) :]
    assert (event.type, event.subjects) == ("ApiKeyRevoked", {"api_key_id": key.id.hex})


async def test_revoking_needs_a_key_and_the_permission(works: Works) -> None:
    """A key that there is not, and an actor who may not, are refused."""
    with pytest.raises(NotFound) as raised:
        await perform(works, lambda work: revoke_api_key(work, api_key_id=new_id()))
    assert raised.value.field == ("api_key_id",)
    secret = await new_key(works)
    (key,) = await rows(works, ApiKey)
    with pytest.raises(Forbidden, match="keys:write"):
        await perform(works, lambda work: revoke_api_key(work, api_key_id=key.id), actor=ANONYMOUS)
    assert await who(works, secret) is not None


async def test_permissions_that_no_longer_exist_count_for_nothing(works: Works) -> None:
    """A key of a later release, or of an older one, has what this one knows."""
    secret = await new_key(works)
    async with works.database.writing() as session:
        key = (await session.scalars(select(ApiKey))).one()
        key.permissions = ["stores:read", "moon:land"]
        await session.commit()
    actor = await who(works, secret)
    assert actor is not None
    assert actor.permissions == {Permission.STORES_READ}


async def test_stores_are_listed_by_code(works: Works) -> None:
    """All of them, in the order of their codes, or those with these ids."""
    fr = await perform(works, lambda work: upsert_store(work, details=FRANCE))
    async with works.database.reading() as session:
        listed = await list_stores(session)
        assert [store.code for store in listed] == ["fr", "it"]
        assert set(await list_stores_by_id(session, [fr, fr])) == {fr}
        assert await list_stores_by_id(session, []) == {}
