"""Settings are read from their variables, and an invalid value is refused by its variable."""

import pytest

from adapters.settings import (
    VARIABLES,
    InvalidSetting,
    Settings,
    from_environment,
    renamed,
    subprocess_environment,
    unknown_variables,
)


def test_nothing_needs_to_be_set() -> None:
    assert Settings() == from_environment({})


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings() == from_environment(dict.fromkeys(VARIABLES.values(), ""))


def test_a_misspelt_variable_is_reported_with_the_closest_setting() -> None:
    environment = {
        "GROWTHRINGS_ADMIN_PASWORD": "x",
        "GROWTHRINGS_ADMIN_PASSWORD": "x",
        "growthrings_log_level": "x",
        "GROWTHRINGS_COLOUR_OF_THE_SKY": "x",
        "GROWTHRINGS_PASSWORD": "x",
        "PATH": "x",
        "GROWTHRINGS": "x",
    }
    assert {
        "GROWTHRINGS_ADMIN_PASWORD": "GROWTHRINGS_ADMIN_PASSWORD",
        "growthrings_log_level": "GROWTHRINGS_LOG_LEVEL",
        "GROWTHRINGS_COLOUR_OF_THE_SKY": None,
    } == unknown_variables(environment)


def test_a_renamed_setting_is_read_under_its_former_name_until_the_new_one_is_set() -> None:
    former = {"GROWTHRINGS_GROUP_SIZE": "7"}
    assert 7 == from_environment(former).batch_size
    assert 8 == from_environment(former | {VARIABLES["batch_size"]: "8"}).batch_size
    assert {"GROWTHRINGS_GROUP_SIZE": VARIABLES["batch_size"]} == renamed(former)
    assert {} == renamed({"GROWTHRINGS_GROUP_SIZE": "", VARIABLES["batch_size"]: "8"})


def test_a_renamed_setting_reaches_every_process_and_is_not_unknown() -> None:
    former = {"GROWTHRINGS_GROUP_SIZE": "7"}
    assert {} == unknown_variables(former)
    assert former == subprocess_environment(former, ())


def test_a_refused_value_of_a_renamed_setting_names_the_variable_that_was_set() -> None:
    with pytest.raises(InvalidSetting, match=r"^GROWTHRINGS_GROUP_SIZE: "):
        from_environment({"GROWTHRINGS_GROUP_SIZE": "x"})


def test_a_process_is_started_without_secrets_that_it_does_not_need() -> None:
    environment = {"PATH": "x", "GROWTHRINGS_PASSWORD": "x", "GROWTHRINGS_PASSWORT": "x"}
    environment |= dict.fromkeys((VARIABLES["private_key"], VARIABLES["log_level"]), "x")
    assert {"PATH": "x", VARIABLES["log_level"]: "x"} == subprocess_environment(environment, ("private_key",))


def test_variables_of_others_are_left_alone() -> None:
    assert Settings() == from_environment({"GROWTHRINGS": "x", "GROWTHRINGS_PARTITION": "x", "PARTITIONS": "x"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("partitions", "8", 8),
        ("body_limit", "1", 1),
        ("read_wait", "0.5", 0.5),
        ("read_wait", "3", 3.0),
        ("log_level", "debug", "debug"),
        ("request_wait", "0.5", 0.5),
        ("cors_origins", "https://a.test , http://localhost:3000", "https://a.test , http://localhost:3000"),
        ("cors_origins", "capacitor://localhost", "capacitor://localhost"),
        ("admin_password", "12345", "12345"),
        ("admin_password", "true", "true"),
        ("admin_password", "null", "null"),
        ("admin_username", "1e3", "1e3"),
        ("database_url", "postgresql://", "postgresql://"),
    ],
)
def test_a_setting_is_read_from_its_variable(name: str, value: str, expected: object) -> None:
    assert expected == getattr(from_environment({VARIABLES[name]: value}), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("partitions", "batch_size", "queue_size", "body_limit", "batch_limit",
                                     "argon2_memory") for value in ("0", "-1", "1.5", "many", "0x10", "1e400", " ")),
        *(("read_wait", value) for value in ("0", "-1", "soon", "nan", "inf", "1e400")),
        *(("allowed_lag", value) for value in ("-1", "late", "nan")),
        ("partitions", "32769"),
        ("argon2_memory", "7"),
        ("log_level", "loud"),
        ("request_wait", "0"),
        *(("cors_origins", value) for value in ("*", "https://*.a.test", "a.test", "https://a.test/", "https://A.test",
                                                "https://a.test,", "https://a.test,*", "null", "https://a.test\n")),
        ("rate_limit", "100"),
        ("admin_username", "x" * 201),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        from_environment({VARIABLES[name]: value})
    assert VARIABLES[name] in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rate_limit", "x", 'GROWTHRINGS_RATE_LIMIT: "x" is not a rate like 100/second'),
        ("log_level", "loud", 'GROWTHRINGS_LOG_LEVEL: "loud" is not one of debug, info, warning, error'),
        ("metrics", "yes", 'GROWTHRINGS_METRICS: "yes" is not one of on, off'),
        ("partitions", "0", 'GROWTHRINGS_PARTITIONS: "0" is not a whole number from 1 to 32767'),
        ("read_wait", "soon", 'GROWTHRINGS_READ_WAIT: "soon" is not a number of seconds above 0, at most 86400'),
        ("jwks_url", "ftp://x", 'GROWTHRINGS_JWKS_URL: "ftp://x" is not an address like https://'),
        ("trusted_proxies", "me\x1b[2J", r'GROWTHRINGS_TRUSTED_PROXIES: "me\x1b[2J" is not addresses or networks'),
        ("body_budget", "5", 'GROWTHRINGS_BODY_BUDGET: "5" is not at least 4 times GROWTHRINGS_BODY_LIMIT'),
    ],
)
def test_a_value_that_is_refused_is_quoted_with_what_would_be_right(name: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        from_environment({VARIABLES[name]: value})
    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize("name", VARIABLES)
def test_no_setting_is_refused_with_a_pattern(name: str) -> None:
    """Nor with the words of the library that reads them."""
    for said in filter(None, (refusal(VARIABLES[name], value) for value in ("\x1b", "-1", "[", "x" * 300))):
        assert said.startswith(f"{VARIABLES[name]}: ")
        assert not [word for word in ("Expected", "regex", "matching", "\x1b", "`") if word in said]
        assert " is not " in said


def refusal(variable: str, value: str) -> str | None:
    try:
        from_environment({variable: value})
    except InvalidSetting as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("name", ["database_url", "redis_url"])
def test_a_secret_that_is_refused_is_not_quoted(name: str) -> None:
    """The error text may end up in a log."""
    with pytest.raises(InvalidSetting) as refused:
        from_environment({VARIABLES[name]: "somebody:s3cret@[host"})
    assert "s3cret" not in str(refused.value)
