"""TLS: the check of certificate and key, the context of the server, and requests to this machine."""

import ssl
from ssl import SSLContext
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from adapters.settings import VARIABLES, InvalidSetting, Settings


def is_on(settings: Settings) -> bool:
    return settings.tls_certificate is not None


def check(settings: Settings) -> None:
    """SettingRefused unless certificate and key are both unset, or both readable and belong together."""
    certificate, key = VARIABLES["tls_certificate"], VARIABLES["tls_key"]
    if settings.tls_certificate is None and settings.tls_key is None:
        return
    if settings.tls_certificate is None or settings.tls_key is None:
        raise InvalidSetting(f"{certificate} and {key} go together: set both, or none")
    for variable, path in ((certificate, settings.tls_certificate), (key, settings.tls_key)):
        try:
            open(path, "rb").close()
        except OSError as error:
            raise InvalidSetting(f"{variable}: {path} cannot be read: {error.strerror}") from error
    try:
        context(settings)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidSetting(
            f"{certificate} and {key}: {settings.tls_certificate} and {settings.tls_key} are not a PEM certificate and "
            "its key without a password"
        ) from error


def context(settings: Settings) -> SSLContext | None:
    """The TLS context of the server; None without a certificate."""
    if settings.tls_certificate is None:
        return None
    made = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # An empty password: otherwise OpenSSL would ask for one on the terminal.
    made.load_cert_chain(settings.tls_certificate, settings.tls_key, lambda: "")
    return made


def local_opener() -> OpenerDirector:
    """Opens URLs of this machine: ignores proxies of the environment, and does not verify certificates, which name the
    public address."""
    return build_opener(ProxyHandler({}), HTTPSHandler(context=_unverified()))


def _unverified() -> SSLContext:
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
