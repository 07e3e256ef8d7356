"""GraphQL over HTTP, as the specification's own audits see it."""

import json
import subprocess

import pytest

from tests.documents import ROOT

FOLDER = ROOT / "clients"
AUDITS = 61


@pytest.mark.clients
def test_every_audit_passes(server_url: str) -> None:
    """All audits of npm's graphql-http are ok: those of MUST, SHOULD and MAY."""
    done = subprocess.run(  # noqa: S603
        ["node", "audit.mjs", f"{server_url}/graphql"],  # noqa: S607
        cwd=FOLDER,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == AUDITS
