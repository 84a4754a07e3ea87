"""What the first step finds out about the images, for the steps that need none themselves."""

import json
from dataclasses import dataclass

from archsmith.stores.folder import SearchFolder


@dataclass(frozen=True, slots=True)
class Facts:
    """What networks are built for."""

    input_shape: tuple[int, int, int]
    """Channels, height and width."""
    classes: tuple[str, ...]
    """Names of the classes."""

    @classmethod
    def of(cls, folder: SearchFolder) -> "Facts | None":
        """Read them; None where the search has no images and does not say what they would be like."""
        raw = json.loads(folder.get("space.json"))["data"]
        return cls(tuple(raw["input_shape"]), tuple(raw["classes"])) if raw else None
