"""Name the characters that look like a space or like nothing, except spaces, tabs and line breaks.

Joiners are not among them: emoji and some scripts need them.
"""

from __future__ import annotations

import re

_NAMES = {
    "\u00a0": "a no-break space",
    "\u00ad": "a soft hyphen",
    "\u2007": "a figure space",
    "\u200b": "a zero-width space",
    "\u202f": "a narrow no-break space",
    "\u2060": "a word joiner",
    "\ufeff": "a byte order mark",
}
INVISIBLE = re.compile(f"[{''.join(_NAMES)}]")
_TWO_DIGITS = 0xFF


def name_of(character: str) -> str:
    """Return what an invisible character is called, with its code point."""
    return f"{_NAMES[character]} (U+{ord(character):04X})"


def escape_of(character: str) -> str:
    """Return the character as an escape in double quotes."""
    code = ord(character)
    return f"\\x{code:02X}" if code <= _TWO_DIGITS else f"\\u{code:04X}"
