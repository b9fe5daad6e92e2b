"""The settings: read once from the environment, and immutable. Each has a default, and a row in
docs/reference/settings.md."""

import ipaddress
import os
import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from adapters.errors import UsageError
from adapters.system.terminal import escaped
from domain.user import USERNAME_LENGTH


class InvalidSetting(UsageError):
    """The value of a setting is invalid; the message names the variable."""


OWN_ISSUER = "growthrings"

Rate = Annotated[
    str,
    Meta(
        pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day)|off)\Z",
        description="a rate like 100/second, 6000/minute, 100000/hour or 1000000/day, or off",
    ),
]

_ORIGIN = r"[a-z][a-z0-9+.-]*://[^/,*\sA-Z]+"
Origins = Annotated[
    str,
    Meta(
        pattern=rf"^{_ORIGIN}(\s*,\s*{_ORIGIN})*\Z",
        description="an origin like https://app.example.org, or several with commas between",
    ),
]

Address = Annotated[str, Meta(pattern="^https?://.", description="an address like https://host.example.org/path")]
_REDIS = "the address of a Redis, like redis://host:6379/0"

Count = Annotated[int, Meta(ge=1, description="a whole number from 1 on")]
Seconds = Annotated[float, Meta(gt=0, le=86_400, description="a number of seconds above 0, at most 86400")]
Switch = Literal["on", "off"]


class Settings(Struct, frozen=True, kw_only=True):
    """`VARIABLES` names the environment variable of each setting."""

    database_url: str | None = None
    admin_username: Annotated[
        str, Meta(max_length=USERNAME_LENGTH, description=f"a name of at most {USERNAME_LENGTH} characters")
    ] = "admin"
    admin_password: str | None = None
    redis_url: Annotated[str, Meta(pattern="^(rediss?|unix)://.", description=_REDIS)] | None = None
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
    audience: str | None = None
    jwks_url: Address | None = None
    cors_origins: Origins | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    partitions: Annotated[int, Meta(ge=1, le=32_767, description="a whole number from 1 to 32767")] = 64
    batch_size: Count = 2_000
    queue_size: Count = 20_000
    body_limit: Count = 16 * 1024 * 1024
    body_budget: Count = 128 * 1024 * 1024
    batch_limit: Count = 10_000
    request_wait: Seconds = 30.0
    read_wait: Seconds = 2.0
    allowed_lag: Seconds = 10.0
    metrics: Switch = "on"
    otel_exporter_otlp_endpoint: Address | None = None
    argon2_memory: Annotated[int, Meta(ge=32, description="a whole number of KiB from 32 on")] = 65_536
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: Switch = "on"

    def __post_init__(self) -> None:
        for name, (check, expected) in _CHECKS.items():
            value = getattr(self, name)
            try:
                if value is not None:
                    check(value)
            except ValueError:
                raise ValueError(_refused(name, value, expected)) from None
        if self.body_budget < 4 * self.body_limit:
            expected = (
                f"at least 4 times {VARIABLES['body_limit']} ({self.body_limit}), since one client gets a quarter"
            )
            raise ValueError(_refused("body_budget", str(self.body_budget), expected))


def _check_networks(text: str) -> None:
    for each in text.split(","):
        ipaddress.ip_network(each.strip())


def _check_database(text: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        float(conninfo_to_dict(text).get("connect_timeout") or 0)
    except ProgrammingError as error:
        raise ValueError from error


_CHECKS: dict[str, tuple[Callable[[str], object], str]] = {
    "database_url": (_check_database, "the address of a PostgreSQL, like postgresql://user:password@host/database"),
    "redis_url": (lambda text: urlsplit(text).port, _REDIS),
    "trusted_proxies": (_check_networks, "addresses or networks like 10.0.0.0/8, with commas between"),
}
"""Setting → a function that raises ValueError for an invalid value, and a description of the valid ones."""

SECRETS = ("database_url", "redis_url", "admin_password", "private_key")
"""Settings that hold a password or a key."""

LONGEST = 200
"""Maximum number of characters of a value that an error quotes."""

_PLAIN = ("database_url", "redis_url", "otel_exporter_otlp_endpoint")

VARIABLES = {
    name: name.upper() if name in _PLAIN else f"GROWTHRINGS_{name.upper()}" for name in Settings.__struct_fields__
}


RENAMED = {"GROWTHRINGS_GROUP_SIZE": "batch_size"}
"""Former variable of a setting → the setting. For one version it is still read if the new variable is not set."""

PREFIX = "GROWTHRINGS_"

IMPORTER_VARIABLE = "GROWTHRINGS_PASSWORD"
"""Not a setting of the service: `growthrings import` reads its user's password from this variable."""


NEAR = 0.8
"""Similarity, from 0 to 1, above which an unknown variable is taken for a misspelt setting."""


def unknown_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str | None]:
    """Variables that look like settings but are not → the variable that may be meant."""
    known = {*VARIABLES.values(), IMPORTER_VARIABLE}
    unknown = sorted(
        name for name in environment if name.upper().startswith(PREFIX) and name not in known and name not in RENAMED
    )
    return {name: next(iter(get_close_matches(name.upper(), known, n=1, cutoff=NEAR)), None) for name in unknown}


def renamed(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Former names of variables that are set → their present names."""
    return {variable: VARIABLES[name] for variable, name in RENAMED.items() if environment.get(variable)}


def subprocess_environment(environment: Mapping[str, str], without: Collection[str]) -> dict[str, str]:
    """The environment of a subprocess. It lacks the settings that the subprocess does not need, which may be secrets,
    and variables that look like settings but are not."""
    left_out = {*unknown_variables(environment), IMPORTER_VARIABLE, *(VARIABLES[name] for name in without)}
    return {name: value for name, value in environment.items() if name not in left_out}


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. An empty variable counts as not set. Raises InvalidSetting."""
    variables = {name: variable for variable, name in RENAMED.items() if environment.get(variable)}
    variables |= {name: variable for name, variable in VARIABLES.items() if environment.get(variable)}
    given = {name: environment[variable] for name, variable in variables.items()}
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        found = re.search(r" - at `\$\.(\w+)`\Z", str(error))
        if found is None:  # the message comes from `__post_init__`
            raise InvalidSetting(str(error)) from error
        name = found[1]
        raise InvalidSetting(_refused(name, given[name], _expected(name), variables[name])) from error


def _refused(name: str, value: str, expected: str, variable: str = "") -> str:
    """What is wrong with a setting, and what would be right. Secrets are not quoted, because the text may be logged."""
    quoted = "its value" if name in SECRETS else f'"{escaped(value[:LONGEST])}"'
    return f"{variable or VARIABLES[name]}: {quoted} is not {expected}"


def _expected(name: str) -> str:
    """Describe the valid values of a setting, from its type."""
    kind = get_type_hints(Settings, include_extras=True)[name]
    for each in (kind, *get_args(kind)):
        for meta in getattr(each, "__metadata__", ()):
            if meta.description is not None:
                return str(meta.description)
    return f"one of {', '.join(get_args(kind))}"
