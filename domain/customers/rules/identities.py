"""By what a customer is recognised, and what counts as evidence."""

from enum import StrEnum


class IdentityKind(StrEnum):
    """By what a customer is recognised."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    SOCIAL_HANDLE = "SOCIAL_HANDLE"
    EXTERNAL_ACCOUNT = "EXTERNAL_ACCOUNT"
    DEVICE = "DEVICE"
    VISITOR = "VISITOR"


class IdentityVerification(StrEnum):
    """How sure it is that the identity is the customer's."""

    UNVERIFIED = "UNVERIFIED"
    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    REVOKED = "REVOKED"


class IdentitySource(StrEnum):
    """Where an identity was first seen: an unverified one counts as much as its source."""

    PROFILE = "PROFILE"
    """Staff or an app wrote it into the customer's profile."""
    ORDER = "ORDER"
    """Somebody typed it into a checkout without signing in: it says who gets the parcel's mails, no more."""
