"""An unusable certificate is reported before any process starts."""

from pathlib import Path

import pytest

from adapters.settings import InvalidSetting, Settings
from adapters.system import tls
from tests.certificates import certificate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    certificate(made, "a")
    certificate(made, "b")
    certificate(made, "locked", password=b"secret")
    (made / "empty.pem").touch()
    return made


def test_a_certificate_with_its_key_is_taken_and_none_at_all_too(folder: Path) -> None:
    tls.check(Settings())
    tls.check(Settings(tls_certificate=str(folder / "a.pem"), tls_key=str(folder / "a.key")))


@pytest.mark.parametrize(
    ("pem", "key", "named"),
    [
        ("a.pem", None, "GROWTHRINGS_TLS_KEY"),
        (None, "a.key", "GROWTHRINGS_TLS_CERTIFICATE"),
        ("nothing.pem", "a.key", "nothing.pem cannot be read"),
        ("a.pem", "nothing.key", "nothing.key cannot be read"),
        ("a.pem", ".", "GROWTHRINGS_TLS_KEY"),
        ("a.pem", "b.key", "a.pem and"),
        ("empty.pem", "a.key", "empty.pem and"),
        ("locked.pem", "locked.key", "without a password"),
    ],
)
def test_an_unusable_certificate_or_tls_key_is_refused_by_name(
    pem: str | None, key: str | None, named: str, folder: Path
) -> None:
    settings = Settings(
        tls_certificate=None if pem is None else str(folder / pem), tls_key=None if key is None else str(folder / key)
    )
    with pytest.raises(InvalidSetting) as refused:
        tls.check(settings)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
