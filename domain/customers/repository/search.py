"""Every query about the words by which customers are found.

A search is put to the database so that its planner has nothing to choose: the word that the fewest terms begin with
names the candidates, and each of them is asked for the other words. What that takes depends on how rare the rarest
word is, never on how many customers there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
    union_all,
    values,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.base.repository.rows import chunks, replace_rows
from domain.customers.model import Customer, CustomerRecord, CustomerTerm
from domain.customers.rules.search import TermKind, with_one_error

FREQUENT = 32_000
"""So many terms take long to gather: it may be quicker to walk along the list of customers until a page is full."""

_RARE, _COUNTED_MAX = 1_000, 4 * FREQUENT
_HIGHEST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What one word may mean: terms that begin with it, names that it may be a misspelling of, or these very terms."""

    prefix: str | None = None
    names: Sequence[str] = ()
    terms: Sequence[str] = ()

    def branches(self, source: type[CustomerTerm]) -> list[ColumnElement[bool]]:
        """Return the conditions, each of them one stretch (or a few) of an index."""
        found: list[ColumnElement[bool]] = []
        if self.prefix is not None:
            found.append(and_(source.term >= self.prefix, source.term < self.prefix + _HIGHEST_CHARACTER))
        if self.names:
            found.append(and_(source.term.in_(self.names), source.kind == TermKind.NAME))
        if self.terms:
            found.append(source.term.in_(self.terms))
        return found


@dataclass(frozen=True, slots=True)
class Search:
    """A search, understood: who is found fits every meaning of one of the alternatives, the rarest meaning first."""

    alternatives: Sequence[Sequence[_Meaning]]
    frequency: int
    """How many terms the rarest meaning has, of the alternative where it has more; counted up to 128,000."""

    def found(self) -> Subquery:
        """Return whom the search finds, as `id` of canonical customers, each once."""
        found = [_found_by(meanings, is_distinct=True) for meanings in self.alternatives]
        return (union(*found) if len(found) > 1 else found[0]).subquery("found")

    def fits(self, customer_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
        """Say that the search finds this canonical customer."""
        return or_(*(and_(*(_has(meaning, customer_id) for meaning in meanings)) for meanings in self.alternatives))

    async def finds_somebody(self, session: AsyncSession) -> bool:
        """Tell whether the search finds anybody."""
        for meanings in self.alternatives:
            found = _found_by(meanings, is_distinct=False).limit(1)
            if (await session.execute(found)).one_or_none() is not None:
                return True
        return False


async def understand(
    session: AsyncSession, *, words: Sequence[str], phones: Iterable[str], is_tolerant: bool, is_exact: bool = False
) -> Search:
    """Return what is searched for: every word, or one of the telephone numbers. `is_exact`: whole terms only."""
    similar = await _existing_names(session, words) if is_tolerant else set()
    alternatives = [
        [
            _Meaning(terms=[word]) if is_exact else _Meaning(prefix=word, names=sorted(with_one_error(word) & similar))
            for word in dict.fromkeys(words)
        ]
    ]
    if known := sorted(phones):
        alternatives.append([_Meaning(terms=known)])
    possible = [sorted_ for meanings in alternatives if (sorted_ := await _rarest_first(session, meanings))]
    return Search([meanings for meanings, _ in possible], max((count for _, count in possible), default=0))


async def replace_terms(session: AsyncSession, subject_ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the search terms that come from the subjects."""
    await replace_rows(session, CustomerTerm.subject_id, subject_ids, rows)


async def _existing_names(session: AsyncSession, words: Iterable[str]) -> set[str]:
    """Return the names that somebody has among those of which the words may be misspellings: a few of thousands."""
    found: set[str] = set()
    for chunk in chunks(similar for word in words for similar in sorted(with_one_error(word))):
        named = values(column("name", Text), name="similar").data([(name,) for name in chunk]).cte()
        is_a_name = exists().where(CustomerTerm.term == named.c.name, CustomerTerm.kind == TermKind.NAME)
        found.update(await session.scalars(select(named.c.name).where(is_a_name)))
    return found


async def _rarest_first(session: AsyncSession, meanings: Sequence[_Meaning]) -> tuple[list[_Meaning], int] | None:
    """Return the meanings, the rarest first, and how many terms that one has; None where one of them has none.

    The counting ends as soon as the rarest is known to be rare, and where it is known to be frequent.
    """
    for most in (_RARE, _COUNTED_MAX):
        counts = [
            select(func.count())
            .select_from(_terms(meaning, literal_column("1").label("one")).limit(most).subquery())
            .scalar_subquery()
            for meaning in meanings
        ]
        row = (await session.execute(select(*counts))).one()
        if min(row) < most:
            break
    places = sorted(range(len(meanings)), key=lambda place: row[place])
    return ([meanings[place] for place in places], min(row)) if min(row) else None


def _terms(meaning: _Meaning, *columns: Any) -> Any:  # noqa: ANN401  a selection, or several together
    """Select from the terms that are meant, from a stretch of the index each."""
    selected = [select(*columns).where(branch) for branch in meaning.branches(CustomerTerm)]
    return union_all(*selected) if len(selected) > 1 else selected[0]


def _found_by(meanings: Sequence[_Meaning], *, is_distinct: bool) -> Select[Any]:
    """Select the canonical customers who fit every meaning: out of those who fit the first, those who fit the rest."""
    named = _terms(meanings[0], _canonical(CustomerTerm.customer_id).label("id")).subquery()
    candidates = (select(named.c.id).distinct() if is_distinct else select(named.c.id)).subquery()
    return select(candidates.c.id).where(*(_has(meaning, candidates.c.id) for meaning in meanings[1:]))


def _canonical(customer_id: InstrumentedAttribute[UUID]) -> ColumnElement[UUID]:
    """Say who has a record now: looked up for the few absorbed ones only, in an index that has no others.

    As a range, not as an equality, because SQLite would then prefer the index of all customers.
    """
    absorbed = aliased(Customer, name="absorbed")
    canonical = (
        select(CustomerRecord.canonical_id)
        .join(absorbed, absorbed.id == CustomerRecord.id)
        .where(absorbed.id.between(customer_id, customer_id), literal_column("absorbed.is_absorbed"))
        .correlate_except(CustomerRecord, absorbed)
        .scalar_subquery()
    )
    return func.coalesce(canonical, customer_id, type_=customer_id.type)


def _has(meaning: _Meaning, customer_id: Any) -> ColumnElement[bool]:  # noqa: ANN401  a column, mapped or not
    """Say that a term of the canonical customer, or of whom it absorbed, is meant.

    One value within another, not EXISTS or a join: no database can then begin with all terms that are meant.
    """
    record, term = aliased(CustomerRecord), aliased(CustomerTerm)
    has_terms = [_there_is(term, term.customer_id == record.id, branch) for branch in meaning.branches(term)]
    return or_(*(_there_is(record, record.canonical_id == customer_id, has_term) for has_term in has_terms))


def _there_is(source: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:  # noqa: ANN401  an alias
    sought: Select[Any] = select(literal_column("1")).select_from(source).where(*conditions).limit(1)
    return sought.correlate_except(source).scalar_subquery().is_not(None)
