"""Every setting has a line in the README, and a value that cannot be meant is refused by its variable."""

from pathlib import Path

import pytest

from adapters.settings import VARIABLES, SettingRefused, Settings, from_environment

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("variable", VARIABLES.values())
def test_every_setting_has_a_line_in_the_readme(variable: str) -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert any(f"`{variable}`" in line for line in lines)


def test_nothing_needs_to_be_set() -> None:
    assert Settings() == from_environment({})


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings() == from_environment(dict.fromkeys(VARIABLES.values(), ""))


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
        *((name, value) for name in ("partitions", "group_size", "queue_size", "body_limit", "batch_limit",
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
    with pytest.raises(SettingRefused) as refused:
        from_environment({VARIABLES[name]: value})
    assert VARIABLES[name] in str(refused.value)


def test_a_password_that_is_refused_is_not_told() -> None:
    """Only the variable is: what it held may be in a log next."""
    with pytest.raises(SettingRefused) as refused:
        from_environment({VARIABLES["partitions"]: "s3cret"})
    assert "s3cret" not in str(refused.value)
