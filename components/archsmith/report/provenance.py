"""What made a search, so that it can be made again."""

from collections.abc import Sequence
from importlib import metadata

from archsmith.report.data import ReportData
from archsmith.spec import API_VERSION
from archsmith.spec.yaml_document import write_yaml

_DISTRIBUTIONS = ("archsmith", "torch", "torchvision", "numpy", "onnx", "onnxruntime", "kfp", "mlflow")


def versions() -> Sequence[tuple[str, str]]:
    """Return the installed versions of what a search depends on; nothing is imported for it."""
    return [(name, found) for name in _DISTRIBUTIONS if (found := _version(name))]


def devices(data: ReportData) -> str:
    """Return what the trials and the model were trained on."""
    used = [t.device for t in data.history] + ([data.model.device] if data.model else [])
    return ", ".join(dict.fromkeys(filter(None, used)))


def search_file(data: ReportData) -> str:
    """Return the search file: what was set in it, as YAML."""
    spec = data.spec.model_dump(mode="json", exclude_unset=True)
    raw = {"apiVersion": API_VERSION, "kind": "Search", "metadata": {"name": data.name}, "spec": spec}
    return write_yaml(raw)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
