"""How much is to fail, and by which chance."""

import os
import random
from pathlib import Path

import pytest

KILLS = int(os.environ.get("FAULT_KILLS", "6"))
"""How often something is killed; `make faults kills=200` for the long run."""

SEED = int(os.environ.get("FAULT_SEED", "6"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Return what decides when something fails."""
    return random.Random(f"{SEED} {request.node.name}")  # noqa: S311


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where processes run, and print."""
    return tmp_path
