"""The number a person quotes: `FK-7K3M-9Q2D`, seven random signs and a check sign after the city's prefix."""

import re
import unicodedata

# No I, L, O, U: nothing in it sounds or looks like something else in it.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PAYLOAD_SIGNS = 7
PAYLOADS = 32**PAYLOAD_SIGNS
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
_FIELD_POLYNOMIAL = 0b100101
_SHAPE = re.compile(rf"([A-Z]{{2,4}})([{ALPHABET}OIL]{{{PAYLOAD_SIGNS + 1}}})")


def _doubled(value: int) -> int:
    value <<= 1
    return value ^ _FIELD_POLYNOMIAL if value & 32 else value


def _check_value(payload: str) -> int:
    """A weighted sum in GF(32), each place with its own weight: one wrong sign or any two swapped ones show."""
    total = 0
    for sign in payload:
        total = _doubled(total ^ ALPHABET.index(sign))
    return total


def make_case_number(prefix: str, payload: int) -> str:
    """The case number of a random payload in [0, PAYLOADS)."""
    signs = ""
    for _ in range(PAYLOAD_SIGNS):
        payload, digit = divmod(payload, 32)
        signs += ALPHABET[digit]
    signs += ALPHABET[_check_value(signs)]
    return f"{prefix}-{signs[:4]}-{signs[4:]}"


def looks_like_case_number(text: str, prefix: str) -> bool:
    """Whether somebody meant to write one, right or wrong; words may have its shape, too, but no digit."""
    match = _SHAPE.fullmatch(_plain(text))
    return match is not None and (match[1] == prefix or any(sign.isdigit() for sign in match[2]))


def read_case_number(text: str) -> str | None:
    """The case number a person wrote, whatever its width, case, and hyphens; None when it cannot be one."""
    match = _SHAPE.fullmatch(_plain(text))
    if match is None:
        return None
    prefix, signs = match[1], match[2].translate(_LOOKS_LIKE)
    if ALPHABET[_check_value(signs[:-1])] != signs[-1]:
        return None
    return f"{prefix}-{signs[:4]}-{signs[4:]}"


def _plain(text: str) -> str:
    return re.sub(r"[\s\-‐‑–—ー\u200b-\u200f\u2060\ufeff]", "", unicodedata.normalize("NFKC", text)).upper()
