"""The settings: read once from the environment, frozen, each with a default and a line in the README."""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from domain.user import USERNAME_LENGTH


class SettingRefused(Exception):
    """A value that cannot be meant; the message names the variable."""


OWN_ISSUER = "growthrings"

LIMIT = "^([1-9][0-9]{0,8}/(second|minute|hour|day)|off)$"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class Settings(Struct, frozen=True, kw_only=True):
    """Each is read from the variable that `VARIABLES` names."""

    database_url: str | None = None
    admin_username: Annotated[str, Meta(max_length=USERNAME_LENGTH)] = "admin"
    admin_password: str | None = None
    rate_limit: Literal["off"] = "off"
    login_limit: Annotated[str, Meta(pattern=LIMIT)] = "10/minute"
    issuer: str = OWN_ISSUER
    jwks_url: Annotated[str, Meta(pattern="^https?://.")] | None = None
    partitions: Annotated[int, Meta(ge=1, le=32_767)] = 64
    group_size: Count = 2_000
    queue_size: Count = 20_000
    body_limit: Count = 16 * 1024 * 1024
    batch_limit: Count = 10_000
    read_wait: Seconds = 2.0
    allowed_lag: Seconds = 10.0
    argon2_memory: Annotated[int, Meta(ge=32)] = 65_536
    log_level: Literal["debug", "info", "warning", "error"] = "info"


VARIABLES = {
    name: "DATABASE_URL" if name == "database_url" else f"GROWTHRINGS_{name.upper()}"
    for name in Settings.__struct_fields__
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
