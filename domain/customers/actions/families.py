"""Showing one customer out of several records."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from domain.base.work import Work
from domain.customers.events import CustomerCreated, CustomerUpdated
from domain.customers.model import CustomerRecord
from domain.customers.repository.attributes import list_attribute_rows, replace_attributes
from domain.customers.repository.customers import list_tag_rows, replace_tags
from domain.customers.repository.families import (
    list_absorptions,
    list_families,
    list_spendings_by_record,
    show,
)
from domain.customers.rules.families import Shown, in_order_of_belief, shown_of
from domain.identity.repository.stores import get_currency_code


async def show_changes(work: Work, events: Sequence[CustomerCreated | CustomerUpdated]) -> None:
    """Show what became known of customers. Their families are locked by whoever changed them."""
    await show_families(work, customer_ids={event.customer_id for event in events})


async def show_families(work: Work, *, customer_ids: Iterable[UUID]) -> None:
    """Gather anew what the families of these records show. The families are locked by the caller."""
    families = await list_families(work.session, customer_ids)
    record_ids = [record.id for records in families.values() for record in records]
    spendings = await list_spendings_by_record(work.session, record_ids)
    joined = [record.id for records in families.values() if len(records) > 1 for record in records]
    absorbed_by = await list_absorptions(work.session, joined)
    currency_code = await get_currency_code(work.session, work.organisation)
    await show(
        work.session,
        [
            _shown(
                in_order_of_belief(records, canonical_id=canonical_id, absorbed_by=absorbed_by),
                spendings=[spent for record in records for spent in spendings[record.id]],
                currency_code=currency_code,
            )
            for canonical_id, records in families.items()
        ],
    )


def _shown(records: Sequence[Any], *, spendings: Sequence[Any], currency_code: str) -> tuple[Shown, bool]:
    """Return what a family in the order of belief shows, and whether the first of it was erased."""
    return shown_of(records, spendings=spendings, currency_code=currency_code), records[0].erased_at is not None


async def choose_words(work: Work, *, records: Sequence[CustomerRecord]) -> None:
    """Choose by which rows a family, in the order of belief, shows its tags and attributes: the first that says."""
    ids = [record.id for record in records]
    tags = {(row.customer_id, row.tag): row._asdict() for row in await list_tag_rows(work.session, ids)}
    attributes = {
        (row.customer_id, row.definition_id): row._asdict() for row in await list_attribute_rows(work.session, ids)
    }
    for rows in (tags, attributes):
        _choose(ids, rows)
    await replace_tags(work.session, ids, list(tags.values()))
    await replace_attributes(work.session, ids, list(attributes.values()))


def _choose(ids: Sequence[UUID], rows: dict[tuple[UUID, Any], dict[str, Any]]) -> None:
    decided: set[Any] = set()
    for record_id in ids:
        own = [(what, row) for (owner, what), row in rows.items() if owner == record_id]
        for what, row in own:
            row["is_shown"] = what not in decided and _says_something(row)
        decided.update(what for what, _ in own)


def _says_something(row: dict[str, Any]) -> bool:
    """Tell whether a tag or attribute row has something to show: it was not taken off or emptied on purpose."""
    if "tag" in row:
        return not row["is_removed"]
    return row["text_value"] is not None or row["number_value"] is not None
