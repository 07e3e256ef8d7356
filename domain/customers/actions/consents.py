"""Recording what customers may be contacted for."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.work import Work
from domain.customers.actions.access import require_customer
from domain.customers.actions.timeline import Happening, place_in_timeline
from domain.customers.events import ConsentChanged
from domain.customers.model import Consent
from domain.customers.repository.consents import list_consents_by_id
from domain.customers.repository.families import get_family_for_update
from domain.customers.rules.consents import ConsentDetails, check_consent


async def record_consent(work: Work, *, customer_id: UUID, details: ConsentDetails) -> UUID:
    """Add a decision of the customer to the ledger: it stays with the id that it came in through, absorbed or not.

    Raises `Refusals` for one of the future, `CustomerNotFound`. Records `ConsentChanged`. Locks the family.
    """
    await require_customer(work, customer_id=customer_id)
    checked = check_consent(details, now=work.now)
    await get_family_for_update(work.session, customer_id)
    consent = Consent(
        customer_id=customer_id,
        purpose=checked.purpose,
        channel=checked.channel,
        decision=checked.decision,
        text_version=checked.text_version,
        source=checked.source,
        proof=checked.proof,
        decided_at=checked.decided_at or work.now,
        recorded_at=work.now,
    )
    work.session.add(consent)
    work.record(ConsentChanged(customer_id=customer_id, consent_id=consent.id))
    return consent.id


async def note_consents(work: Work, events: Sequence[ConsentChanged]) -> None:
    """Let the decisions stand in the customers' timelines."""
    await work.session.flush()
    rows = await list_consents_by_id(work.session, [event.consent_id for event in events])
    happened = [Happening(id=row.id, customer_id=row.customer_id, occurred_at=row.decided_at) for row in rows.values()]
    await place_in_timeline(work, kind="CONSENT", happenings=happened)
