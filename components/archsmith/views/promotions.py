"""What has become of a search's winner in MLflow, as its folder has it."""

from dataclasses import replace
from typing import Any

from archsmith.stores.folder import SearchFolder
from archsmith.values.outcome import TrainedModel
from archsmith.values.promotion import Judgement

FILE = "promotion.json"


def note_promotion(folder: SearchFolder, model: TrainedModel, judgement: Judgement) -> None:
    """Note what becomes of a model."""
    folder.write_json(FILE, {"of": model.mark, **judgement.to_dict()})


def note_version(folder: SearchFolder, model: TrainedModel, uri: str) -> None:
    """Note which version a model has become, by its URI, where it is noted what has become of it."""
    version = uri.rpartition("/")[2]
    known = promotion_of(folder, model)
    if known is not None and known.version != version:
        note_promotion(folder, model, replace(known, version=version))


def promotion_of(folder: SearchFolder, model: TrainedModel) -> Judgement | None:
    """Return what has become of a model; None where that is not known, or is known of an earlier one.

    Raises:
        CorruptObjectError: What was noted is damaged.
    """

    def read(raw: Any) -> Judgement | None:
        return Judgement.from_dict(raw) if raw["of"] == model.mark else None

    return folder.read_value(FILE, read)
