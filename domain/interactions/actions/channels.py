"""The doors through which customers come in."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Checks, InvalidState, NotFound
from domain.base.texts import clean_required
from domain.base.work import Work
from domain.customers.rules.consents import ChannelKind
from domain.identity.repository.stores import find_store_by_code
from domain.interactions.model import Channel
from domain.interactions.repository.channels import find_channel_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDetails:
    """A channel, known by its name. Without a store it is that of all of them."""

    name: str
    kind: ChannelKind
    store_code: str | None = None
    is_active: bool = True


async def upsert_channel(work: Work, *, details: ChannelDetails) -> UUID:
    """Open a channel, or change whether it takes anything in; return its id.

    Raises `Refusals`, `NotFound` for a store that is not there, `InvalidState` for another kind or store: conversations
    are of the channel that they came in through.
    """
    work.require(Permission.STORES_WRITE)
    checks = Checks()
    name = checks.take(lambda: clean_required(details.name), "name") or ""
    checks.settle()
    store_id = None
    if details.store_code is not None:
        store = await find_store_by_code(work.session, details.store_code)
        if store is None:
            text = "There is no store with this code."
            raise NotFound(text, field=("store_code",))
        store_id = store.id
    known = await find_channel_by_name(work.session, name)
    if known is None:
        known = Channel(
            kind=details.kind,
            name=name,
            store_id=store_id,
            is_active=details.is_active,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(known)
    elif (known.kind, known.store_id) != (details.kind, store_id):
        text = "A channel keeps its kind and store; open another one under another name."
        raise InvalidState(text, field=("name",))
    elif known.is_active != details.is_active:
        known.is_active = details.is_active
        known.updated_at = work.now
    return known.id
