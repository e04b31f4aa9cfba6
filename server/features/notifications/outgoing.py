"""The one way out: connections to other machines, checked at the moment of connecting.

The name is resolved once, every address it has must be a public one, and the connection goes to an address that was checked; an inner address
is reached only where the setting WEATHERGLASS_OUTGOING_HOSTS names its host. Nothing follows a redirect, no proxy of the environment is used.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from server.errors import Text

CONNECT = 5.0  # seconds
READ = 4096  # bytes of an answer that are looked at
TRIED = 4  # addresses of a host that are tried
NAT64 = ipaddress.ip_network("64:ff9b::/96")
RESERVED = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "fec0::/10", "3fff::/20")))  # which Python counts as public
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Outside:
    """`allowed`: hosts that may be inner ones. `public_url`: where people reach this product, for links; "" no links. `seconds`: for a whole exchange."""

    allowed: frozenset[str] = frozenset()
    public_url: str = ""
    seconds: float = 15.0


class Failed(Exception):
    """It did not get there. `final`: another try would fail alike."""

    def __init__(self, reason: Text, *, final: bool = False, wait: float | None = None) -> None:
        super().__init__(reason.en)
        self.reason, self.final, self.wait = reason, final, wait


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)  # names in small letters


def is_public(address: Address) -> bool:
    """Addresses inside others (IPv4 in IPv6, 6to4, Teredo, NAT64) count as what they lead to."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved and not any(address in net for net in RESERVED)


def connected(host: str, port: int, outside: Outside) -> socket.socket:
    """A connection to a checked address of the host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Failed(Text(f"找不到主机 {host}", f"There is no host {host}")) from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if host.lower() not in outside.allowed:
        for text in addresses:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise Failed(
                    Text(
                        f"{host} 是内部地址，不允许连接；确实需要时请在 WEATHERGLASS_OUTGOING_HOSTS 中写上它",
                        f"{host} is an inner address, which is not allowed; if it is meant, name it in WEATHERGLASS_OUTGOING_HOSTS",
                    ),
                    final=True,
                )
    error: OSError | None = None
    for text in addresses[:TRIED]:
        try:
            made = socket.create_connection((text, port), CONNECT)
            made.settimeout(outside.seconds)
            return made
        except OSError as failed:
            error = failed
    raise Failed(Text(f"连不上 {host}:{port}", f"{host}:{port} cannot be reached")) from error


def secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except ssl.SSLError as error:
        plain.close()
        raise Failed(Text(f"{host} 的证书无效或加密连接失败", f"The certificate of {host} is not valid, or encryption failed")) from error


class Deadline:
    """Cuts a connection when its time is over, even while something is waited for. By a handle of its own: encryption takes the first one over."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection.dup()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._connection.close()

    def _cut(self) -> None:
        with suppress(OSError):  # it is closed already
            self._connection.shutdown(socket.SHUT_RDWR)


class _Over(http.client.HTTPConnection):
    """HTTP over a connection that is there already."""

    def __init__(self, host: str, port: int, connection: socket.socket) -> None:
        super().__init__(host, port)
        self.sock = connection


def post(outside: Outside, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Without encryption only to hosts that the setting names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in outside.allowed:
        raise Failed(Text("地址必须以 https:// 开头", "The address must begin with https://"), final=True)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = connected(host, port, outside)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with Deadline(connection, outside.seconds):
            if parts.scheme == "https":
                connection = secured(connection, host)
            over = _Over(host, port, connection)
            over.request("POST", path, body, {"user-agent": "Weatherglass", **headers})
            answer = over.getresponse()
            text = answer.read(READ).decode("utf-8", "replace")
            return Answer(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})
    except (OSError, http.client.HTTPException) as error:
        raise Failed(Text(f"{host} 没有好好应答", f"{host} did not answer properly")) from error
    finally:
        connection.close()
