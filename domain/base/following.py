"""One stream's way through the event log: where it begins, how far it has come, and whether it waits for more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.base.audience import Topics
from domain.base.feed import Feed, Listener, Place, ResyncNeeded, ResyncReason, Wants, check_cursor


class Following:
    """What follows the log for one stream; whoever runs the stream may say where it begins and where it ends."""

    def __init__(
        self,
        feed: Feed,
        *,
        place: Place | None = None,
        resync: ResyncReason | None = None,
    ) -> None:
        """Take where to begin, None: where the client says. `resync`: why there is nothing to follow any more."""
        self.is_over = False
        """Whether the client was told to read everything anew."""
        self._is_ending = False
        self._feed = feed
        self._begin = place
        self._resync = resync
        self._listener: Listener | None = None

    @property
    def place(self) -> Place | None:
        """Return where it is: behind what was taken last. None: it begins with what is to come."""
        return self._begin if self._listener is None else self._listener.taken

    def begin(self, cursor: str | None) -> None:
        """Begin behind what the client sent, unless it was said already. Raises `Invalid` for what is no cursor."""
        place = None if cursor is None else check_cursor(cursor)
        if self._begin is None:
            self._begin = place

    @property
    def is_resync(self) -> bool:
        """Tell whether there is nothing to follow any more."""
        return self._resync is not None

    def end_where_read(self, begin: Place) -> None:
        """Begin here, and end where everything is read that was missed, instead of waiting for more."""
        self._begin = begin
        self._is_ending = True

    @asynccontextmanager
    async def listen(self, wants: Wants, *, topics: Topics | None = None) -> AsyncIterator[Listener]:
        """Yield a listener, as `Feed.listen` does. Raises `ResyncNeeded`."""
        if self._resync is not None:
            raise ResyncNeeded(self._resync)
        after = None if self._begin is None else self._begin.cursor
        async with self._feed.listen(wants, after=after, topics=topics, is_ending=self._is_ending) as listener:
            self._listener = listener
            yield listener
