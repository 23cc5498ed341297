"""One HTTP server and what may go wrong on the way to it, for sinks that speak HTTP."""

import logging
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.contract.web import certificate_is_refused, is_this_machine
from cloud_sync.uplink.interfaces import TooSlow
from cloud_sync.uplink.own_thread import OwnThread

# httpx tells every request with its whole URL, which can hold a key.
logging.getLogger("httpx").setLevel(logging.WARNING)


_LARGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are looked up by lower-case names. `sent_bytes` is what the request took."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    sent_bytes: int


class WebClient:
    """One server and everything below `url`; its certificate is verified against `ca_file` or the usual authorities.

    Raises SinkUnavailable, TooSlow and SinkMisconfigured. `secrets` are taken out of what the server answers: it may
    quote what it was sent, and its answer is logged.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], timeout_s: float, ca_file: Path | None, secrets: Sequence[str]
    ) -> None:
        self._url = url
        self._headers = headers
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._secrets = [secret.encode() for secret in secrets]
        self._client: httpx.AsyncClient | None = None
        self._host = httpx.URL(url).host
        self._thread = OwnThread(f"the search for {self._host}")
        self.where = str(httpx.URL(url).copy_with(query=None, fragment=None))

    async def open(self) -> None:
        """Whatever the server answers to OPTIONS proves that it can be reached; records are not risked for that."""
        await self.close()
        self._client = httpx.AsyncClient(
            verify=await self._thread.run(self._found),
            timeout=self._timeout_s,
            headers={"Accept-Encoding": "identity", **self._headers},
            trust_env=not is_this_machine(self._host),  # no proxy on the way to ourselves
        )
        await self.ask("OPTIONS", self._url, b"", {})

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], chunked: bool = False) -> Answer:
        return await self.ask("POST", url, _in_chunks(content) if chunked else content, headers, len(content))

    async def ask(
        self,
        method: str,
        url: str,
        content: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
        size: int = 0,
    ) -> Answer:
        if self._client is None:
            raise SinkUnavailable(f"{self.where}: not open")
        try:
            async with self._client.stream(method, url, content=content, headers=headers) as response:
                answer = await _read(response)
        except httpx.HTTPError as error:
            reason = f"{self.where}: {error or type(error).__name__}"
            if certificate_is_refused(error):
                raise SinkMisconfigured(f"{reason} (is the clock right, and ca_file the server's?)") from error
            slow = isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout)
            raise (TooSlow if slow else SinkUnavailable)(reason) from error
        if response.is_success and len(answer) > _LARGEST_ANSWER:
            raise SinkMisconfigured(f"{self.where} answered with more than {_LARGEST_ANSWER} bytes")
        for secret in self._secrets:
            answer = answer.replace(secret, b"***")
        return Answer(response.status_code, response.headers, answer, size + _size_of_headers(response.request))

    def _found(self) -> ssl.SSLContext:
        """The server's name is known to the net, and its authorities to us. A name server that hangs is waited for
        here, not in the threads that the whole gateway shares.
        """
        if not _has_a_proxy(self._host):
            try:
                socket.getaddrinfo(httpx.URL(self._url).raw_host, None)
            except OSError as error:
                raise SinkUnavailable(f"{self.where}: {self._host} is not found: {error.strerror}") from error
        try:
            return ssl.create_default_context(cafile=self._ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SinkMisconfigured(f"ca_file {self._ca_file}: {error}") from error


def check_url(url: str, allow_plain_http: bool) -> None:
    """Raises ValueError in the words of the file for one that no sink may send to."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"url is not a web address: {error}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("url must begin with https:// and name a server")
    if address.userinfo:
        raise ValueError("url must not hold a user or password; they have keys of their own")
    if address.scheme == "http" and not allow_plain_http and not is_this_machine(address.host):
        raise ValueError(
            f"url would send to {address.host} unencrypted; use https://, or set allow_plain_http = true where "
            "the network itself is protected"
        )


def check_header(key: str, secret: Secret | None) -> None:
    """Raises ValueError for a secret that fits no header."""
    if secret is None:
        return
    text = secret.reveal()
    if not (text.isascii() and text.isprintable() and " " not in text and text):
        raise ValueError(f"{key} from {secret.source} has blanks, line breaks or letters beyond ASCII")


async def _in_chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _read(response: httpx.Response) -> bytes:
    answer = b""
    async for chunk in response.aiter_bytes():
        answer += chunk
        if len(answer) > _LARGEST_ANSWER:
            break
    return answer


def _size_of_headers(request: httpx.Request) -> int:
    return len(request.url.raw_path) + sum(len(name) + len(value) + 4 for name, value in request.headers.raw)


def _has_a_proxy(host: str) -> bool:
    """Then it is the proxy's matter to find the host."""
    return bool(getproxies()) and not is_this_machine(host) and not proxy_bypass(host)
