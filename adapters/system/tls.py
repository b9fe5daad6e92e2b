"""TLS: whether the service has a certificate, whether that one can be served with, and how we ask ourselves by it."""

import ssl
from ssl import SSLContext
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from adapters.settings import VARIABLES, InvalidSetting, Settings


def is_on(settings: Settings) -> bool:
    return settings.tls_certificate is not None


def check(settings: Settings) -> None:
    """SettingRefused where the certificate and its key are not both there, readable, and of each other."""
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
            f"{certificate} and {key}: {settings.tls_certificate} and {settings.tls_key} are no certificate in PEM with"
            " its key, without a password"
        ) from error


def context(settings: Settings) -> SSLContext | None:
    """That of a server, where there is a certificate."""
    if settings.tls_certificate is None:
        return None
    made = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Without a password: else a terminal would be asked for one.
    made.load_cert_chain(settings.tls_certificate, settings.tls_key, lambda: "")
    return made


def local_opener() -> OpenerDirector:
    """For asking a process of ours on this machine, whose certificate names the address that others use: no proxy is
    between us, whatever the environment says."""
    return build_opener(ProxyHandler({}), HTTPSHandler(context=_unverified()))


def _unverified() -> SSLContext:
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
