"""One value of a Secret: its text, or why it cannot be used. No message ever shows a value or part of it."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Final

from sipedge.secret import Secret

LONGEST_LINE: Final = 255
"""Characters of a password, a user name or a realm."""
LONGEST_TEXT: Final = 2**20
"""Bytes: what a whole Secret may have in a cluster."""

_BYTE_ORDER_MARK: Final = "\ufeff"
_UNPRINTED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's control characters, lone surrogates, and separators of lines and paragraphs."""


class ValueFault(Enum):
    """Why a value of a Secret cannot be used, as the end of a sentence about it."""

    NOT_TEXT = "is not read as text by YAML (write it in quotes)"
    NOT_BASE64 = "is not base64"
    NOT_UTF8 = "is not UTF-8 text"
    TOO_LARGE = f"is longer than {LONGEST_TEXT:,} bytes"
    NUL = "has a NUL byte"
    LINE_BREAK_AT_END = "ends with a line break, which echo adds"
    WHITE_SPACE_AT_ENDS = "begins or ends with white space"
    CONTROL_CHARACTER = "has a control character or a line break in it"
    TOO_LONG = f"is longer than {LONGEST_LINE} characters"


SecretValue = Secret | ValueFault
SecretValues = Mapping[str, SecretValue]
"""The keys of one Secret."""


def decoded(encoded: str) -> SecretValue:
    """The text of a value under `data`."""
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return ValueFault.NOT_BASE64
    try:
        return written(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return ValueFault.NOT_UTF8


def written(text: str) -> SecretValue:
    """The text of a value under `stringData`, which is held to the same rules."""
    if len(text) > LONGEST_TEXT:
        return ValueFault.TOO_LARGE
    if not _is_utf8(text):
        return ValueFault.NOT_UTF8
    return ValueFault.NUL if "\0" in text else Secret(text)


def line(value: SecretValue) -> SecretValue:
    """The value as a password, a user name or a realm must be: one short line, as people type it.

    White space at the ends is never meant: digest would hash it, and every call would be refused with 403.
    """
    if isinstance(value, ValueFault):
        return value
    text = value.reveal()
    if len(text) > LONGEST_LINE:
        return ValueFault.TOO_LONG
    if text.endswith(("\n", "\r")) and text.strip():
        return ValueFault.LINE_BREAK_AT_END
    if text.strip().strip(_BYTE_ORDER_MARK) != text:
        return ValueFault.WHITE_SPACE_AT_ENDS
    if "\0" in text:
        return ValueFault.NUL
    if not _is_utf8(text):
        return ValueFault.NOT_UTF8
    if any(unicodedata.category(char) in _UNPRINTED for char in text):
        return ValueFault.CONTROL_CHARACTER
    return value


def mend_line(namespace: str, name: str, key: str, example: str) -> str:
    """How to write such a line rightly; `example` stands for it."""
    return (
        f"write it under stringData, or in base64 by printf %s '{example}' | base64 (not by echo), or make "
        f"the Secret by kubectl create secret generic {name} --namespace={namespace} "
        f"--from-literal={key}='{example}'"
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
