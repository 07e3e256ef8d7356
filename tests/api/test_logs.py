"""Logs: one line an event, whatever somebody sent."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog

from api import logs
from api.settings import Settings

FORGED = "a\r\n2026-11-22T12:00:00Z [info] an administrator signed in\x1b[31m\u2028\x85\0"


def configure(**settings: Any) -> None:  # noqa: ANN401
    """Configure logging with these settings."""
    logs.configure(Settings(_env_file=None, **settings))


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_input_does_not_forge_lines(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    """Line ends and escapes of a value stay inside it: an event is one line, in either form."""
    configure(log_format=log_format)
    log = structlog.get_logger("test")
    log.info("request", agent=FORGED, method=FORGED)
    log.info(FORGED)
    logging.getLogger("library").warning("said %s", FORGED)
    written = capsys.readouterr().err
    assert written.count("\n") == 3
    assert len(written.splitlines()) == 3
    assert not {"\r", "\x1b", "\0"} & set(written)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_neither_forges_lines_nor_tells_values(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    """Of what a database says of a row that it refuses, the values are left out; each line is marked as part of it."""
    configure(log_format=log_format)
    error = ValueError(f"duplicate key\nDETAIL:  Key (email)=(ada@example.org) already exists.\n{FORGED}")
    structlog.get_logger("test").error("request failed", exc_info=error)
    written = capsys.readouterr().err
    assert "duplicate key" in written
    assert "ada@example.org" not in written
    first, *others = written.splitlines()
    assert "request failed" in first
    assert all(line.startswith("  | ") for line in others)
    assert bool(others) == (log_format == "text")
    assert not {"\r", "\x1b", "\0"} & set(written)


def test_json_lines_are_objects(capsys: pytest.CaptureFixture[str]) -> None:
    """A machine reads each line by itself: instant, level, event, request id, values; also those of libraries."""
    configure(log_format="json")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("test").info("request", status=200)
        logging.getLogger("library").error("trouble")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert {key: first[key] for key in ("event", "level", "status", "request_id")} == {
        "event": "request",
        "level": "info",
        "status": 200,
        "request_id": "r1",
    }
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"], second["request_id"]) == ("trouble", "error", "r1")


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON the traceback is a value of the one line; as text it follows it for people."""
    try:
        raise RuntimeError(FORGED)  # noqa: TRY301
    except RuntimeError as error:
        configure(log_format="json")
        structlog.get_logger("test").error("failed", exc_info=error)
        (line,) = capsys.readouterr().err.splitlines()
        assert "RuntimeError" in json.loads(line)["exception"]
        configure(log_format="text")
        structlog.get_logger("test").error("failed", exc_info=error)
        assert "RuntimeError" in capsys.readouterr().err


@pytest.mark.parametrize(("level", "wanted"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_a_setting(capsys: pytest.CaptureFixture[str], level: str, wanted: int) -> None:
    """Less severe messages than the setting are not written."""
    configure(log_level=level)
    log = structlog.get_logger("test")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("event")
    assert len(capsys.readouterr().err.splitlines()) == wanted


def test_standard_output_stays_free() -> None:
    """Logs go to standard error: what a command prints can be piped."""
    code = (
        "from api import logs; from api.settings import Settings; import structlog;"
        "logs.configure(Settings(_env_file=None)); structlog.get_logger('test').info('said')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == ""
    assert "said" in done.stderr
