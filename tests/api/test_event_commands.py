"""`sportello events renew`: after a restore nobody follows where they were."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.lock import hold


def test_a_restored_database_begins_another_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time it is said; not beside a server that writes to the file."""
    path = tmp_path / "restored.sqlite3"
    monkeypatch.setenv("SPORTELLO_DATABASE_URL", f"sqlite:///{path}")
    for _ in range(2):
        result = CliRunner().invoke(app, ["events", "renew"])
        assert (result.exit_code, "read everything anew" in " ".join(result.stderr.split())) == (0, True)
    with hold(path):
        refused = CliRunner().invoke(app, ["events", "renew"])
    assert refused.exit_code == 2
    assert "writes to" in refused.stderr
