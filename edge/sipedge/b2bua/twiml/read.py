"""Reads a document of call instructions. Pure: the XML library is the only other thing that looks at it.

What is not known is passed over with a note, as the reference does; what is no document at all is an error.
No entity is resolved and no DTD is read (defusedxml).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sipedge.b2bua.twiml.verbs import (
    Callback,
    Dial,
    DialNumber,
    DialSip,
    Document,
    Gather,
    Hangup,
    Pause,
    Play,
    Prompt,
    Record,
    Redirect,
    Reject,
    Say,
    Verb,
)
from sipedge.e164 import is_e164
from sipedge.printable import printable
from sipedge.uri import parse_uri

LONGEST: Final = 64 * 1024
"""Bytes of a document."""
MOST_VERBS: Final = 100
LONGEST_TEXT: Final = 4_096
"""Characters that one Say speaks."""
LONGEST_URL: Final = 2_048
MOST_LOOPS: Final = 50
"""`loop="0"` means for ever: here, so often."""
MOST_NOTES: Final = 20
_ROOT: Final = "Response"
_KEYS: Final = frozenset("0123456789*#")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?", re.ASCII)
_SECONDS: Final = 14_400


class DocumentError(ValueError):
    """The text is no document of call instructions; the message says why, and quotes nothing of it.

    `line`: where that is seen; None = nowhere in particular.
    """

    def __init__(self, why: str, *, line: int | None = None) -> None:
        super().__init__(why if line is None else f"{why}: line {line}")
        self.line = line


def read(text: bytes) -> Document:
    """The verbs of a document.

    Raises:
        DocumentError: it is too long, no XML, has a DTD, or its root is not `Response`.
    """
    if len(text) > LONGEST:
        raise DocumentError(f"more than {LONGEST} bytes")
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise DocumentError("it has a DTD or entities, which are not read") from None
    except ParseError as error:
        raise DocumentError("it is no XML", line=error.position[0]) from None
    except (ValueError, LookupError, RecursionError):
        raise DocumentError("it is no XML") from None
    if root.tag != _ROOT:
        raise DocumentError(f"its root is not <{_ROOT}>")
    reading = _Reading()
    verbs = tuple(reading.verbs(root))
    return Document(verbs, tuple(reading.notes[:MOST_NOTES]))


@dataclass(slots=True)
class _Reading:
    notes: list[str] = field(default_factory=list)

    def verbs(self, root: Element) -> Iterator[Verb]:
        for number, element in enumerate(root):
            if number >= MOST_VERBS:
                self.notes.append(f"more than {MOST_VERBS} verbs: the rest is passed over")
                return
            read_verb = _VERBS.get(_name(element))
            if read_verb is None:
                self.notes.append(f"<{_name(element)}> is no verb that is known: passed over")
                continue
            verb = read_verb(_Attributes(self, element), element)
            if verb is not None:
                yield verb

    def prompts(self, element: Element) -> Iterator[Prompt]:
        for number, each in enumerate(element):
            verb = _VERBS.get(_name(each))
            found = verb(_Attributes(self, each), each) if verb is not None and number < MOST_VERBS else None
            if isinstance(found, Prompt):
                yield found
            else:
                self.notes.append(f"<{_name(each)}> in <{_name(element)}> is passed over")


class _Attributes:
    """The attributes of one element; what is never asked for is noted as unknown."""

    def __init__(self, reading: _Reading, element: Element) -> None:
        self.reading = reading
        self.verb = _name(element)
        self._given = dict(element.attrib)

    def text(self, name: str, default: str, allowed: Callable[[str], bool]) -> str:
        value = self._given.pop(name, None)
        if value is None:
            return default
        if len(value) <= LONGEST_URL and allowed(value):
            return value
        self._unusable(name)
        return default

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(
            name, str(default), lambda text: text.isascii() and text.isdecimal() and len(text) < 10
        )
        found = int(value)
        if lowest <= found <= highest:
            return found
        self._unusable(name)
        return min(max(found, lowest), highest)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default).lower(), lambda text: text.lower() in ("true", "false"))
        return value.lower() == "true"

    def keys(self, name: str, default: str) -> str:
        return self.text(name, default, _KEYS.issuperset)

    def loop(self) -> int:
        return self.whole("loop", 1, 0, MOST_LOOPS) or MOST_LOOPS

    def callback(self, name: str = "action") -> Callback:
        return Callback(self.text(name, "", is_url), self.text("method", "POST", _is_method))

    def done(self, *ignored: str) -> None:
        for name in ignored:
            self._given.pop(name, None)
        for name in self._given:
            self.reading.notes.append(f"attribute {printable(name)[:64]} of <{self.verb}> is passed over")

    def _unusable(self, name: str) -> None:
        self.reading.notes.append(f"attribute {name} of <{self.verb}> has a value that cannot be used")


def is_url(text: str) -> bool:
    """True for what may be asked for a document: an absolute http(s) URL, or one relative to the
    document's."""
    if not re.fullmatch(r"[!-~]+", text, re.ASCII):
        return False
    try:
        urlsplit(text)
    except ValueError:
        return False
    scheme, colon, _ = text.partition(":")
    return not colon or "/" in scheme or "?" in scheme or scheme.lower() in ("http", "https")


def _is_method(text: str) -> bool:
    return text in ("GET", "POST")


def _name(element: Element) -> str:
    return printable(str(element.tag))[:64]


def _content(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _say(given: _Attributes, element: Element) -> Say | None:
    text = _content(element)
    found = Say(
        text[:LONGEST_TEXT],
        given.text("language", "en-US", lambda value: _LANGUAGE.fullmatch(value) is not None),
        given.loop(),
    )
    given.done("voice")
    if len(text) > LONGEST_TEXT:
        given.reading.notes.append(f"a text of more than {LONGEST_TEXT} characters is cut")
    return found if text else None


def _play(given: _Attributes, element: Element) -> Play | None:
    url = _content(element)
    found = Play(url, given.loop())
    given.done()
    if url and len(url) <= LONGEST_URL and is_url(url):
        return found
    given.reading.notes.append("<Play> without a URL that can be used is passed over")
    return None


def _pause(given: _Attributes, element: Element) -> Pause:
    found = Pause(given.whole("length", 1, 0, _SECONDS))
    given.done()
    return found


def _gather(given: _Attributes, element: Element) -> Gather:
    wanted = given.whole("numDigits", 0, 0, 100)
    found = Gather(
        tuple(given.reading.prompts(element)),
        given.callback(),
        given.whole("timeout", 5, 1, 600),
        given.keys("finishOnKey", "#"),
        wanted or None,
        given.flag("actionOnEmptyResult", False),
    )
    kinds = given.text("input", "dtmf", lambda value: "dtmf" in value.split())
    if kinds != "dtmf":
        given.reading.notes.append("<Gather> hears digits alone: speech is passed over")
    given.done()
    return found


def _record(given: _Attributes, element: Element) -> Record:
    found = Record(
        given.callback(),
        given.whole("timeout", 5, 1, 600),
        given.keys("finishOnKey", "1234567890*#"),
        given.whole("maxLength", 3_600, 1, _SECONDS),
        given.flag("playBeep", True),
    )
    given.done()
    return found


def _dial(given: _Attributes, element: Element) -> Dial | None:
    target = _dialled(given, element)
    has_callback = "action" in element.attrib
    callback = given.callback()
    found = None if target is None else Dial(
        target,
        callback if has_callback else None,
        given.whole("timeout", 30, 1, 600),
        given.text("callerId", "", is_e164),
        given.whole("timeLimit", _SECONDS, 1, _SECONDS),
    )  # fmt: skip
    given.done("answerOnBridge")
    if found is None:
        given.reading.notes.append("<Dial> without a number or SIP URI that can be called is passed over")
    return found


def _dialled(given: _Attributes, element: Element) -> DialNumber | DialSip | None:
    nouns = list(element)
    if len(nouns) > 1:
        given.reading.notes.append("<Dial> calls its first target alone")
    if not nouns:
        number = "".join(_content(element).split())
        return DialNumber(number) if is_e164(number) else None
    noun, text = nouns[0], "".join(_content(nouns[0]).split())
    _Attributes(given.reading, noun).done()
    if _name(noun) == "Number" and is_e164(text):
        return DialNumber(text)
    if _name(noun) == "Sip" and len(text) <= LONGEST_URL and parse_uri(text) is not None:
        uri, _, headers = text.partition("?")
        if headers:
            given.reading.notes.append("headers of a <Sip> are passed over")
        return DialSip(uri)
    return None


def _redirect(given: _Attributes, element: Element) -> Redirect | None:
    url = _content(element)
    method = given.text("method", "POST", _is_method)
    given.done()
    if url and len(url) <= LONGEST_URL and is_url(url):
        return Redirect(Callback(url, method))
    given.reading.notes.append("<Redirect> without a URL that can be used is passed over")
    return None


def _reject(given: _Attributes, element: Element) -> Reject:
    reason = given.text("reason", "rejected", lambda value: value in ("rejected", "busy"))
    given.done()
    return Reject(reason == "busy")


def _hangup(given: _Attributes, element: Element) -> Hangup:
    given.done()
    return Hangup()


_VERBS: Final[dict[str, Callable[[_Attributes, Element], Verb | None]]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Record": _record,
    "Dial": _dial,
    "Redirect": _redirect,
    "Reject": _reject,
    "Hangup": _hangup,
}
