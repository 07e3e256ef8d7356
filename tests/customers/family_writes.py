"""What becomes of a write in the plain model: the same words as the product, told again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from domain.base.changes import UNCHANGED
from domain.customers.rules.consents import ConsentDetails
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.orders.rules import CreditNoteDetails, OrderDetails
from tests.customers.family_model import (
    Known,
    ModelConsent,
    ModelIdentity,
    ModelMerge,
    ModelNote,
    ModelOrder,
)
from tests.customers.family_words import NAMES, PROFILE, ModelRecord, profile_of, tags_of, values_of

Refused: TypeAlias = str | None
Sign: TypeAlias = tuple[UUID, str, str, str]
"""A record, and the kind, namespace and value of one of its identities."""

UPDATED = ("locale", "time_zone", "birth_date", "country", *NAMES)
COLUMNS = {"EMAIL": "email", "PHONE": "phone"}


@dataclass
class Fresh:
    """The ids that the product gave to what one write made."""

    answer: UUID
    records: Sequence[UUID] = ()
    identities: Mapping[Sign, UUID] = field(default_factory=dict)


class Model(Known):
    """Takes writes after the product took them; each says why it should have been refused, None where not."""

    now: datetime

    def create(self, details: CustomerDetails, fresh: Fresh | None) -> Refused:
        """Add a customer."""
        accounts = [each for each in self.identities if each.is_same("EXTERNAL_ACCOUNT", "", details.external_id or "")]
        if any(each.is_verified for each in accounts):
            return "ExternalIdTaken"
        emails = [each for each in self.identities if each.is_same("EMAIL", "", details.email or "")]
        if any((each.is_verified or each.source == "PROFILE") and not each.is_shared for each in emails):
            return "EmailTaken"
        if fresh is None:
            return None
        record = self._add(fresh, {name: getattr(details, name) for name in PROFILE})
        record.tags = dict.fromkeys(details.tags, True)
        signs = {"EXTERNAL_ACCOUNT": details.external_id, "EMAIL": details.email, "PHONE": details.phone}
        for kind, value in signs.items():
            if value is not None and not (kind == "EMAIL" and self._is_shared(kind, value)):
                self._note(fresh, record, kind, value, is_verified=kind == "EXTERNAL_ACCOUNT")
        record.attributes = {
            each.key: getattr(each, each.key) for each in details.attributes if getattr(each, each.key) is not None
        }
        return None

    def update(self, key: UUID, changes: CustomerChanges, expected_version: int | None) -> Refused:
        """Change what the canonical customer says."""
        family = self.family(self.canonical(key))
        own, others = family[0], family[1:]
        if expected_version not in (None, sum(record.version for record in family)):
            return "VersionConflict"
        is_changed = self._say_profile(own, family, changes)
        if changes.tags is not UNCHANGED and set(changes.tags or ()) != set(tags_of(family)):
            new = set(changes.tags or ())
            had, gone = ({t for r in others for t, there in r.tags.items() if there is said} for said in (True, False))
            kept = {tag for tag in new if own.tags.get(tag) or tag in gone or tag not in had}
            own.tags = dict.fromkeys(had - new, False) | dict.fromkeys(kept, True)
            is_changed = True
        for each in () if changes.attributes is UNCHANGED else changes.attributes or ():
            value = getattr(each, each.key)
            if value == values_of(family).get(each.key):
                continue
            own.attributes[each.key] = value
            if value is None and not any(each.key in record.attributes for record in others):
                del own.attributes[each.key]
            is_changed = True
        if is_changed:
            self._touch(own)
        return None

    def _say_profile(self, own: ModelRecord, family: Sequence[ModelRecord], changes: CustomerChanges) -> bool:
        shown = profile_of(family)
        given = {name: getattr(changes, name) for name in UPDATED if getattr(changes, name) is not UNCHANGED}
        different = {name for name, value in given.items() if value != shown[name]}
        if different & set(NAMES):
            different |= set(NAMES)  # what is left out stays, also where it was somebody else's word
        for name in different:
            value = given.get(name, shown[name])
            own.profile[name] = value
            if value is not None:
                own.emptied.discard(name)
            elif any(record.profile[name] is not None for record in family[1:]):
                own.emptied.add(name)
        return bool(different)

    def order(self, sent: OrderDetails, fresh: Fresh) -> Refused:
        """Take over an order."""
        known = self.orders.get(sent.external_id)
        buyer = sent.buyer
        if buyer is None or (buyer.is_anonymous and buyer.given_name is None and buyer.family_name is None):
            record = None
        elif (
            known is not None
            and buyer.external_id is None
            and not buyer.is_email_verified
            and buyer.email is not None
            and buyer.email == known.contact
        ):
            record = known.record
        else:
            record = self._recognise(buyer, None if known is None else known.record, fresh)
        self.orders[sent.external_id] = ModelOrder(
            key=fresh.answer,
            name=sent.external_id,
            record=record,
            contact=None if buyer is None else buyer.email,
            placed_at=sent.placed_at,
            currency=sent.currency_code,
            total=sent.lines[0].unit_price,
            is_cancelled=sent.cancelled_at is not None,
        )
        for note in self.notes.values():
            if note.order == sent.external_id:
                note.record = record
        return None

    def note(self, sent: CreditNoteDetails, fresh: Fresh | None) -> Refused:
        """Take over a credit note."""
        if sent.order_external_id is not None and sent.order_external_id not in self.orders:
            return "OrderNotFound"
        if fresh is None:
            return None
        known = self.notes.get(sent.external_id)
        record = None
        if sent.order_external_id is not None:
            record = self.orders[sent.order_external_id].record
        elif sent.buyer is not None:
            record = self._recognise(sent.buyer, None if known is None else known.record, fresh)
        self.notes[sent.external_id] = ModelNote(
            key=fresh.answer,
            name=sent.external_id,
            record=record,
            order=sent.order_external_id,
            issued_at=sent.issued_at,
            currency=sent.currency_code,
            total=sent.lines[0].unit_price,
        )
        return None

    def _recognise(self, buyer: Buyer, current: UUID | None, fresh: Fresh) -> UUID | None:
        account = None if self._is_shared("EXTERNAL_ACCOUNT", buyer.external_id) else buyer.external_id
        is_ours = not self._is_shared("EMAIL", buyer.email)
        email, is_vouched = (buyer.email, buyer.is_email_verified) if is_ours else (None, False)
        same = [each for each in self.identities if email is not None and each.is_same("EMAIL", "", email)]
        found = self._found(account, email, same, is_vouched=is_vouched)
        if found is None and account is None and email is None:
            found = current
            if found is None and buyer.given_name is None and buyer.family_name is None:
                return None
        names = {"external_id": account} | {name: getattr(buyer, name) for name in (*NAMES, "country")}
        is_new = found is None
        if found is None:
            found = self._add(fresh, dict.fromkeys(PROFILE) | names | {"email": email}).key
        record = self.records[found]
        is_changed = not is_new and self._fill_gaps(record, names | {"email": email if is_vouched else None})
        if self._note_buyer(fresh, record, account, email, is_vouched=is_vouched) or is_changed:
            is_changed = not is_new
        if is_changed:
            self._touch(record)
        return record.key

    def _is_shared(self, kind: str, value: str | None) -> bool:
        return any(each.is_same(kind, "", value or "") and each.is_shared for each in self.identities)

    def _found(
        self, account: str | None, email: str | None, same: Sequence[ModelIdentity], *, is_vouched: bool
    ) -> UUID | None:
        if account is not None and (holder := self._holder(account)) is not None:
            return holder
        if email is None:
            return None
        verified = [each.record for each in same if each.is_verified]
        claimed = {each.source: each.record for each in same if not each.is_verified}
        if is_vouched:
            return verified[0] if verified else claimed.get("PROFILE")
        return claimed.get("ORDER") if account is None else None

    def _holder(self, account: str) -> UUID | None:
        """Return whose the shop's account is."""
        same = [each for each in self.identities if each.is_same("EXTERNAL_ACCOUNT", "", account)]
        return next((each.record for each in same if each.is_verified), None)

    def _fill_gaps(self, record: ModelRecord, said: Mapping[str, Any]) -> bool:
        gaps = {name for name in ("external_id", "email", "country") if record.profile[name] is None}
        given, family = (record.profile[name] for name in NAMES)
        if given is None and family in (None, said["family_name"]):
            gaps.add("given_name")
        if family is None and given in (None, said["given_name"]):
            gaps.add("family_name")
        filled = {name: said[name] for name in gaps if said[name] is not None}
        record.profile |= filled
        return bool(filled)

    def _note_buyer(
        self, fresh: Fresh, record: ModelRecord, account: str | None, email: str | None, *, is_vouched: bool
    ) -> bool:
        """Keep by what the buyer came; tell whether anything of it is new."""
        is_new = account is not None and self._holder(account) is None
        if account is not None and is_new:
            self._note(fresh, record, "EXTERNAL_ACCOUNT", account, is_verified=True)
        if email is None:
            return is_new
        same = [each for each in self.identities if each.is_same("EMAIL", "", email)]
        if is_vouched and not any(each.is_verified for each in same):
            own = [each for each in same if each.record == record.key]
            for each in own:
                each.is_verified, each.last_seen_at = True, self.now
            if not own:
                self._note(fresh, record, "EMAIL", email, is_verified=True, source="ORDER")
            return True
        if not is_vouched and account is None:
            if any(each.source == "ORDER" and not each.is_verified for each in same):
                return is_new
            self._note(fresh, record, "EMAIL", email, is_verified=False, source="ORDER")
            return True
        return is_new

    def add_identity(
        self, key: UUID, kind: str, namespace: str, value: str, fresh: Fresh | None, *, is_shared: bool
    ) -> Refused:
        """Note by what else a customer may be recognised."""
        family = {record.key for record in self.family(self.canonical(key))}
        same = [each for each in self.identities if each.is_same(kind, namespace, value)]
        if any(each.record in family for each in same):
            return None
        if not is_shared and any(each.is_verified and not each.is_shared for each in same):
            return "IdentityTaken"
        if fresh is None:
            return None
        record = self.records[key]
        identity = self._note(fresh, record, kind, value, is_verified=False, source="ADDED", namespace=namespace)
        identity.is_shared = is_shared
        column = COLUMNS.get(kind)
        if column is not None and profile_of(self.family(self.canonical(key)))[column] is None:
            record.profile[column] = value
        self._touch(record)
        return None

    def verify(self, identity: ModelIdentity) -> Refused:
        """Vouch for an identity."""
        if identity.is_verified:
            return None
        same = [each for each in self.identities if each.is_same(identity.kind, identity.namespace, identity.value)]
        holders = {self.canonical(each.record) for each in same if each.is_verified and not each.is_shared}
        if holders and not identity.is_shared:
            return None if self.canonical(identity.record) in holders else "IdentityTaken"
        identity.is_verified, identity.last_seen_at = True, self.now
        self._show(self.records[identity.record], identity)
        self._touch(self.records[identity.record])
        return None

    def share(self, identity: ModelIdentity, *, is_shared: bool) -> Refused:
        """Say whether several use an identity."""
        if identity.is_shared == is_shared:
            return None
        same = [each for each in self.identities if each.is_same(identity.kind, identity.namespace, identity.value)]
        owned = [each for each in same if each is not identity and each.is_verified and not each.is_shared]
        if identity.is_verified and not is_shared and owned:
            return "IdentityTaken"
        identity.is_shared = is_shared
        self._touch(self.records[identity.record])
        return None

    def remove(self, identity: ModelIdentity) -> Refused:
        """Take an identity away, also from the profile that shows it."""
        record = self.records[identity.record]
        column = "external_id" if (identity.kind, identity.namespace) == ("EXTERNAL_ACCOUNT", "") else None
        column = COLUMNS.get(identity.kind, column)
        if column is not None and record.profile[column] == identity.value:
            record.profile[column] = None
        self.identities.remove(identity)
        self._touch(record)
        return None

    def consent(self, key: UUID, details: ConsentDetails, fresh: Fresh) -> Refused:
        """Record a decision."""
        self.consents.append(
            ModelConsent(
                key=fresh.answer,
                record=key,
                purpose=details.purpose,
                channel=details.channel,
                decision=details.decision,
                decided_at=details.decided_at or self.now,
            )
        )
        return None

    def merge(self, survivor: UUID, absorbed: UUID, reason: str | None, fresh: Fresh | None) -> Refused:
        """Draw an edge between two roots; the same one again is the same."""
        if any((each.survivor, each.absorbed) == (survivor, absorbed) for each in self.applied):
            return None
        if survivor == absorbed or (self.canonical(survivor), self.canonical(absorbed)) != (survivor, absorbed):
            return "Refusals"
        if fresh is not None:
            self.merges[fresh.answer] = ModelMerge(
                key=fresh.answer, survivor=survivor, absorbed=absorbed, merged_at=self.now, reason=reason
            )
        return None

    def unmerge(self, key: UUID) -> Refused:
        """Take an edge away."""
        if self.merges[key].state != "APPLIED":
            return "MergeNotApplied"
        self.merges[key].state = "UNDONE"
        return None

    def _add(self, fresh: Fresh, profile: dict[str, Any]) -> ModelRecord:
        (key,) = fresh.records
        self.records[key] = ModelRecord(key=key, created_at=self.now, updated_at=self.now, profile=profile)
        return self.records[key]

    def _note(
        self,
        fresh: Fresh,
        record: ModelRecord,
        kind: str,
        value: str,
        *,
        is_verified: bool,
        source: str = "PROFILE",
        namespace: str = "",
    ) -> ModelIdentity:
        identity = ModelIdentity(
            key=fresh.identities[record.key, kind, namespace, value],
            record=record.key,
            kind=kind,
            namespace=namespace,
            value=value,
            source=source,
            first_seen_at=self.now,
            last_seen_at=self.now,
            is_verified=is_verified,
        )
        self.identities.append(identity)
        return identity

    def _show(self, record: ModelRecord, identity: ModelIdentity) -> None:
        column = COLUMNS.get(identity.kind)
        if column is not None and record.profile[column] is None:
            record.profile[column] = identity.value

    def _touch(self, record: ModelRecord) -> None:
        record.version += 1
        record.updated_at = self.now
