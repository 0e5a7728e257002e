"""What rendering one template may cost: steps, and the size of each text it makes."""

from __future__ import annotations

from typing import Any

from converter.readers.limits import current, raises

_CHARACTERS_A_STEP = 256
# What grows with the data that a template is given may take as many steps for each character as it needs to print it.
_CHARACTERS_GIVEN_A_STEP = 8
_STEPS_AN_ITEM = 200


class TemplateError(Exception):
    """A template cannot be rendered.

    Attributes:
        line: of the template, from 1; 0 if it is not known.
        hint: what to do about it.
    """

    def __init__(self, message: str, line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class Budget:
    """The steps that are left for one rendering, and how large a text may become."""

    __slots__ = ("left", "most")

    def __init__(self, items: int = 0, characters: int = 0) -> None:
        """Give a template its steps, and more of them for the items and characters that it is given to print."""
        limits = current()
        self.left = limits.template_steps + items * _STEPS_AN_ITEM + characters // _CHARACTERS_GIVEN_A_STEP
        self.most = limits.value_bytes

    def spend(self, steps: int = 1) -> None:
        """Take steps. Raises TemplateError if none are left."""
        self.left -= steps
        if self.left < 0:
            raise TemplateError("the template takes too many steps", 0, raises("template-steps"))

    def allow(self, size: int) -> None:
        """Raise TemplateError if a text or a list of this size is too large; otherwise take its steps."""
        if size > self.most:
            raise TemplateError("the template makes a text that is too large", 0, raises("value-bytes"))
        self.spend(size // _CHARACTERS_A_STEP)

    def look(self, *values: Any) -> None:
        """Take the steps that it costs to look at values, and at all that is in them."""
        for value in values:
            if isinstance(value, list | tuple | dict):
                self.spend(self._size(value, self.left))
            elif isinstance(value, str):
                self.spend(len(value) // _CHARACTERS_A_STEP)

    @staticmethod
    def _size(value: Any, most: int) -> int:
        """Return the size of a value in steps, a value that is in it twice counted twice; stop beyond `most`."""
        size = 0
        stack = [value]
        while stack and size <= most:
            item = stack.pop()
            size += 1
            if isinstance(item, str):
                size += len(item) // _CHARACTERS_A_STEP
            elif isinstance(item, list | tuple):
                stack.extend(item[: most + 1])
            elif isinstance(item, dict):
                for pair in item.items():
                    stack.extend(pair)
        return size
