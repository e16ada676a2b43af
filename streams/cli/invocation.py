"""What one run of the command line was told before its command began."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.settings import Settings


@dataclass
class Invocation:
    """Options that stand before the command; `settings()` puts them on top of the environment."""

    debug: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)

    def settings(self, **more: Any) -> Settings:
        """Settings for a command; options that were not given (None) do not override anything."""
        from streams.settings import load_settings

        given = {key: value for key, value in more.items() if value is not None}
        return load_settings(**self.overrides, **given)
