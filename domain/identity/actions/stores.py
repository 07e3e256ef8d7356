"""What can be done with stores."""

from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import InvalidState, NotFound
from domain.base.work import Work
from domain.identity import rules
from domain.identity.events import StoreChanged
from domain.identity.model import Store
from domain.identity.repository.stores import find_store, find_store_by_code


async def upsert_store(work: Work, *, details: rules.StoreDetails) -> UUID:
    """Add a store, or change the one with this code; what is as it was changes nothing.

    Raises `Refusals`, and `InvalidState` for another currency: the store's orders are in the one it has.
    Records `StoreChanged`.
    """
    work.require(Permission.STORES_WRITE)
    checked = rules.check_store(details)
    store = await find_store_by_code(work.session, checked.code)
    if store is None:
        store = Store(
            code=checked.code,
            name=checked.name,
            country=checked.country,
            locale=checked.locale,
            currency_code=checked.currency_code,
            time_zone=checked.time_zone,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(store)
    elif store.currency_code != checked.currency_code:
        message = f"This store sells in {store.currency_code}; open another store for another currency."
        raise InvalidState(message, field=("currency_code",))
    else:
        named = {name: getattr(checked, name) for name in ("name", "country", "locale", "time_zone")}
        if all(getattr(store, name) == value for name, value in named.items()):
            return store.id
        for name, value in named.items():
            setattr(store, name, value)
        store.updated_at = work.now
    work.record(StoreChanged(store_id=store.id))
    return store.id


async def get_store(work: Work, *, code: str | None) -> Any:  # noqa: ANN401  a row
    """Return the store with this code, without one the default store.

    The default store is the one that the settings name, else the one that was added first.
    Raises `NotFound` for an unknown code and `InvalidState` where there is no store yet.
    """
    wanted = work.organisation.default_store_code if code is None else code
    store = await find_store(work.session, None if wanted is None else wanted.strip().lower())
    if store is not None:
        return store
    if code is not None:
        message = "There is no store with this code; the field stores lists them."
        raise NotFound(message, field=("store_code",))
    message = "There is no store yet; add one with storeUpsert."
    if wanted is not None:
        message = f"The settings name the default store {wanted!r}, which there is not; add it with storeUpsert."
    raise InvalidState(message, field=("store_code",))
