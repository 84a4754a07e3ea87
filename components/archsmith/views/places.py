"""Where people find what a search has led to."""

from archsmith.search import Search
from archsmith.stores.folder import SearchFolder
from archsmith.views.tracking_place import place_of_tracking


def places(folder: SearchFolder, search: Search, store: str) -> dict[str, str]:
    """Return where a person finds what."""
    retrain = search.spec.retrain
    tracking = place_of_tracking(folder, search, store)
    exports = {"model": folder.uri("best/model.pt2"), "onnx": folder.uri("best/model.onnx")}
    return {
        **(exports if search.retrains else {}),
        **({"front": folder.uri("front")} if search.retrains and (retrain.front > 1 or retrain.trial is not None) else {}),
        **({"references": folder.uri("references")} if search.has_references else {}),
        "architecture": folder.uri("best/architecture.json"),
        "report": folder.uri("report/index.html"),
        "store": folder.uri("search.yaml").removesuffix("/search.yaml"),
        **({"mlflow": tracking} if tracking else {}),
    }


def present(folder: SearchFolder, search: Search, store: str) -> dict[str, str]:
    """Return the places that `places` has, without those where nothing is yet."""
    root = folder.uri("search.yaml").removesuffix("search.yaml")
    named = places(folder, search, store)
    kinds = {place.removeprefix(root).partition("/")[0] for place in named.values() if place.startswith(root)}
    there = {folder.store.uri(key) for kind in kinds for key in folder.store.list(folder.key(f"{kind}/"))}
    there |= {root + kind for kind in kinds if any(place.startswith(f"{root}{kind}/") for place in there)}
    return {name: place for name, place in named.items() if not place.startswith(root) or place in there}
