"""What can be set: environment variables that begin with SPORTELLO_, or a file .env."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url

from api.issuer import ALGORITHMS, Provider
from api.mails import MailServer
from api.setting_values import DRIVERS, check_broker, check_database, checked, decoded
from domain.base.money import check_currency
from domain.base.texts import clean_url
from domain.base.tokens import SECRET_BYTES
from domain.base.work import Organisation
from domain.identity.rules import check_store_code
from schema.base.limits import Limits


class Settings(BaseSettings):
    """The settings, each with its default and what it does; docs/reference/settings.md is made from this."""

    model_config = SettingsConfigDict(env_prefix="SPORTELLO_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        default="sqlite:///var/sportello.sqlite3",
        description="Where the data are: `sqlite:///path` or `postgresql://user:password@host:port/name`.",
    )
    public_url: str | None = Field(
        default=None,
        description=(
            "Where clients reach the server, such as `https://api.shop.example`: for addresses in answers. Left out: "
            "`http://`, host and port."
        ),
    )
    pool_size: int = Field(
        default=16,
        ge=1,
        le=200,
        description="Connections to the database for reading, and as many for writing, of each process.",
    )
    hints_url: str | None = Field(
        default=None,
        description=(
            "A Valkey or Redis server over which the processes of several machines tell one another that something was "
            "written: `valkey://host:6379`, with TLS `valkeys://`. Left out: over PostgreSQL (LISTEN)."
        ),
        repr=False,
    )
    events_kept_days: int = Field(
        default=7,
        ge=1,
        le=3_650,
        description="Days for which events can be followed by cursor; whoever comes back later reads everything anew.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="The port to listen on.")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that `sportello serve` runs on its port; several need PostgreSQL.",
    )
    currency: str | None = Field(
        default=None,
        description="The organisation's currency, ISO 4217, in which sums are shown. Left out: the default store's.",
    )
    default_store: str | None = Field(
        default=None, description="The code of the store that orders without one belong to. Left out: the first one."
    )
    merge_automatically: bool = Field(
        default=False,
        description=(
            "Whether two customers are merged without asking where the same identity is proven for both. Left off, "
            "such a merge is proposed."
        ),
    )
    relay_domains: Annotated[list[str], NoDecode] = Field(
        default=[],
        description=(
            "Mail domains, separated by commas, whose addresses stand for anybody, such as a marketplace's relay: "
            "nobody is recognised by them. Those of the large marketplaces are known."
        ),
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=["*"],
        description=(
            "Origins whose pages may call the API, separated by commas; `*` for all. Safe by default: the API knows "
            "no cookies, only tokens that a page must hold."
        ),
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default=[],
        description=(
            "Addresses or networks of proxies in front of the server, separated by commas, such as `10.0.0.0/8`: what "
            "they say in `X-Forwarded-For` is believed. By that address attempts to sign in are counted."
        ),
    )
    token_key: str | None = Field(
        default=None,
        description=(
            "What access tokens are signed with: 32 random bytes, base64 (`openssl rand -base64 32`). Left out, a key "
            "is made once and kept in the database, and in its backups."
        ),
        repr=False,
    )
    token_issuer: str = Field(
        default="sportello",
        min_length=1,
        description="Who access tokens say they are from: deployments that share a key need different ones.",
    )
    shopper_session_days: int = Field(
        default=30, ge=1, le=400, description="Days for which a shopper stays signed in without coming back."
    )
    staff_session_hours: int = Field(
        default=12, ge=1, le=720, description="Hours after which staff sign in again, however busy they are."
    )
    identity_issuer: str | None = Field(
        default=None,
        description=(
            "The shop's own identity provider, as its tokens name it in `iss`: they are taken for shoppers. Needs the "
            "audience and the address of its keys."
        ),
    )
    identity_audience: str | None = Field(
        default=None, description="What the provider's tokens must have in `aud`: that they are meant for this API."
    )
    identity_keys_url: str | None = Field(
        default=None, description="Where the provider publishes its keys (JWKS), such as `https://…/jwks.json`."
    )
    identity_algorithms: Annotated[list[str], NoDecode] = Field(
        default=["RS256", "ES256", "EdDSA"],
        description="With what the provider may sign, separated by commas; no other algorithm is taken.",
    )
    identity_claim: str = Field(
        default="sub",
        min_length=1,
        description="Which claim of the provider's tokens is the shop's own id of the customer.",
    )
    smtp_host: str | None = Field(
        default=None,
        description=(
            "The SMTP server that mails are handed to. Without it, and without a folder, they wait as jobs for an hour "
            "and are not sent."
        ),
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port: 587 for STARTTLS, 465 for TLS.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to it is secured; `none` only inside the same machine."
    )
    smtp_user: str | None = Field(default=None, description="With what to sign in there. Left out: not at all.")
    smtp_password: str | None = Field(default=None, description="The password for that.", repr=False)
    mail_from: str = Field(
        default="Sportello <noreply@localhost>", min_length=3, description="From whom mails are: `Shop <a@b.example>`."
    )
    mail_folder: str | None = Field(
        default=None,
        description="A folder into which mails are written as files where no server is set, to try it out.",
    )
    background: bool = Field(
        default=True,
        description="Whether the server also runs background jobs; left to `sportello jobs run` otherwise.",
    )
    background_concurrency: int = Field(
        default=4, ge=1, le=100, description="Background jobs that one process runs at once."
    )
    explorer: bool = Field(default=True, description="Whether the explorer is served at `/`.")
    introspection: bool = Field(default=True, description="Whether clients may ask for the schema.")
    body_bytes_max: int = Field(
        default=262_144, ge=1_024, description="Bytes in the body of one request; a longer one is refused with 413."
    )
    compress_bytes_min: int = Field(
        default=4_096, ge=256, description="Bytes of an answer from which on it is compressed for who accepts gzip."
    )
    documents: str | None = Field(
        default=None,
        description=(
            "A folder of trusted documents, which clients name by `documentId`: `.graphql` files, or `.json` files of "
            "ids and texts as client tools write them. Read when the server starts."
        ),
    )
    documents_only: bool = Field(default=False, description="Whether nothing but trusted documents is run.")
    document_characters_max: int = Field(
        default=65_536, ge=1_024, description="Characters of a document, comments counted."
    )
    document_tokens_max: int = Field(default=4_000, ge=100, description="Words and signs of a document.")
    document_depth_max: int = Field(default=15, ge=1, description="Levels of fields in one another.")
    document_aliases_max: int = Field(default=30, ge=0, description="Aliases in a document, its fragments unfolded.")
    document_directives_max: int = Field(
        default=50, ge=0, description="Directives in a document, its fragments unfolded."
    )
    root_fields_max: int = Field(default=10, ge=1, description="Root fields of an operation.")
    list_items_max: int = Field(
        default=250, ge=1, description="Items of a list in variables or in a document, such as the lines of an order."
    )
    cost_max: int = Field(
        default=10_000, ge=100, description="Cost of one operation; a dearer one is refused as QUERY_TOO_COSTLY."
    )
    cost_budget: int = Field(
        default=20_000, ge=100, description="Cost that one caller may use at once after a pause, for each process."
    )
    cost_restore_rate: int = Field(
        default=1_000, ge=1, description="Cost that comes back to a caller each second; over it they wait: THROTTLED."
    )
    streams_per_address: int = Field(
        default=100,
        ge=1,
        description=(
            "WebSockets and streamed answers of one address, of IPv6 one /64 network, for each process. Behind a "
            "proxy, `SPORTELLO_TRUSTED_PROXIES` says whose X-Forwarded-For is believed."
        ),
    )
    socket_operations_max: int = Field(
        default=20, ge=1, description="Operations that run at once on one WebSocket, subscriptions among them."
    )
    socket_message_bytes_max: int = Field(
        default=65_536, ge=1_024, description="Bytes of one message on a WebSocket; a longer one closes it with 1009."
    )
    socket_messages_per_second: int = Field(
        default=100,
        ge=1,
        description="Messages that a client may send on one WebSocket; more close it with 4429.",
    )
    request_timeout_s: float = Field(default=10, gt=0, description="Seconds for one request; then TIMEOUT.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe messages that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="`text` for people, `json` for machines: one object a line."
    )

    @field_validator("cors_origins", "relay_domains", "trusted_proxies", "identity_algorithms", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        return check_database(value)

    @field_validator("hints_url")
    @classmethod
    def _known_broker(cls, value: str | None) -> str | None:
        return check_broker(value)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        try:
            return [str(ip_network(item)) for item in value]
        except ValueError:
            message = "give addresses or networks, such as 10.0.0.0/8"
            raise ValueError(message) from None

    @field_validator("token_key")
    @classmethod
    def _token_key(cls, value: str | None) -> str | None:
        if value is not None and len(decoded(value)) != SECRET_BYTES:
            message = "give 32 random bytes in base64, as `openssl rand -base64 32` makes them"
            raise ValueError(message)
        return value

    @field_validator("identity_algorithms")
    @classmethod
    def _algorithms(cls, value: list[str]) -> list[str]:
        if not value or not set(value) <= set(ALGORITHMS):
            message = f"give one or more of {', '.join(ALGORITHMS)}"
            raise ValueError(message)
        return value

    @field_validator("identity_keys_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            message = "give an address that begins with https:// (http:// inside a private network)"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        """Refuse half a provider: without an audience a token for another program would do."""
        said = (self.identity_issuer, self.identity_audience, self.identity_keys_url)
        if any(said) and not all(said):
            message = "SPORTELLO_IDENTITY_ISSUER, _AUDIENCE and _KEYS_URL go together; set all three or none"
            raise ValueError(message)
        return self

    @property
    def mail_server(self) -> MailServer | None:
        """Return where mails are handed to, None where no server is set."""
        if self.smtp_host is None:
            return None
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            security=self.smtp_tls,
            user=self.smtp_user,
            password=self.smtp_password,
        )

    @property
    def mail_path(self) -> Path | None:
        """Return the folder for mails, None where none is set."""
        return None if self.mail_folder is None else Path(self.mail_folder)

    @property
    def provider(self) -> Provider | None:
        """Return the shop's own identity provider, None where it has none."""
        if self.identity_issuer is None or self.identity_audience is None or self.identity_keys_url is None:
            return None
        return Provider(
            name=self.identity_issuer,
            audience=self.identity_audience,
            keys_url=self.identity_keys_url,
            algorithms=self.identity_algorithms,
            claim=self.identity_claim,
        )

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        return None if value is None else checked(lambda url: clean_url(url) or "", value).rstrip("/")

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str | None) -> str | None:
        return None if value is None else checked(check_currency, value)

    @field_validator("default_store")
    @classmethod
    def _store_code(cls, value: str | None) -> str | None:
        return None if value is None else checked(check_store_code, value)

    @property
    def limits(self) -> Limits:
        """Return how much one document may ask."""
        return Limits(
            depth=self.document_depth_max,
            aliases=self.document_aliases_max,
            directives=self.document_directives_max,
            tokens=self.document_tokens_max,
            characters=self.document_characters_max,
            root_fields=self.root_fields_max,
            list_items=self.list_items_max,
        )

    @property
    def organisation(self) -> Organisation:
        """Return what the whole organisation decided."""
        return Organisation(
            currency_code=self.currency,
            default_store_code=self.default_store,
            merges_automatically=self.merge_automatically,
            relay_domains=frozenset(domain.lower() for domain in self.relay_domains),
            token_key=None if self.token_key is None else decoded(self.token_key),
            token_issuer=self.token_issuer,
            shopper_session=timedelta(days=self.shopper_session_days),
            staff_session=timedelta(hours=self.staff_session_hours),
            events_kept=timedelta(days=self.events_kept_days),
            public_url=self.public_url or f"http://{self.host}:{self.port}",
        )

    @property
    def async_url(self) -> URL:
        """Return the database's address with the driver that serves requests."""
        url = make_url(self.database_url)
        return url.set(drivername=DRIVERS[url.get_backend_name()])

    @property
    def sqlite_path(self) -> Path | None:
        """Return the database file, None where the database is PostgreSQL."""
        url = make_url(self.database_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


_OTHERS = {"SPORTELLO_DB_PASSWORD", "SPORTELLO_TEST_POSTGRES"}
"""Variables of compose.yaml and of the tests."""


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings and are none: a slip of the pen would pass unseen."""
    known = {f"SPORTELLO_{name.upper()}" for name in Settings.model_fields} | _OTHERS
    return sorted(name for name in environment if name.startswith("SPORTELLO_") and name not in known)
