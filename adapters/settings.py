"""The settings: read once from the environment, frozen, each with a default and a line in the README."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from adapters.refused import NotUnderstood
from domain.user import USERNAME_LENGTH


class SettingRefused(NotUnderstood):
    """A value that cannot be meant; the message names the variable."""


OWN_ISSUER = "growthrings"

Rate = Annotated[str, Meta(pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day)|off)\Z")]

_ORIGIN = r"[a-z][a-z0-9+.-]*://[^/,*\sA-Z]+"
Origins = Annotated[str, Meta(pattern=rf"^{_ORIGIN}(\s*,\s*{_ORIGIN})*\Z")]

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class Settings(Struct, frozen=True, kw_only=True):
    """Each is read from the variable that `VARIABLES` names."""

    database_url: str | None = None
    admin_username: Annotated[str, Meta(max_length=USERNAME_LENGTH)] = "admin"
    admin_password: str | None = None
    redis_url: Annotated[str, Meta(pattern="^(rediss?|unix)://.")] | None = None
    redis_wait: Seconds = 0.1
    rate_limit: Rate = "100/second"
    rate_limit_measurements: Rate | None = None
    rate_limit_accounts: Rate | None = None
    rate_limit_outcomes: Rate | None = None
    login_limit: Rate = "10/minute"
    trusted_proxies: str | None = None
    issuer: str = OWN_ISSUER
    keys: str | None = None
    private_key: str | None = None
    jwks_url: Annotated[str, Meta(pattern="^https?://.")] | None = None
    cors_origins: Origins | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    partitions: Annotated[int, Meta(ge=1, le=32_767)] = 64
    group_size: Count = 2_000
    queue_size: Count = 20_000
    body_limit: Count = 16 * 1024 * 1024
    body_budget: Count = 128 * 1024 * 1024
    batch_limit: Count = 10_000
    request_wait: Seconds = 30.0
    read_wait: Seconds = 2.0
    allowed_lag: Seconds = 10.0
    metrics: Literal["on", "off"] = "on"
    otel_exporter_otlp_endpoint: Annotated[str, Meta(pattern="^https?://.")] | None = None
    argon2_memory: Annotated[int, Meta(ge=32)] = 65_536
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: Literal["on", "off"] = "on"

    def __post_init__(self) -> None:
        for name, (check, expected) in _CHECKS.items():
            value = getattr(self, name)
            try:
                if value is not None:
                    check(value)
            except ValueError:  # it may quote what was given, and that may hold a password
                raise ValueError(f"{VARIABLES[name]}: Expected {expected}") from None
        if self.body_budget < 4 * self.body_limit:
            told = f"{VARIABLES['body_limit']}, since one client gets a quarter"
            raise ValueError(f"{VARIABLES['body_budget']}: Expected at least 4 times {told}")


def _check_networks(text: str) -> None:
    for each in text.split(","):
        ipaddress.ip_network(each.strip())


def _check_database(text: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(text)
    except ProgrammingError as error:
        raise ValueError from error


_CHECKS: dict[str, tuple[Callable[[str], object], str]] = {
    "database_url": (_check_database, "the address of a PostgreSQL"),
    "redis_url": (lambda text: urlsplit(text).port, "the address of a Redis"),
    "trusted_proxies": (_check_networks, "addresses or networks, separated by commas"),
}
"""Setting → what raises ValueError where it cannot be meant, and what would be."""

_PLAIN = ("database_url", "redis_url", "otel_exporter_otlp_endpoint")

VARIABLES = {
    name: name.upper() if name in _PLAIN else f"GROWTHRINGS_{name.upper()}" for name in Settings.__struct_fields__
}


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings; an empty variable is one that is not set. SettingRefused."""
    given = {name: environment[variable] for name, variable in VARIABLES.items() if environment.get(variable)}
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingRefused(_named(str(error))) from error


def _named(message: str) -> str:
    return re.sub(r"(.*) - at `\$\.(\w+)`", lambda found: f"{VARIABLES[found[2]]}: {found[1]}", message)
