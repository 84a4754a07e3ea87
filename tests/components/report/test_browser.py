"""A report in a real Chromium: what is said at the pointer and by the keyboard, what is enlarged, dragged and sorted.

Its tests share a browser, and take a while: they run with those of the cluster, and need none.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archsmith.report import ReportData, render
from archsmith.testing.browser import Page

pytestmark = pytest.mark.cluster  # for its length; it needs none

ATTACK = "<script>alert(1)</script><img src=https://evil.example/x>"
AXE = Path(__file__).parents[3] / ".tools" / "axe.min.js"
PICTURE = '[data-picture="pareto-n-params"]'
TIP = "(() => { const t = document.querySelector('.tip'); return t.hidden ? '' : t.textContent; })()"
BOX = f"document.querySelector('{PICTURE} svg').getAttribute('viewBox').split(' ').map(Number)"

Make = Callable[..., ReportData]


@pytest.fixture(scope="module", name="data")
def _data(search: Make) -> ReportData:
    """Make a search of many trials, all of whose texts that users choose are markup."""
    both = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "goal": "minimize"})
    return search(40, [f"it broke {ATTACK}"], name=ATTACK, classes=[ATTACK, "dog"], objectives=both)


@pytest.fixture(scope="module", name="address")
def _address(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(render(data), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def page(window: Page, address: str) -> Iterator[Page]:
    """The report, opened; nothing may be said in the browser's console, nor asked of anybody."""
    window.open(address)
    yield window
    assert window.said == []
    assert set(window.requests) <= {address}


def spots(page: Page) -> list[tuple[float, float, str]]:
    """Return where in the window the places of the picture are, and what is said there, as its JSON has it."""
    page.place(PICTURE)
    script = (
        "(() => { const { said, pictures } = JSON.parse(document.getElementById('spots').textContent);"
        " const m = document.querySelector('" + PICTURE + " svg').getScreenCTM(); const flat = pictures['pareto-n-params'];"
        " const out = []; for (let k = 0; k < flat.length; k += 3) {"
        " const p = new DOMPoint(flat[k] / 10, flat[k + 1] / 10).matrixTransform(m); out.push([p.x, p.y, said[flat[k + 2]]]); }"
        " return out; })()"
    )
    return [(x, y, said) for x, y, said in page.ask(script)]


def alone(places: list[tuple[float, float, str]]) -> tuple[float, float, str]:
    """Return the place that is farthest from all others, so that a pointer on it means it and no other."""
    return max(places, key=lambda p: min((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 for q in places if q is not p))


def test_the_trial_at_the_pointer_is_said_and_marked_in_all_pictures(page: Page, data: ReportData) -> None:
    x, y, said = alone(spots(page))
    page.move(x + 2, y - 2)
    assert page.wait(TIP) == said
    trial = next(t for t in data.history if said.startswith(f"trial #{t.proposal.number}"))
    assert f"accuracy {100 * trial.metrics['accuracy']:.2f} %" in said
    marked = page.ask("[...document.querySelectorAll('.ring')].map((r) => r.closest('[data-picture]').dataset.picture)")
    assert {"pareto-n-params", "pareto-latency", "incumbent-trials", "incumbent-seconds"} <= set(marked)
    # The tip lies within the window, and the mark is where the pointer is.
    left, top, right, bottom = page.ask("(() => { const r = document.querySelector('.tip').getBoundingClientRect();"
                                        " return [r.left, r.top, r.right, r.bottom]; })()")  # fmt: skip
    assert left >= 0
    assert top >= 0
    assert right <= 1400
    assert bottom <= 1000
    cx, cy = page.ask("(() => { const r = document.querySelector('" + PICTURE + " .ring').getBoundingClientRect();"
                      " return [r.left + r.width / 2, r.top + r.height / 2]; })()")  # fmt: skip
    assert abs(cx - x) < 1
    assert abs(cy - y) < 1
    page.move(5, 5)
    page.wait(f"{TIP} === ''")


def test_the_arrow_keys_go_through_the_places_from_left_to_right(page: Page) -> None:
    places = sorted(spots(page), key=lambda p: (p[0], -p[1]))
    page.ask(f"document.querySelector('{PICTURE}').focus()")
    for k in range(3):
        page.key("ArrowRight")
        assert page.ask(TIP) == places[k][2]
    page.key("End")
    assert page.ask(TIP) == places[-1][2]
    page.key("Escape")
    assert page.ask(TIP) == ""


def test_a_picture_is_enlarged_around_the_pointer_dragged_and_shown_whole_again(page: Page) -> None:
    x, y, said = alone(spots(page))
    whole = page.ask(BOX)
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-200, modifiers=2)
    box = page.wait(f"{BOX}[2] < {whole[2]} && {BOX}")
    assert box[2] / whole[2] == pytest.approx(box[3] / whole[3])
    after = next(p for p in spots(page) if p[2] == said)
    assert abs(after[0] - x) < 1.5
    assert abs(after[1] - y) < 1.5
    left, top, width, height = page.place(PICTURE)
    page.drag((left + width / 2, top + height / 2), (left + width / 2 - 60, top + height / 2 - 30))
    moved = page.ask(BOX)
    assert (moved[0], moved[1]) != (box[0], box[1])
    assert 0 <= moved[0] <= whole[2] - moved[2]
    assert 0 <= moved[1] <= whole[3] - moved[3]
    page.click(f"{PICTURE} + .zoom button:first-child")
    assert page.ask(BOX) == pytest.approx(whole)
    page.click(f"{PICTURE} + .zoom button:last-child")
    assert page.ask(BOX)[2] == pytest.approx(whole[2] / 1.6)


def test_the_wheel_alone_moves_the_page_and_nothing_in_it(page: Page) -> None:
    x, y, _ = alone(spots(page))
    whole, before = page.ask(BOX), page.ask("scrollY")
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-300)
    page.wait(f"scrollY < {before}")
    assert page.ask(BOX) == whole


def test_the_leaderboard_is_sorted_by_any_column_as_numbers_where_it_holds_numbers(page: Page, data: ReportData) -> None:
    board = "[...document.querySelectorAll('table.sortable')].find((t) => t.querySelector('th').textContent.startsWith('rank'))"
    page.ask(f"{board}.id = 'board'; true")
    read = "[...document.querySelectorAll('#board tbody tr')].map((r) => r.cells[{}].textContent)"
    shown = data.ranked[:20]
    for column, metric in ((3, "n_params"), (2, "accuracy")):
        button = f"#board th:nth-child({column + 1}) .sort"
        for sign in (-1, 1):
            page.click(button)
            expected = [f"#{t.proposal.number}" for t in sorted(shown, key=lambda t: sign * t.metrics[metric])]
            assert page.ask(read.format(1)) == expected
    assert page.ask("document.querySelector('#board th:nth-child(3)').getAttribute('aria-sort')") == "ascending"
    latency = page.ask("[...document.querySelectorAll('#board th')].findIndex((h) => h.textContent === 'latency')")
    page.click(f"#board th:nth-child({latency + 1}) .sort")
    by_latency = [f"#{t.proposal.number}" for t in sorted(shown, key=lambda t: -t.metrics["latency_s"])]
    assert page.ask(read.format(1)) == by_latency  # some are of microseconds, and some of milliseconds


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_is_too_wide_and_axe_finds_no_serious_fault(page: Page, width: int, dark: bool) -> None:
    page.size(width, 900, dark=dark)
    assert page.ask("document.documentElement.scrollWidth") <= width
    page.ask(f"document.querySelector('{PICTURE}').focus()")
    page.key("ArrowRight")
    assert page.ask(TIP)
    assert page.faults(AXE) == []
    # An SVG's letters are measured in its own units, and shown larger: their picture is drawn for the width of a page.
    assert [text for text in page.small_texts() if not text.startswith(("<text", "<tspan"))] == []


def test_without_scripts_it_says_as_much(window: Page, address: str, data: ReportData) -> None:
    window.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(address)
        text = window.ask("document.body.innerText")
    finally:
        window.call("Emulation.setScriptExecutionDisabled", value=False)
    assert all(f"#{t.proposal.number}" in text for t in data.ranked[:20])
    assert not re.search("Point at a picture|Show all of it", text)
