"""What is announced of a file."""

import strawberry

from domain.files.rules import BYTES_MAX, FileDetails
from schema.base.descriptions import given, optional, shown


@strawberry.input(description="A file that is to be attached.")
class AttachmentCreateInput:
    """See the description."""

    filename: str = shown("What it is called, at most 200 characters; of a path its last part. REQUIRED, TOO_LONG.")
    content_type: str = shown("Its media type, such as `image/jpeg`. REQUIRED, INVALID.")
    byte_size: int = shown(f"How many bytes it has, at most {BYTES_MAX:,}. INVALID, TOO_LONG.")
    sha256: str | None = optional("Its SHA-256 in hexadecimal digits: what arrives otherwise is refused. INVALID.")

    def details(self) -> FileDetails:
        """Return the input as the domain takes it."""
        return FileDetails(
            filename=self.filename,
            content_type=self.content_type,
            byte_size=self.byte_size,
            sha256=given(self.sha256),
        )
