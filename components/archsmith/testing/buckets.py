"""A bucket in memory, for tests of what reads data from S3."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InMemoryObject:
    """An object as it was listed."""

    key: str
    """Its whole key."""
    etag: str
    """Changes with the content."""
    size: int
    """Bytes."""


@dataclass
class InMemoryBucket:
    """The objects of a bucket. It takes any key, as S3 does and MinIO does not, and notes what is read."""

    objects: dict[str, bytes]
    """The content of each object, by key; it may be changed."""
    endpoint: str = "http://memory"
    """URL of the server that it is said to be on."""
    fetched: list[str] = field(default_factory=list)
    """Keys of the objects that were read."""

    def open(self, name: str) -> "InMemoryBucket":
        """Return itself, whatever the bucket is called."""
        del name
        return self

    def find(self, key: str) -> InMemoryObject | None:
        """Return the object of this very key."""
        return next((each for each in self.list(key) if each.key == key), None)

    def list(self, prefix: str) -> "list[InMemoryObject]":
        """Return the objects whose keys begin with `prefix`."""
        found = sorted((key, data) for key, data in self.objects.items() if key.startswith(prefix))
        return [InMemoryObject(key, str(hash(data)), len(data)) for key, data in found]

    def read(self, listed: InMemoryObject) -> bytes:
        """Return an object's content."""
        self.fetched.append(listed.key)
        return self.objects[listed.key]
