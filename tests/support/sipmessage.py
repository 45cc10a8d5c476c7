"""SIP messages as tests write and read them: text with headers, nothing validated.

Reading is total: an agent may get any bytes, and what cannot be read of them is "" or a number that none has.
"""

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
        return _word(self.first_line, 0) if self.is_request else _word(self.header("CSeq"), 1)

    @property
    def uri(self) -> str:
        """Of a request, "" if it has none."""
        return _word(self.first_line, 1)

    @property
    def status(self) -> int:
        """Of an answer, 0 of a request and of an answer that has none."""
        return 0 if self.is_request else _number(_word(self.first_line, 1), 0)

    @property
    def reason(self) -> str:
        """The text after an answer's status, "" if there is none."""
        return self.first_line.split(" ", 2)[2] if self.first_line.count(" ") > 1 else ""

    @property
    def call_id(self) -> str:
        return self.header("Call-ID")

    @property
    def cseq(self) -> int:
        """The number of its CSeq, -1 if that has none."""
        return _number(_word(self.header("CSeq"), 0), -1)

    def tag(self, name: str) -> str:
        found = re.search(r";tag=([^;>\s]+)", self.header(name))
        return found[1] if found else ""

    @property
    def contact_uri(self) -> str:
        found = re.search(r"<([^>]+)>", self.header("Contact"))
        return found[1] if found else self.header("Contact")


def _word(text: str, place: int) -> str:
    """The word at this place of a text, counted from 0, "" if it has fewer."""
    return next(iter(text.split()[place:]), "")


def _number(text: str, default: int) -> int:
    """What these digits say, `default` where they are no number of SIP: those are of ten digits at most."""
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else default


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
        length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d{1,10})", head)
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
        lines.append(f"Content-Length: {len(body.encode('utf-8', 'surrogateescape'))}")
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
