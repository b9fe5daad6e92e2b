"""The settings: read once from the environment, frozen, each with a default and a line in the README."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class SettingRefused(Exception):
    """A value that cannot be meant; the message names the variable."""


class Settings(Struct, frozen=True, kw_only=True):
    """Each is read from the variable that `VARIABLES` names."""

    database_url: str | None = None
    admin_username: str = "admin"
    admin_password: str | None = None
    rate_limit: str = "off"
    issuer: str = "growthrings"
    partitions: int = 64
    group_size: int = 2_000
    queue_size: int = 20_000
    body_limit: int = 16 * 1024 * 1024
    batch_limit: int = 10_000
    read_wait: float = 2.0
    allowed_lag: float = 10.0
    argon2_memory: int = 65_536
    log_level: str = "info"


VARIABLES = {
    name: "DATABASE_URL" if name == "database_url" else f"GROWTHRINGS_{name.upper()}"
    for name in Settings.__struct_fields__
}


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings; an empty variable is one that is not set. SettingRefused."""
    given = {name: environment[variable] for name, variable in VARIABLES.items() if environment.get(variable)}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingRefused(_named(str(error))) from error
    if settings.rate_limit != "off":
        raise SettingRefused(f"{VARIABLES['rate_limit']}: limits are not counted yet, only `off` can be set")
    for name in ("partitions", "group_size", "queue_size", "body_limit", "batch_limit", "read_wait", "argon2_memory"):
        if getattr(settings, name) <= 0:
            raise SettingRefused(f"{VARIABLES[name]} must be above 0")
    return settings


def _named(message: str) -> str:
    return re.sub(r"(.*) - at `\$\.(\w+)`", lambda found: f"{VARIABLES[found[2]]}: {found[1]}", message)


DATA = Path(".data")
"""The default data folder, of every command."""
