"""Keys of rows: UUID version 7 (RFC 9562), so that they rise with time and index well."""

from uuid import UUID

import uuid_utils
import uuid_utils.compat


def new_id() -> UUID:
    """Return a key greater than every key that this process made before."""
    return uuid_utils.compat.uuid7()


def new_hex_id() -> str:
    """Return such a key in hexadecimal, for what is only ever shown."""
    return uuid_utils.uuid7().hex
