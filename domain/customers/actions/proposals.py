"""Noticing that two customers may be one, and asking a person; by itself only on proof, and only if that is allowed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.base.work import Work
from domain.customers.actions.merges import join_customers, new_merge
from domain.customers.events import CustomerCreated, CustomerUpdated, MergeProposed
from domain.customers.model import CustomerIdentity, CustomerMerge
from domain.customers.repository.families import hold_records, list_records_by_id, lock_families
from domain.customers.repository.identities import (
    list_identities_by_record,
    list_nobodys_names,
    list_same_identities,
    lock_identities,
)
from domain.customers.repository.merges import (
    get_merge,
    list_merges_between,
    list_same_keys,
    replace_match_keys,
)
from domain.customers.rules.families import MergeState, blockers, pair_of
from domain.customers.rules.identities import IdentityKind, is_blocked
from domain.customers.rules.matching import (
    HOLDERS_MAX,
    PROPOSAL_SCORE_MIN,
    Evidence,
    Match,
    Profile,
    Sign,
    Signal,
    is_news,
    match,
    match_keys,
)


async def propose_merges(work: Work, events: Sequence[CustomerCreated | CustomerUpdated]) -> None:
    """Look for others who may be the same person as those of whom something became known.

    Records `MergeProposed`, and `CustomerMerged` where proof on both sides is enough.
    """
    ids = {event.customer_id for event in events}
    records = await list_records_by_id(work.session, ids)
    evidence = await _evidence(work, ids)
    keys = {key: _match_keys(record, evidence[key]) for key, record in records.items()}
    rows = [{"customer_id": key, "key": each} for key, each_key in keys.items() for each in sorted(each_key)]
    await replace_match_keys(work.session, ids, rows)
    fresh_ids = {event.customer_id for event in events if isinstance(event, CustomerCreated)}
    await lock_identities(work.session, _met_by_chance(fresh_ids, evidence, keys))
    pairs = {
        (row.own_id, row.customer_id)
        for row in await list_same_identities(work.session, ids, limit=HOLDERS_MAX)
        if not _is_blocked(work, row.kind, row.value)
    }
    shared_keys: dict[tuple[UUID, UUID], set[str]] = defaultdict(set)
    for row in await list_same_keys(work.session, ids, limit=HOLDERS_MAX):
        shared_keys[row.own_id, row.customer_id].add(row.key)
    if found := pairs | shared_keys.keys():
        await _propose(work, found, shared_keys=shared_keys, claims={})


def _met_by_chance(
    ids: Iterable[UUID], evidence: Mapping[UUID, Sequence[Any]], keys: Mapping[UUID, set[str]]
) -> set[str]:
    """Return what two who come at once, and do not see each other yet, may have in common, beside e-mail addresses.

    Those are locked where they come in. Who waits for these has come last, and sees the other one.
    """
    phones = {each.value for key in ids for each in evidence[key] if each.kind == IdentityKind.PHONE}
    return phones | {each for key in ids for each in keys[key] if each.startswith("born ")}


async def propose_claimed(work: Work, *, claims: Sequence[tuple[UUID, Any]]) -> None:
    """Propose to merge customers with the holders of identities that the shop vouches for as theirs too.

    Records `MergeProposed`, and `CustomerMerged` where proof on both sides is enough.
    """
    found = {(claimant_id, holder.customer_id): holder for claimant_id, holder in claims}
    if found:
        await _propose(work, found, shared_keys={}, claims=found)


async def _propose(
    work: Work,
    pairs: Iterable[tuple[UUID, UUID]],
    *,
    shared_keys: Mapping[tuple[UUID, UUID], set[str]],
    claims: Mapping[tuple[UUID, UUID], CustomerIdentity],
) -> None:
    by_pair = {pair_of(pair[0], other=pair[1]): pair for pair in sorted(pairs)}  # everybody in the same order
    ids = {key for pair in by_pair for key in pair}
    living = await hold_records(work.session, ids)
    by_pair = {key: pair for key, pair in by_pair.items() if living.issuperset(key)}
    records = await list_records_by_id(work.session, living)
    evidence = await _evidence(work, living)
    said = await list_merges_between(work.session, by_pair)
    for key, pair in by_pair.items():
        one, other = records[pair[0]], records[pair[1]]
        if one.canonical_id == other.canonical_id:
            continue
        signs, others = _signs(evidence[one.id]), _signs(evidence[other.id])
        if (claimed := claims.get(pair)) is not None:
            signs, others = [*signs, _claim(one.id, claimed)], [*others, *_signs([claimed])]
        found = match(
            _profile(one),
            other=_profile(other),
            signs=signs,
            others=others,
            keys=shared_keys.get(pair, set())
            & _match_keys(one, evidence[one.id])
            & _match_keys(other, evidence[other.id]),
        )
        if found.proof or found.score >= PROPOSAL_SCORE_MIN:
            await _note(work, _Pair.of(one, other), found, said.get(key, []))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two records that may be one person: the older one would survive."""

    survivor: Any
    absorbed: Any

    @classmethod
    def of(cls, one: Any, other: Any) -> "_Pair":  # noqa: ANN401  rows
        older, younger = sorted((one, other), key=lambda record: (record.created_at, record.id))
        return cls(survivor=older, absorbed=younger)


async def _note(work: Work, pair: _Pair, found: Match, said: Sequence[CustomerMerge]) -> None:
    """Propose the pair, unless it is proposed already or a person decided on no less than this."""
    merge = next((each for each in said if each.state == MergeState.PROPOSED), None)
    has_news = is_news(found.evidence, decided=_evidence_of(said if merge is None else [merge]))
    if merge is None and said and not has_news:
        return
    if found.proof and work.organisation.merges_automatically and await _merge_by_itself(work, pair, found):
        return
    if merge is None:
        merge = new_merge(survivor_id=pair.survivor.id, absorbed_id=pair.absorbed.id)
        merge.proposed_at = work.now
        work.session.add(merge)
        work.record(MergeProposed(customer_id=pair.survivor.id, absorbed_id=pair.absorbed.id, merge_id=merge.id))
    if has_news or merge.score is None or found.score > merge.score:
        merge.score, merge.evidence = found.score, [list(each) for each in found.evidence]


async def _merge_by_itself(work: Work, pair: _Pair, found: Match) -> bool:
    """Merge what is proven on both sides, unless something is in the way: then it waits for a person.

    What a person decided on the same proof is in the way too, also where it is noted for others of the families.
    """
    records = await lock_families(work.session, [pair.survivor.id, pair.absorbed.id])
    survivor_id, absorbed_id = records[pair.survivor.id].canonical_id, records[pair.absorbed.id].canonical_id
    families = [
        sorted((each for each in records.values() if each.canonical_id == key), key=lambda each: each.id != key)
        for key in (survivor_id, absorbed_id)
    ]
    key = pair_of(survivor_id, other=absorbed_id)
    said = (await list_merges_between(work.session, [key]))[key]
    decided = _evidence_of(each for each in said if each.state != MergeState.PROPOSED)
    found_blockers = blockers(families[0], absorbed=families[1], survivor_id=survivor_id, absorbed_id=absorbed_id)
    if found_blockers or not is_news(found.proof, decided=decided):
        return False
    reason = "Merged by itself: the same identity was proven for both."
    merge_id = await join_customers(work, survivor_id=survivor_id, absorbed_id=absorbed_id, reason=reason)
    merge = await get_merge(work.session, merge_id)
    merge.score, merge.evidence = found.score, [list(each) for each in found.evidence]
    return True


def _evidence_of(merges: Iterable[CustomerMerge]) -> list[Evidence]:
    return [(Signal(signal), detail) for merge in merges for signal, detail in merge.evidence]


def _profile(record: Any) -> Profile:  # noqa: ANN401  a record, or a row of it
    return Profile(
        id=record.id,
        given_name=record.given_name,
        family_name=record.family_name,
        birth_date=record.birth_date,
        country=record.country,
    )


def _match_keys(record: Any, evidence: Iterable[Any]) -> set[str]:  # noqa: ANN401  a row
    return match_keys(_profile(record), emails=[each.value for each in evidence if each.kind == IdentityKind.EMAIL])


def _is_blocked(work: Work, kind: str, value: str) -> bool:
    return is_blocked(value, kind=IdentityKind(kind), relay_domains=work.organisation.relay_domains)


async def _evidence(work: Work, ids: Iterable[UUID]) -> dict[UUID, list[Any]]:
    """Return the identities that say who somebody is, by record: not blocked, shared by nobody, held by few."""
    identities = await list_identities_by_record(work.session, ids)
    nobodys = await list_nobodys_names(work.session, ids, limit=HOLDERS_MAX)
    found: dict[UUID, list[Any]] = defaultdict(list)
    for key, known in identities.items():
        found[key] = [e for e in known if _name(e) not in nobodys and not _is_blocked(work, e.kind, e.value)]
    return found


def _name(identity: Any) -> tuple[str, str, str]:  # noqa: ANN401  a row
    return identity.kind, identity.namespace, identity.value


def _signs(evidence: Iterable[Any]) -> list[Sign]:
    return [
        Sign(
            customer_id=each.customer_id,
            kind=each.kind,
            namespace=each.namespace,
            value=each.value,
            verification=each.verification,
        )
        for each in evidence
    ]


def _claim(customer_id: UUID, identity: CustomerIdentity) -> Sign:
    """Return another customer's verified identity as one that is proven for this customer too."""
    return Sign(
        customer_id=customer_id,
        kind=identity.kind,
        namespace=identity.namespace,
        value=identity.value,
        verification=identity.verification,
        is_claimed=True,
    )
