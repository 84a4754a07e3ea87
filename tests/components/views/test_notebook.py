from typing import Any

from archsmith.views import notebook
from archsmith.views.snapshot import Snapshot


def test_a_notebook_shows_a_bar_in_place(staged: Any) -> None:
    shown: list[list[str]] = []

    def display(text: str) -> Any:
        shown.append([text])
        return shown[-1].append

    with notebook.watching(display) as watch:
        for accuracy in (0.5, "X: <y>", 0.75):
            staged.run(accuracy)
            watch(Snapshot.read(staged.folder, staged.search))
    (texts,) = shown  # one display, which is replaced
    assert [f'max="6" value="{n}"' in text for n, text in zip((1, 2, 3), texts, strict=True)] == [True] * 3
    assert "trials 3 of 6, 1 failed" in texts[-1]
    assert "best: trial 2, accuracy 0.75" in texts[-1]


def test_what_is_said_is_no_html(staged: Any) -> None:
    staged.run("X: <b>.")
    assert "<b>." not in notebook.page(Snapshot.read(staged.folder, staged.search))


def test_this_is_no_notebook() -> None:
    assert not notebook.is_here()
