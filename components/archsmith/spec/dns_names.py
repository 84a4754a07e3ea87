"""Names that Kubernetes takes."""

import hashlib

LONGEST = 63
"""Characters of a label of DNS; labels of Kubernetes hold no more either."""


def dns_name(name: str, suffix: str = "", longest: int = LONGEST) -> str:
    """Return `name-suffix` within `longest` characters; a name that is too long ends in a digest of its own."""
    end = f"-{suffix}" if suffix else ""
    room = longest - len(end)
    if len(name) > room:
        digest = hashlib.sha256(name.encode()).hexdigest()[:6]
        name = f"{name[: room - 7].rstrip('-')}-{digest}"
    return f"{name}{end}"
