"""Who listens, found by what they listen for: an event costs those whom it concerns, and nobody else."""

from collections.abc import Collection, Hashable
from dataclasses import fields
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from domain.base.events import Event

Topics: TypeAlias = Collection[Any]
"""Kinds of events, and ids that events name: what is about none of them is not even looked at."""


class Listening(Protocol):
    """One who listens."""

    topics: Topics | None
    """None: every event is looked at."""


_Member = TypeVar("_Member", bound=Listening)


class Audience(Generic[_Member]):
    """Those who listen."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._members: set[_Member] = set()
        self._of_all: set[_Member] = set()
        self._by_topic: dict[Hashable, set[_Member]] = {}

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._members)

    def __contains__(self, member: _Member) -> bool:
        """Tell whether somebody is one of them."""
        return member in self._members

    def everybody(self) -> list[_Member]:
        """Return all of them."""
        return list(self._members)

    def add(self, member: _Member) -> None:
        """Let somebody be one of them."""
        self._members.add(member)
        if member.topics is None:
            self._of_all.add(member)
        for topic in member.topics or ():
            self._by_topic.setdefault(topic, set()).add(member)

    def discard(self, member: _Member) -> None:
        """Let somebody be none of them any more."""
        self._members.discard(member)
        self._of_all.discard(member)
        for topic in member.topics or ():
            found = self._by_topic.get(topic, set())
            found.discard(member)
            if not found:
                self._by_topic.pop(topic, None)

    def of(self, event: Event) -> set[_Member]:
        """Return those who look at an event."""
        found = set(self._of_all)
        for topic in (type(event), *(getattr(event, field.name) for field in fields(event))):
            found |= self._by_topic.get(topic, set())
        return found
