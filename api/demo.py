"""What the demo has beside the product: a database of its own and a key that is shown."""

from pathlib import Path

import orjson

from api.health import is_ready
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.base.work import Works
from domain.identity.actions import create_api_key, recognise

_KEY_NAME = "Demo"


def settings_for(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the demo's own database, unless one was chosen."""
    if "database_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"database_url": f"sqlite:///{folder / 'demo.sqlite3'}"})


def _details_file(folder: Path) -> Path:
    return folder / "demo.json"


async def ready_key(works: Works, folder: Path) -> str:
    """Return a key that opens every door: the one of the last run where it still does, else a new one."""
    try:
        secret = orjson.loads(_details_file(folder).read_bytes())["apiKey"]
    except (OSError, ValueError, KeyError, TypeError):
        secret = ""
    async with works.database.reading() as session:
        if isinstance(secret, str) and await recognise(session, secret=secret, now=works.clock.now()) is not None:
            return secret
    _, made = await works.perform(
        lambda work: create_api_key(work, name=_KEY_NAME, permissions=sorted(EVERY_PERMISSION)),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    return made


def write_details(folder: Path, *, url: str, api_key: str) -> dict[str, str]:
    """Write address and key to `demo.json`, for scripts; only this user may read it."""
    details = {"url": url, "apiKey": api_key}
    path = _details_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # also where it was there before
    path.write_bytes(orjson.dumps(details, option=orjson.OPT_INDENT_2) + b"\n")
    return details


def welcome(details: dict[str, str], *, database_url: str) -> str:
    """Return what a newcomer needs, ready to be copied."""
    query = (
        "{ customers(first: 3, orderBy: {field: LIFETIME_VALUE, direction: DESC}) "
        "{ nodes { displayName value { netSpent { amount currencyCode } orderCount } } } }"
    )
    return (
        f"\nSportello is at {details['url']} (the explorer, where it is built).\n"
        f"The API is at {details['url']}/graphql.\n"
        f"API key: {details['apiKey']}\n"
        f"For the command line: export SPORTELLO_DATABASE_URL={database_url}\n\n"
        f"curl -s {details['url']}/graphql -H 'Authorization: Bearer {details['apiKey']}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{orjson.dumps({'query': query}).decode()}'\n"
    )


async def readiness(works: Works) -> str:
    """Return why requests cannot be served, nothing where they can."""
    _, reason = await is_ready(works)
    return reason
