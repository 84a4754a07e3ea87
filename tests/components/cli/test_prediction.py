from collections.abc import Callable
from pathlib import Path

from PIL import Image

Run = Callable[..., tuple[int, str, str]]


def test_predict_says_what_is_missing_or_wrong(run: Run, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    (tmp_path / "model.pt2").write_text("hello")
    status, _, err = run("predict", "none.pt2", "x.png")
    assert status == 2
    assert err == "archsmith: There is no model at 'none.pt2'; `archsmith show NAME` says where a search has put its own.\n"
    status, _, err = run("predict", "model.pt2", "x.png")
    assert status == 1
    assert err.startswith("archsmith: model.pt2: This is no model exported by Archsmith, or it is damaged: ")
    status, _, err = run("predict", "model.pt2")
    assert status == 2
    assert "Missing argument 'IMAGES...'" in err
