"""The words of a line of a STAR file by RELION's rules: taken apart, and written so that others read them too."""

from __future__ import annotations

import re

# A quote opens a word only at its beginning and closes it only before a blank; after \a (BEL) it is a letter.
_WORD = re.compile(rb"""\s*(?:"(.*?)(?<!\a)"(?=\s|\Z)|'(.*?)(?<!\a)'(?=\s|\Z)|([^\s"'#]\S*))""")
# What RELION, gemmi (the CIF grammar), the starfile package and a plain split() take as one word without quotes.
_PLAIN = re.compile(
    r"(?!(?:data_|loop_|save_|stop_|global_)|[.?]\Z)[!%&(-:<-Z\\^`-~][!\"$-~]*", re.IGNORECASE | re.ASCII
)


def split_words(line: bytes) -> list[bytes]:
    """The words of a line, quotes removed, up to a comment; ``ValueError`` for a quote that is not closed.

    >>> split_words(b"000001@a.mrcs 1 'two words' # comment")
    [b'000001@a.mrcs', b'1', b'two words']
    """
    words = line.split()
    if b'"' not in line and b"'" not in line and b"#" not in line:
        return words
    for place, word in enumerate(words):
        if word[:1] == b"#":
            return words[:place]
        if word[0] in b"\"'":
            if len(word) == 1 or word[-1] != word[0] or b"\a" in word:
                return _split_quotes(line)
            words[place] = word[1:-1]
    return words


def _split_quotes(line: bytes) -> list[bytes]:
    """The words of a line in which quotes may be around blanks."""
    words, place = [], 0
    while word := _WORD.match(line, place):
        double, single, bare = word.groups()
        words.append(bare if bare is not None else (single if double is None else double).replace(b"\a", b""))
        place = word.end()
    rest = line[place:].lstrip()
    if rest and rest[:1] != b"#":
        raise ValueError("a quote is not closed")
    return words


def quoted(text: str) -> str:
    """A word as it is written: in quotes where it is empty, has blanks or letters beyond ASCII, or may be misread."""
    if _PLAIN.fullmatch(text):
        return text
    text = text.replace("\r", " ").replace("\n", " ")
    for mark in "\"'":
        if not re.search(rf"{mark}(?=\s|\Z)", text):
            return mark + text + mark
    return '"' + re.sub(r"\"(?=\s|\Z)", '\a"', text) + '"'
