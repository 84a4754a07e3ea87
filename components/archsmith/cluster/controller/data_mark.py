"""Whether a search would find other data than the last one: what lies in a bucket is listed, and nothing is read."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from archsmith.cluster.controller.standing import ONCE
from archsmith.errors import ArchsmithError, TransientError
from archsmith.machine.local_files import is_remote
from archsmith.search import Search
from archsmith.stores.s3_objects import S3Object, S3Objects

Listing = Callable[[str], Sequence[S3Object]]
"""Lists what an s3:// URI names: an object, or those below it."""

log = logging.getLogger(__name__)


def listed(uri: str) -> Sequence[S3Object]:
    """List the object at an s3:// URI, or else those below it, with the credentials of the environment."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    objects, key = S3Objects.open(bucket, backoff=ONCE), key.rstrip("/")
    one = objects.find(key) if key else None
    return [one] if one is not None else objects.list(f"{key}/" if key else "")


def mark_of(search: Search, asked: str, image: str, volumes: Sequence[Mapping[str, Any]], listing: Listing = listed) -> str:
    """Return what tells the data of a search, and all that is asked of it, from others; empty where that can't be told.

    Data in a bucket are told by the keys, ETags and sizes of its objects. Those that come with Archsmith, and what lies in the
    image, change with the image. What lies in a volume of the pods can't be seen from here, nor what the bucket refuses to list.

    Args:
        search: The search.
        asked: A digest of its spec.
        image: The image of its pods.
        volumes: Volumes of the pods, as Kubernetes mounts them.
        listing: Lists what an s3:// URI names.

    Raises:
        TransientError: The bucket does not answer now.
    """
    seen = [_seen(path, key, volumes, listing) for key, path in _paths(search).items()]
    if any(found is None for found in seen):
        return ""
    return hashlib.sha256(json.dumps([asked, image, seen]).encode()).hexdigest()[:16]


def _paths(search: Search) -> dict[str, str]:
    """Return where a search reads from, by key: its images, and the table in their place."""
    data = {"data.path": search.spec.data.path or ""} if search.spec.data else {}
    return {**data, **({"estimation.path": search.table.path} if search.table else {})}


def _seen(path: str, key: str, volumes: Sequence[Mapping[str, Any]], listing: Listing) -> str | None:
    try:
        if not is_remote(path, key):
            mounted = any(PurePosixPath(path).is_relative_to(str(volume.get("mountPath", "/"))) for volume in volumes)
            return None if mounted else path
        found = listing(path)
    except TransientError:
        raise
    except ArchsmithError as error:
        log.warning("Whether the data at %s have changed can't be told: %s", path, error)
        return None
    rows = sorted((each.key, each.etag, each.size) for each in found)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
