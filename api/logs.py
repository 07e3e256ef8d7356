"""Structured logs: one line an event, for people or for machines."""

import logging
import re
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from api.settings import Settings

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_VALUES = re.compile(r"(?m)^(.*\bDETAIL:).*$")
"""Where PostgreSQL tells the values of a row: an address of somebody, say."""


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write line ends and other control characters out, so that what somebody sent forges no line."""
    return {name: _written_out(value) if isinstance(value, str) else value for name, value in event.items()}


def _written_out(text: str) -> str:
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _told(exc_info: ExcInfo) -> str:
    """Return a traceback without the values that a database puts into it."""
    return _VALUES.sub(r"\1 left out", "".join(traceback.format_exception(*exc_info)))


def _write_indented(stream: TextIO, error: ExcInfo) -> None:
    """Write a traceback for people, each line marked as part of it: what somebody sent forges no line."""
    stream.writelines(f"\n  | {_written_out(line)}" for line in _told(error).rstrip("\n").split("\n"))


def configure(settings: Settings) -> None:
    """Send structured messages, and those of the libraries, to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        # What is not wanted is dropped before anything is made of it.
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_write_indented)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_told) if settings.log_format == "json" else _on_one_line,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
