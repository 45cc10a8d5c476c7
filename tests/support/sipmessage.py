"""SIP messages as tests write and read them: text with headers, nothing validated."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass
class Message:
    """One received SIP message and how to answer it."""

    first_line: str
    headers: list[tuple[str, str]]
    body: str
    raw: bytes = b""
    path: object = field(default=None, compare=False, repr=False)
    """Where an answer goes: the sender's address, or the connection."""

    def all(self, name: str) -> list[str]:
        """Every value of a header, in the order of the message."""
        wanted = name.lower()
        return [value for each, value in self.headers if COMPACT.get(each.lower(), each.lower()) == wanted]

    def header(self, name: str) -> str:
        """The first value of a header, "" if it is absent."""
        return next(iter(self.all(name)), "")

    @property
    def is_request(self) -> bool:
        return not self.first_line.startswith("SIP/2.0")

    @property
    def method(self) -> str:
        """Of a request its own, of an answer that of the request it answers, "" if that had none."""
        return next(iter(self.first_line.split() if self.is_request else self.header("CSeq").split()[1:]), "")

    @property
    def uri(self) -> str:
        return self.first_line.split()[1]

    @property
    def status(self) -> int:
        return 0 if self.is_request else int(self.first_line.split()[1])

    @property
    def reason(self) -> str:
        return self.first_line.split(" ", 2)[2]

    @property
    def call_id(self) -> str:
        return self.header("Call-ID")

    @property
    def cseq(self) -> int:
        return int(self.header("CSeq").split()[0])

    def tag(self, name: str) -> str:
        found = re.search(r";tag=([^;>\s]+)", self.header(name))
        return found[1] if found else ""

    @property
    def contact_uri(self) -> str:
        found = re.search(r"<([^>]+)>", self.header("Contact"))
        return found[1] if found else self.header("Contact")


def parse(data: bytes, path: object = None) -> Message:
    text = data.decode("utf-8", "surrogateescape")
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Message(first, headers, body, data, path)


def split_stream(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages at a buffer's start, and what is left; CRLFs between them are kept apart."""
    messages = []
    while buffer:
        if buffer.startswith(b"\r\n"):
            end = 4 if buffer.startswith(b"\r\n\r\n") else 2
            messages.append(buffer[:end])
            buffer = buffer[end:]
            continue
        head, separator, _ = buffer.partition(b"\r\n\r\n")
        if not separator:
            break
        length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
        end = len(head) + 4 + (int(length[1]) if length else 0)
        if len(buffer) < end:
            break
        messages.append(buffer[:end])
        buffer = buffer[end:]
    return messages, buffer


def new_token() -> str:
    return secrets.token_hex(6)


def render(first_line: str, headers: list[tuple[str, str]], body: str = "") -> bytes:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers)]
    if not any(name.lower() in ("content-length", "l") for name, _ in headers):
        lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def sdp(address: str, port: int = 40_000, profile: str = "RTP/AVP") -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )


def digest_answer(
    challenge: str, username: str, password: str, method: str, uri: str, *, count: int = 1
) -> str:
    """The value of an Authorization header for an MD5 challenge with qop=auth (RFC 2617)."""
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    realm, nonce = found["realm"], found["nonce"]
    ha1, ha2 = _md5(f"{username}:{realm}:{password}"), _md5(f"{method}:{uri}")
    cnonce = new_token()
    response = _md5(f"{ha1}:{nonce}:{count:08x}:{cnonce}:auth:{ha2}")
    return (
        f'Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, '
        f'nc={count:08x}, cnonce="{cnonce}", response="{response}", algorithm=MD5'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
