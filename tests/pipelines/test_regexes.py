"""Regular expressions of pipelines mean what they mean to Python, and end."""

from __future__ import annotations

import re

import pytest

from converter.errors import RefusedError
from converter.pipelines.regexes import TimedPattern, check_regex, timed_regexes
from converter.readers.limits import changed, using

SAME = [
    (r"(\w+)\s(?P<b>\w+)", r"\g<b> \1", "ann bob éa éb"),
    (r"a{2,3}b{e}", "x", "aaab{e} aab"),  # a brace that is no count: `regex` would read an approximate match
    (r"a{", "x", "a{ b"),
    (r"(?:foo){e<=1}", "x", "foo{e<=1} fo"),
    (r"[{]e[}]", "x", "{e} e"),
    (r"\{e\}", "x", "{e}"),
    (r"\N{EM DASH}*x{,2}y", "z", "xxy y"),
    (r"$", "!", "a\n"),
    (r"\bx\b", "y", "x xx ÿx"),
    (r"(?i)straße", "s", "STRASSE Straße"),
    (r"(?<=a)b(?!c)", "", "ab abc b"),
    (r"(a)|(b)", r"[\1]", "ab"),
    (r"", "-", "ab"),
    (r"[[a]", "x", "[a"),
    (r"\d+", "0", "12 ٣"),
]


@pytest.mark.parametrize(("pattern", "replacement", "string"), SAME)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_pattern_means_the_same(pattern: str, replacement: str, string: str) -> None:
    ours, theirs = TimedPattern(pattern), re.compile(pattern)
    assert ours.sub(replacement, string) == theirs.sub(replacement, string)
    for own, other in ((ours.match(string), theirs.match(string)), (ours.search(string), theirs.search(string))):
        assert (own and own.groupdict()) == (other and other.groupdict())
        assert (own and own.span()) == (other and other.span())
    assert ours.groupindex == theirs.groupindex


def test_the_patterns_of_a_rule_share_their_time() -> None:
    slow = TimedPattern("(a|aa)+$")
    with using(changed({"regex-seconds": 0.3})), timed_regexes():
        with pytest.raises(RefusedError, match=r"takes longer than 0\.3 s") as caught:
            slow.match("a" * 60 + "!")
        assert caught.value.hint == "--limit regex-seconds=VALUE raises the limit"
        with pytest.raises(RefusedError):
            TimedPattern("(b|bb)+$").match("b" * 60 + "!")
    assert TimedPattern("(a|aa)+$").match("aaa")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a valid regular expression"),
        ("a" * 20_000, "20000 characters"),
        ("(" * 5000 + ")" * 5000, "not a valid regular expression"),
        ("(a{1000}){1000}", "repeats a part of it"),
        ("((a{100}b){100}){100}", "repeats a part of it"),
        ("(?:(?:[({]{100}){100}){100}", "repeats a part of it"),
        (f"({'a' * 9000}){{20000}}", "it is too large"),
        ("(a{2}){3}b{50}(c{,9}){9,}", ""),
        (r"\(a{100}\){100}[({]{100}", ""),
        (r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}", ""),
        (r"(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}", ""),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern: str, message: str) -> None:
    assert bool(check_regex(pattern)) is bool(message)
    assert message in check_regex(pattern)


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (r"\1", ""),
        (r"\g<b>", ""),
        (r"\2", "invalid group"),
        (r"\g<c>", "unknown group name"),
        ("\\", "bad escape"),
        (r"\d", "bad"),
    ],
)
def test_what_is_wrong_with_a_replacement(replacement: str, message: str) -> None:
    assert message in check_regex("(?P<b>a)", replacement)
    assert bool(check_regex("(?P<b>a)", replacement)) is bool(message)
