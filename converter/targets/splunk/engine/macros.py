"""Search macros: read from a macros.conf, and expanded in the text of a search before it is parsed.

    macros.conf ──read_macros──> Macros
    text ──expand──> ExpandedSource: the text with each `call` replaced by what it stands for, and where that came from

Expansion is textual, as Splunk's is: arguments are put in for `$name$` everywhere, then the result is expanded again.
Calls inside quotes and comments are left alone. The size of the result is bounded, since a few lines of macros can
stand for more text than any machine holds.

Source: macros.conf.spec; Knowledge Manager Manual, "Use search macros in searches".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from converter.errors import Place, QueryError, suggest
from converter.readers.source import Source, Span
from converter.targets.splunk.engine.conf import read_stanzas
from converter.targets.splunk.engine.functions.evaluate import compile_expression
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.source_map import ExpandedSource, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.targets.splunk.engine.conf import Setting

MAX_DEPTH = 100  # max_macro_depth of limits.conf.spec
MAX_SIZE = 1_000_000  # characters that all expansions of one search may come to

_CALL = "`"
_TITLE = re.compile(r"([^()\s]+)(?:\(([0-9]{1,3})\))?")
_ARGUMENT_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NAMED = re.compile(r"([A-Za-z0-9_-]+)\s*=(?!=)\s*")
_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|```.*?(?:```|\Z)|\\.|`|[^"`\\]+|.', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_PLAIN_ARGUMENT = re.compile(r'[^"`,()]+')
_NAME = re.compile(r"[^`()\"'|\[\]]*")
_TRUE = frozenset({"1", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "n", "no"})


@dataclass(frozen=True, slots=True)
class Macro:
    """A stanza of macros.conf.

    Attributes:
        name: without the number of arguments.
        arguments: their names, in order.
        definition: the text that it stands for; of one with `iseval`, the expression that gives that text.
        validation: an eval expression over the arguments, or an empty text.
        message: what to say if it fails.
    """

    name: str
    arguments: tuple[str, ...]
    definition: str
    iseval: bool = False
    validation: str = ""
    message: str = ""


Macros: TypeAlias = "Mapping[tuple[str, int], Macro]"
NO_MACROS: Macros = {}


# --- macros.conf ----------------------------------------------------------------------------------------------------


def read_macros(source: str | Mapping[str, str]) -> Macros:
    """Return the macros of a macros.conf, by name and number of arguments.

    Args:
        source: the text of the file; or several texts by name of file; later ones win.

    Raises:
        QueryError: a text is not a .conf file, or a stanza is not a macro; its place is in the file, called `<macros>`
            unless it has a name.
    """
    macros: dict[tuple[str, int], Macro] = {}
    for name, text in ({"<macros>": source} if isinstance(source, str) else source).items():
        try:
            for title, (place, settings) in read_stanzas(text).items():
                macro = _macro(title, place, text, settings)
                macros[macro.name, len(macro.arguments)] = macro
        except QueryError as error:
            if (at := error.place) is not None:
                error.place = Place(name, at.line, at.column, at.source_line, at.length)
            raise
    return macros


def known_macros(source: Macros | str | Mapping[str, str] | None) -> Macros:
    """Return macros given as such, or as text of a macros.conf. Raises QueryError as `read_macros`."""
    if not source:
        return NO_MACROS
    if isinstance(source, str):
        return read_macros(source)
    texts = {key: value for key, value in source.items() if isinstance(key, str) and isinstance(value, str)}
    if texts:
        return read_macros(texts)
    return {key: value for key, value in source.items() if isinstance(key, tuple) and isinstance(value, Macro)}


def _macro(title: str, place: Place, text: str, settings: Mapping[str, Setting]) -> Macro:
    match = _TITLE.fullmatch(title.strip())
    if match is None:
        raise QueryError(f"[{title}] is not the name of a macro", place, "write [name], or [name(2)] for two arguments")
    count = int(match.group(2) or 0)

    def fail(message: str, key: str) -> NoReturn:
        spot = settings.get(key)
        raise QueryError(message, Place.at_offset(text, spot.key_offset, length=len(key)) if spot else place)

    def value(key: str) -> str:
        spot = settings.get(key)
        return spot.value if spot else ""

    names = tuple(name.strip() for name in value("args").split(",")) if count and value("args").strip() else ()
    if len(names) != count:
        fail(f"[{title}] has {count} arguments by its title and {len(names)} by its args", "args")
    for name in names:
        if not _ARGUMENT_NAME.fullmatch(name):
            fail(f"{name!r} is not the name of an argument", "args")
    if len(set(names)) != count:
        fail("two arguments of one name", "args")
    if "definition" not in settings:
        fail(f"the macro [{title}] has no definition", "definition")
    iseval = value("iseval").strip().lower() or "false"
    if iseval not in _TRUE | _FALSE:
        fail(f"iseval is true or false, not {iseval[:20]!r}", "iseval")
    return Macro(
        match.group(1), names, value("definition"), iseval in _TRUE, value("validation").strip(), value("errormsg")
    )


# --- expansion ------------------------------------------------------------------------------------------------------


def expand(text: str, macros: Macros) -> ExpandedSource | None:
    """Return a search with its macros expanded; None if it calls none.

    Raises:
        QueryError: a macro is not defined, is called with the wrong number of arguments or with arguments that its
            validation does not accept, or stands for too much; placed at the call in `text`.
    """
    if _CALL not in text:
        return None
    parts: list[str] = []
    segments: list[Segment] = []
    size = 0
    called = False
    expander = _Expander(macros)
    position = 0
    while position < len(text):
        macro: str | None = None
        piece = _piece(text, position)
        end = position + len(piece)
        if piece == _CALL:
            call = _read_call(text, position, partial(_error, text))
            end = call.end
            span = Span(position, end)
            piece = expander.expand(call, partial(_error, text, span), ())
            macro = call.name
            called = True
        segments.append(Segment(size, Span(position, end), macro))
        parts.append(piece)
        size += len(piece)
        position = end
    return ExpandedSource(text, "".join(parts), segments) if called else None


def _error(text: str, span: Span, message: str, hint: str) -> QueryError:
    return Source(text, QueryError).error(message, span, hint)


def _piece(text: str, position: int) -> str:
    """Return the next piece of a search: a quoted text, a comment, a backtick, or what is between them."""
    match = _PIECE.match(text, position)
    return match.group(0) if match else text[position:]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call: the arguments as written, each with the name that may stand before it, and where the call ends."""

    name: str
    arguments: tuple[str, ...]
    end: int


def _read_call(text: str, start: int, error: Callable[[Span, str, str], QueryError]) -> _Call:
    """Read the call whose first backtick is at `start`."""
    match = _NAME.match(text, start + 1)
    end = match.end() if match else start + 1
    name = text[start + 1 : end].strip()
    arguments: list[str] = []
    if text.startswith("(", end):
        end += 1
        while True:
            argument, end = _argument(text, end, error)
            arguments.append(argument)
            if not text.startswith(",", end):
                break
            end += 1
        if not text.startswith(")", end):
            raise error(Span(start, end), "the arguments of the macro do not end", "close them with )")
        end += 1
        while text[end : end + 1].isspace():
            end += 1
        if arguments == [""]:
            arguments = []
    if not text.startswith(_CALL, end):
        raise error(Span(start, end), "the call of a macro does not end", "a macro is called as `name(a, b)`")
    if not name:
        raise error(Span(start, end + 1), "a macro without a name", "a comment stands between three backticks")
    return _Call(name, tuple(arguments), end + 1)


def _argument(text: str, start: int, error: Callable[[Span, str, str], QueryError]) -> tuple[str, int]:
    """Return an argument as written, and where it ends."""
    position = start
    depth = 0
    while position < len(text):
        here = text[position]
        if match := _QUOTED.match(text, position) or _PLAIN_ARGUMENT.match(text, position):
            position = match.end()
            continue
        if here == '"':
            raise error(Span(position, position + 1), "the quote in an argument of a macro is not closed", "")
        if here == _CALL or (depth == 0 and here in ",)"):
            break
        if here == ",":
            raise error(
                Span(position, position + 1), "a comma inside brackets in an argument of a macro", "quote the argument"
            )
        depth += 1 if here == "(" else -1
        position += 1
    return text[start:position].strip(), position


def _value(argument: str) -> str:
    r"""Return what an argument stands for: without the quotes around it, `\"` and `\\` resolved."""
    quoted = _QUOTED.fullmatch(argument)
    return re.sub(r'\\(["\\])', r"\1", quoted.group(1)) if quoted else argument


class _Expander:
    """Expands the calls of one search."""

    def __init__(self, macros: Macros) -> None:
        self.macros = macros
        self.left = MAX_SIZE

    def expand(self, call: _Call, error: Callable[[str, str], QueryError], outer: tuple[str, ...]) -> str:
        """Return what a call stands for, all the way down."""
        if len(outer) >= MAX_DEPTH:
            raise error(f"macros that call each other more than {MAX_DEPTH} levels deep", " calls ".join(outer[:4]))
        macro = self._find(call, error)
        values = self._bind(macro, call, error)
        if macro.validation:
            self._validate(macro, self._substitute(macro.validation, values, error), error)
        meaning = self._substitute(macro.definition, values, error)
        if macro.iseval:
            result = _evaluate(meaning, macro.name, "definition", error)[0]
            if not isinstance(result, str):
                raise error(f"the macro {macro.name} has an eval definition that gives no text", "")
            meaning = result
            self._count(len(meaning), error)
        if _CALL not in meaning:
            return meaning
        parts: list[str] = []
        position = 0
        while position < len(meaning):
            piece = _piece(meaning, position)
            position += len(piece)
            if piece == _CALL:
                inner = _read_call(
                    meaning, position - 1, lambda _, message, hint: error(f"{message}, in the macro {macro.name}", hint)
                )
                piece = self.expand(inner, error, (*outer, macro.name))
                position = inner.end
            parts.append(piece)
        return "".join(parts)

    def _find(self, call: _Call, error: Callable[[str, str], QueryError]) -> Macro:
        if macro := self.macros.get((call.name, len(call.arguments))):
            return macro
        counts = [str(count) for name, count in self.macros if name == call.name]
        if counts:
            given = len(call.arguments)
            raise error(
                f"the macro {call.name} is called with {given or 'no'} argument{'' if given == 1 else 's'}",
                f"it is defined with {' or '.join(counts)}",
            )
        names = {name for name, _ in self.macros}
        shown = f"({', '.join(call.arguments)})"[:60] if call.arguments else ""
        raise error(
            f"the macro `{call.name}{shown}` has no definition here",
            suggest(call.name, names) or "write out what it stands for, or give a macros.conf that defines it",
        )

    def _bind(self, macro: Macro, call: _Call, error: Callable[[str, str], QueryError]) -> dict[str, str]:
        """Return the values of the arguments by name; `name=value` gives one by name."""
        named: dict[str, str] = {}
        for argument in call.arguments:
            match = _NAMED.match(argument)
            if match and match.group(1) in macro.arguments:
                if match.group(1) in named:
                    raise error(f"the argument {match.group(1)} of the macro {macro.name} is given twice", "")
                named[match.group(1)] = _value(argument[match.end() :])
        if named and len(named) != len(macro.arguments):
            raise error(f"the macro {macro.name} is called with some arguments by name and some without", "")
        return named or dict(zip(macro.arguments, map(_value, call.arguments), strict=True))

    def _substitute(self, definition: str, values: Mapping[str, str], error: Callable[[str, str], QueryError]) -> str:
        """Put arguments in for `$name$`; what is put in is not looked at again."""
        pieces: list[str] = []
        position = 0
        if values:
            expression = re.compile(r"\$(" + "|".join(map(re.escape, values)) + r")\$")
            for match in expression.finditer(definition):
                pieces += (definition[position : match.start()], values[match.group(1)])
                position = match.end()
                self._count(len(pieces[-2]) + len(pieces[-1]), error)
        pieces.append(definition[position:])
        self._count(len(pieces[-1]), error)
        return "".join(pieces)

    def _count(self, size: int, error: Callable[[str, str], QueryError]) -> None:
        self.left -= size
        if self.left < 0:
            raise error(f"the macros of this search stand for more than {MAX_SIZE} characters", "")

    def _validate(self, macro: Macro, validation: str, error: Callable[[str, str], QueryError]) -> None:
        result, kind = _evaluate(validation, macro.name, "validation", error)
        if kind == "bool" or isinstance(result, bool):
            problem = "" if result is True else macro.message or "its validation is not true"
        else:
            problem = "" if result is None else str(result)
        if problem:
            raise error(f"the macro {macro.name} does not accept these arguments: {problem[:200]}", "")


def _evaluate(expression: str, name: str, what: str, error: Callable[[str, str], QueryError]) -> tuple[Any, str]:
    """Return the value of an eval expression without fields, and what kind it was known to be."""
    try:
        source = Source(expression, QueryError)
        scanner = Scanner(source)
        tree = parse_expression(scanner)
        if scanner.peek():
            raise scanner.error(f"unexpected {scanner.describe()}")
        compiled = compile_expression(tree, source)
        return compiled.run({}), compiled.kind
    except QueryError as problem:
        raise error(f"the {what} of the macro {name}: {problem.message}", problem.hint) from None
