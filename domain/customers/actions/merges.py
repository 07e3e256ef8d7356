"""Making one customer of two, and two of one again: a merge is an edge, and rewrites nothing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Checks, Refusals
from domain.base.texts import clean_optional
from domain.base.work import Work
from domain.customers.actions.access import require_seen
from domain.customers.actions.families import choose_words, show_families
from domain.customers.errors import CustomerNotFound, MergeNotApplied, MergeNotFound, MergeNotProposed
from domain.customers.events import CustomerMerged, CustomerUnmerged, MergeRejected
from domain.customers.model import CustomerMerge, CustomerRecord
from domain.customers.repository.families import (
    get_family_for_update,
    hide_absorbed,
    list_absorptions,
    lock_families,
    set_canonical,
)
from domain.customers.repository.merges import get_merge, list_merges_between
from domain.customers.rules.families import MergeState, blockers, pair_of

REASON_LENGTH_MAX = 1_000


async def merge_customers(work: Work, *, survivor_id: UUID, absorbed_id: UUID, reason: str | None) -> UUID:
    """Let one customer absorb another; return the merge. Merged already in this way, nothing changes.

    Raises `CustomerNotFound`, `Refusals` with every blocker. Records `CustomerMerged`. Locks both families.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = _checked_reason(reason)
    await require_seen(work, customer_id=survivor_id, name="survivor_id")
    await require_seen(work, customer_id=absorbed_id, name="absorbed_id")
    return await join_customers(work, survivor_id=survivor_id, absorbed_id=absorbed_id, reason=checked)


async def join_customers(work: Work, *, survivor_id: UUID, absorbed_id: UUID, reason: str | None) -> UUID:
    """Do what `merge_customers` does, for whoever was allowed what made it necessary."""
    records = await lock_families(work.session, [survivor_id, absorbed_id])
    for key, name in ((survivor_id, "survivor_id"), (absorbed_id, "absorbed_id")):
        if key not in records:
            raise CustomerNotFound(field=(name,))
    said = (await list_merges_between(work.session, [pair_of(survivor_id, other=absorbed_id)]))[
        pair_of(survivor_id, other=absorbed_id)
    ]
    applied = next((merge for merge in said if merge.state == MergeState.APPLIED), None)
    if applied is not None and applied.survivor_id == survivor_id:
        return applied.id
    # The families as they are now that both are ours: while we waited, somebody may have been absorbed.
    survivors = await get_family_for_update(work.session, survivor_id)
    absorbed = await get_family_for_update(work.session, absorbed_id)
    if found := blockers(survivors, absorbed=absorbed, survivor_id=survivor_id, absorbed_id=absorbed_id):
        raise Refusals(found)
    merge = next((merge for merge in said if merge.state == MergeState.PROPOSED), None)
    if merge is None:
        merge = new_merge(survivor_id=survivor_id, absorbed_id=absorbed_id)
        work.session.add(merge)
    merge.survivor_id, merge.absorbed_id, merge.state = survivor_id, absorbed_id, MergeState.APPLIED
    merge.reason, merge.merged_at = reason, work.now
    await work.session.flush()
    await set_canonical(work.session, [record.id for record in absorbed], canonical_id=survivor_id)
    await hide_absorbed(work.session, [absorbed_id])
    await _show_anew(work, [survivor_id])
    work.record(CustomerMerged(customer_id=survivor_id, absorbed_id=absorbed_id, merge_id=merge.id))
    return merge.id


def new_merge(*, survivor_id: UUID, absorbed_id: UUID) -> CustomerMerge:
    """Return a merge of the two, proposed."""
    first_id, second_id = pair_of(survivor_id, other=absorbed_id)
    return CustomerMerge(
        survivor_id=survivor_id,
        absorbed_id=absorbed_id,
        first_id=first_id,
        second_id=second_id,
        state=MergeState.PROPOSED,
    )


def _proposed_again(merge: CustomerMerge, records: Mapping[UUID, CustomerRecord]) -> CustomerMerge:
    """Return the proposal that became a merge, as it was: the older customer would survive."""
    older, younger = sorted((merge.survivor_id, merge.absorbed_id), key=lambda key: (records[key].created_at, key))
    proposal = new_merge(survivor_id=older, absorbed_id=younger)
    proposal.score, proposal.evidence, proposal.proposed_at = merge.score, merge.evidence, merge.proposed_at
    return proposal


async def unmerge_customers(work: Work, *, merge_id: UUID, reason: str | None) -> UUID:
    """Take a merge back: everything is as before, and what came in meanwhile is with whom it came in through.

    A proposal that became the merge waits for a decision again.

    Raises `Refusals`, `MergeNotFound`, `MergeNotApplied`. Records `CustomerUnmerged`. Locks the family.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = _checked_reason(reason)
    known = await get_merge(work.session, merge_id)
    await _require_seen(work, known)
    records = await get_family_for_update(work.session, known.survivor_id)
    merge = await get_merge(work.session, merge_id)
    if merge.state != MergeState.APPLIED:
        raise MergeNotApplied(merge.state)
    absorbed_by = await list_absorptions(work.session, [record.id for record in records])
    merge.state, merge.unmerged_at, merge.unmerge_reason = MergeState.UNDONE, work.now, checked
    await work.session.flush()
    below = [merge.absorbed_id]
    for key in below:
        below.extend(absorbed_by.get(key, ()))
    await set_canonical(work.session, below, canonical_id=merge.absorbed_id)
    if merge.proposed_at is not None:
        work.session.add(_proposed_again(merge, {record.id: record for record in records}))
    await _show_anew(work, [records[0].id, merge.absorbed_id])
    work.record(CustomerUnmerged(customer_id=merge.survivor_id, absorbed_id=merge.absorbed_id, merge_id=merge.id))
    return merge.id


async def reject_merge(work: Work, *, merge_id: UUID, reason: str | None) -> UUID:
    """Decide that two customers are two: they are proposed again on new verified evidence only.

    Raises `Refusals`, `MergeNotFound`, `MergeNotProposed`. Records `MergeRejected`. Locks both families.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = _checked_reason(reason)
    known = await get_merge(work.session, merge_id)
    await _require_seen(work, known)
    await lock_families(work.session, [known.survivor_id, known.absorbed_id])
    merge = await get_merge(work.session, merge_id)
    if merge.state == MergeState.REJECTED:
        return merge.id
    if merge.state != MergeState.PROPOSED:
        raise MergeNotProposed(merge.state)
    merge.state, merge.reason, merge.rejected_at = MergeState.REJECTED, checked, work.now
    work.record(MergeRejected(customer_id=merge.survivor_id, absorbed_id=merge.absorbed_id, merge_id=merge.id))
    return merge.id


async def _require_seen(work: Work, merge: CustomerMerge) -> None:
    """Hold that the actor sees both customers. Raises `MergeNotFound`."""
    try:
        await require_seen(work, customer_id=merge.survivor_id)
        await require_seen(work, customer_id=merge.absorbed_id)
    except CustomerNotFound:
        raise MergeNotFound from None


def _checked_reason(reason: str | None) -> str | None:
    checks = Checks()
    checked = checks.take(lambda: clean_optional(reason, length_max=REASON_LENGTH_MAX), "reason")
    checks.settle()
    return checked


async def _show_anew(work: Work, canonical_ids: Sequence[UUID]) -> None:
    for canonical_id in canonical_ids:
        await choose_words(work, records=await get_family_for_update(work.session, canonical_id))
    await show_families(work, customer_ids=canonical_ids)
