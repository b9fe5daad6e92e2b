"""Libraries whose private parts we use are bounded below their next minor version, and have these parts."""

import tomllib

import msgspec
import pytest
from litestar._asgi.routing_trie import traversal
from uvicorn.protocols.http import httptools_impl

from adapters.http.schemas import value_count
from tests.service import ROOT

DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


@pytest.mark.parametrize("library", ["litestar", "msgspec", "uvicorn"])
def test_a_library_whose_private_parts_are_used_is_bounded_below_its_next_minor_version(library: str) -> None:
    (requirement,) = [each for each in DEPENDENCIES if each.startswith(f"{library}>=")]
    least, most = requirement.removeprefix(f"{library}>=").split(",<")
    major, minor = (int(part) for part in least.split(".")[:2])
    assert f"{major}.{minor + 1}" == most


def test_msgspec_says_where_the_trailing_characters_of_a_value_begin() -> None:
    with pytest.raises(msgspec.DecodeError) as raised:
        msgspec.json.decode(b"12,3")
    found = value_count._FOLLOWED.fullmatch(str(raised.value))
    assert found is not None
    assert 3 == int(found[1])


@pytest.mark.parametrize(
    "name",
    [
        "_get_upgrade",
        "_should_upgrade",
        "_unset_keepalive_if_required",
        "connection_lost",
        "connection_made",
        "data_received",
        "on_headers_complete",
        "on_message_begin",
        "on_message_complete",
        "on_response_complete",
    ],
)
def test_uvicorn_has_the_methods_that_the_http_protocol_extends(name: str) -> None:
    assert callable(getattr(httptools_impl.HttpToolsProtocol, name))


def test_uvicorn_has_a_status_line_for_every_refusal_of_a_connection() -> None:
    assert {400, 408, 413, 431, 503} <= set(httptools_impl.STATUS_LINE)


def test_litestar_has_the_function_whose_cache_is_removed() -> None:
    assert callable(traversal.parse_path_params)
