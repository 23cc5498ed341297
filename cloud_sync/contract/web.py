"""What both sides have to know of web addresses and certificates."""

import ipaddress
import ssl


def is_this_machine(host: str) -> bool:
    """Whether what is sent there never sees a network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificate_is_refused(error: BaseException) -> bool:
    """Whether a failed request failed because the server's certificate is not to be trusted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
