"""The settings: each can be set, and a bad value is refused with a sentence."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.settings import Settings
from domain.base.work import Organisation

KEY = base64.b64encode(bytes(range(32))).decode()

CASES: dict[str, tuple[str, Any]] = {
    "database_url": ("postgresql://me:secret@db:5433/shop", "postgresql://me:secret@db:5433/shop"),
    "public_url": ("https://api.shop.example/", "https://api.shop.example"),
    "pool_size": ("5", 5),
    "hints_url": ("valkey://hush-hush@broker:6379", "valkey://hush-hush@broker:6379"),
    "events_kept_days": ("30", 30),
    "host": ("0.0.0.0", "0.0.0.0"),  # noqa: S104  nothing listens
    "port": ("8123", 8123),
    "workers": ("4", 4),
    "currency": (" gbp ", "GBP"),
    "default_store": (" UK-Online ", "uk-online"),
    "merge_automatically": ("yes", True),
    "relay_domains": ("mail.market.example, Forward.Example,", ["mail.market.example", "Forward.Example"]),
    "cors_origins": ("https://a.example, https://b.example,", ["https://a.example", "https://b.example"]),
    "trusted_proxies": ("10.0.0.0/8, ::1,", ["10.0.0.0/8", "::1/128"]),
    "token_key": (KEY, KEY),
    "token_issuer": ("shop", "shop"),
    "shopper_session_days": ("7", 7),
    "staff_session_hours": ("8", 8),
    "identity_issuer": ("https://id.example", "https://id.example"),
    "identity_audience": ("crm", "crm"),
    "identity_keys_url": ("https://id.example/jwks.json", "https://id.example/jwks.json"),
    "identity_algorithms": ("ES256, RS256", ["ES256", "RS256"]),
    "identity_claim": ("shop_id", "shop_id"),
    "smtp_host": ("mail.example", "mail.example"),
    "smtp_port": ("465", 465),
    "smtp_tls": ("tls", "tls"),
    "smtp_user": ("me", "me"),
    "smtp_password": ("secret", "secret"),
    "mail_from": ("Shop <a@shop.example>", "Shop <a@shop.example>"),
    "mail_folder": ("var/mails", "var/mails"),
    "background": ("off", False),
    "background_concurrency": ("8", 8),
    "explorer": ("false", False),
    "introspection": ("0", False),
    "body_bytes_max": ("2048", 2048),
    "compress_bytes_min": ("1000", 1000),
    "streams_per_address": ("7", 7),
    "socket_operations_max": ("3", 3),
    "socket_message_bytes_max": ("2048", 2048),
    "socket_messages_per_second": ("10", 10),
    "documents": ("var/documents", "var/documents"),
    "documents_only": ("true", True),
    "document_characters_max": ("5000", 5000),
    "document_tokens_max": ("500", 500),
    "document_depth_max": ("7", 7),
    "document_aliases_max": ("3", 3),
    "document_directives_max": ("4", 4),
    "root_fields_max": ("2", 2),
    "list_items_max": ("20", 20),
    "cost_max": ("500", 500),
    "cost_budget": ("700", 700),
    "cost_restore_rate": ("50", 50),
    "request_timeout_s": ("0.5", 0.5),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
}

BAD = {
    "database_url": ["", "nonsense", "mysql://a/b", "sqlite://", "sqlite:///:memory:", "postgresql://host", "://"],
    "public_url": ["api.shop.example", "ftp://api.shop.example", "x" * 3_000],
    "pool_size": ["0", "201", "many", ""],
    "hints_url": ["", "broker:6379", "http://broker", "valkey://"],
    "events_kept_days": ["0", "3651", "1.5"],
    "port": ["0", "65536", "http"],
    "workers": ["0", "65", "all"],
    "currency": ["", "EURO", "XXX"],
    "default_store": ["", "a b", "-"],
    "merge_automatically": ["sometimes", ""],
    "trusted_proxies": ["10.0.0.0/33", "proxy", "10.0.0.1/8"],
    "token_key": ["", "short", KEY[:-8], KEY + "AAAA", "!" * 44],
    "token_issuer": [""],
    "shopper_session_days": ["0", "401"],
    "staff_session_hours": ["0", "721"],
    "identity_keys_url": ["id.example/jwks.json", "file:///etc/passwd", ""],
    "identity_algorithms": ["", "HS256", "none", "RS256,HS256"],
    "identity_claim": [""],
    "smtp_port": ["0", "65536"],
    "smtp_tls": ["yes", ""],
    "mail_from": [""],
    "background": ["perhaps", ""],
    "background_concurrency": ["0", "101"],
    "explorer": ["perhaps", ""],
    "introspection": ["perhaps"],
    "body_bytes_max": ["1023", "1e9x"],
    "documents_only": ["perhaps"],
    "document_tokens_max": ["99", "all"],
    "document_depth_max": ["0"],
    "root_fields_max": ["0", "-1"],
    "cost_max": ["99"],
    "cost_restore_rate": ["0", "0.5"],
    "request_timeout_s": ["0", "-1", "nan", "soon"],
    "log_level": ["loud", "INFO "],
    "log_format": ["xml"],
}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start in an empty folder with no variable of the product set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SPORTELLO_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_setting_can_be_set_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is the name in capitals after SPORTELLO_; each has a description for the reference."""
    assert set(CASES) == set(Settings.model_fields)
    before = Settings()
    for name, (text, _) in CASES.items():
        monkeypatch.setenv(f"SPORTELLO_{name.upper()}", text)
    settings = Settings()
    assert {name: getattr(settings, name) for name in CASES} == {name: value for name, (_, value) in CASES.items()}
    assert all(getattr(before, name) != value for name, (_, value) in CASES.items())
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())


def test_settings_stand_in_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file .env is read; the environment comes before it; what it holds for others does not matter."""
    (tmp_path / ".env").write_text("SPORTELLO_PORT=8111\nSPORTELLO_HOST=10.0.0.1\nOTHER=1\n")
    monkeypatch.setenv("SPORTELLO_PORT", "8222")
    settings = Settings()
    assert (settings.port, settings.host) == (8222, "10.0.0.1")


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_bad_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """The server does not start with a setting that it does not understand; the error names it."""
    monkeypatch.setenv(f"SPORTELLO_{name.upper()}", text)
    with pytest.raises(ValidationError) as raised:
        Settings()
    (error,) = raised.value.errors()
    assert error["loc"] == (name,)
    assert error["msg"]


@pytest.mark.parametrize(
    ("url", "wanted", "path"),
    [
        ("sqlite:///var/shop.sqlite3", "sqlite+aiosqlite:///var/shop.sqlite3", Path("var/shop.sqlite3")),
        ("sqlite:////srv/shop.sqlite3", "sqlite+aiosqlite:////srv/shop.sqlite3", Path("/srv/shop.sqlite3")),
        ("postgresql://me@db/shop", "postgresql+asyncpg://me@db/shop", None),
        ("postgres://me@db/shop", "postgresql+asyncpg://me@db/shop", None),
        ("postgresql+psycopg://me@db/shop?ssl=require", "postgresql+asyncpg://me@db/shop?ssl=require", None),
    ],
)
def test_the_driver_is_the_products_own(url: str, wanted: str, path: Path | None) -> None:
    """Whatever driver an address names, the product's is used; a file is known as such."""
    settings = Settings(database_url=url)
    assert settings.async_url.render_as_string(hide_password=False) == wanted
    assert settings.sqlite_path == path


def test_the_organisation_is_what_the_settings_say() -> None:
    """Currency, default store and relays reach the domain in its own spelling; nothing is merged unless it is said."""
    here = "http://127.0.0.1:8000"
    assert Settings(currency="eur", default_store="IT").organisation == Organisation("EUR", "it", public_url=here)
    assert Settings().organisation == Organisation(None, None, merges_automatically=False, public_url=here)
    elsewhere = Settings(public_url="https://api.shop.example/", port=9_000)
    assert elsewhere.organisation.public_url == "https://api.shop.example"
    merging = Settings(merge_automatically=True, relay_domains=["Mail.Market.Example"]).organisation
    assert merging.merges_automatically
    assert merging.relay_domains == {"mail.market.example"}


@pytest.mark.parametrize("missing", ["identity_issuer", "identity_audience", "identity_keys_url"])
def test_half_an_identity_provider_is_refused(missing: str) -> None:
    """Without an audience, a token that was meant for another program would do."""
    said = {name: CASES[name][1] for name in ("identity_issuer", "identity_audience", "identity_keys_url")}
    assert Settings(**said).provider is not None
    del said[missing]
    with pytest.raises(ValidationError, match="go together"):
        Settings(**said)
    assert Settings().provider is None


def test_secrets_are_shown_nowhere() -> None:
    """Who prints the settings prints no key and no password."""
    settings = Settings(
        token_key=KEY, smtp_host="mail.example", smtp_password="hush-hush", hints_url="valkey://:hush-hush@broker"
    )
    for shown in (repr(settings), repr(settings.organisation), repr(settings.mail_server)):
        assert KEY not in shown
        assert "hush-hush" not in shown
    assert settings.organisation.token_key == bytes(range(32))


def test_mails_go_where_the_settings_say() -> None:
    """To a server, into a folder, or nowhere."""
    assert (Settings().mail_server, Settings().mail_path) == (None, None)
    assert Settings(mail_folder="var/mails").mail_path == Path("var/mails")
