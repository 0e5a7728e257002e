"""Log sources as Sigma names them: what a rule is about, and where a log comes from."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_PARTS = 3


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log source: product, category, service; each may be absent."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    @classmethod
    def parse(cls, text: str) -> LogSource:
        """Read `product`, `product/service` or `product/category/service`; a part may be empty.

        Raises:
            ValueError: more than three parts, or all of them empty.
        """
        parts = [part.strip() or None for part in text.split("/")]
        if len(parts) > _MAX_PARTS or not any(parts):
            raise ValueError(f"{text!r} is not a log source")
        if len(parts) < _MAX_PARTS:
            return cls(parts[0], None, parts[1] if len(parts) > 1 else None)
        return cls(parts[0], parts[1], parts[2])

    def __str__(self) -> str:
        return "/".join(part for part in (self.product, self.category, self.service) if part) or "any"
