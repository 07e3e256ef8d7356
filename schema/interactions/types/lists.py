"""By what lists of conversations are ordered."""

from domain.interactions.repository.lists import SortField as SortField  # inputs take it from here, described
from schema.base.descriptions import described_enum

described_enum(
    SortField,
    name="ConversationSortField",
    description="By what conversations are ordered.",
    values={
        SortField.UPDATED_AT: "When something last happened in them.",
        SortField.CREATED_AT: "When they began.",
        SortField.PRIORITY: "How urgent they are; for staff.",
    },
)
