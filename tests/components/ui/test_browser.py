"""The pages in a real Chromium: what a person sees, moves, drags, copies and downloads.

Its tests share a server and a browser, and take a while: they run with those of the cluster, and need none.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archsmith.search import parse
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.browser import Page
from archsmith.testing.made_up import CLASSES, finish, made_trial, made_up, with_status
from archsmith.testing.searches import TINY
from archsmith.values import Born, Fidelity, Inherits, Stop, SupernetEpoch, Trial

pytestmark = pytest.mark.cluster  # for its length; it needs none

EVIL = "<script>alert(1)</script>"
AXE = Path(__file__).parents[3] / ".tools" / "axe.min.js"

SHARED = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: shared}
spec:
  data: {name: digits}
  space: {name: cell, cells: 3, channels: 8, nodes: 2, operations: [skip_connect, sep_conv_3x3, max_pool_3x3]}
  strategy: {name: darts, epochs: 6, top: 4}
  estimation: {epochs: 4}
  tracking: {enabled: false}
"""


def text_of(name: str, trials: int) -> str:
    changed = TINY.replace("name: tiny", f"name: {name}").replace(
        "budget: {trials: 6, rounds: 3}", f"budget: {{trials: {trials}}}"
    )
    return changed.replace("layers: {min: 1, max: 2}", "layers: {min: 2, max: 5}").replace("kernels: [3]", "kernels: [3, 5]")


def varied(trial: Trial, rng: np.random.Generator) -> Trial:
    """Make some trials fail, some stop early, and some begin with the weights of others."""
    number = trial.proposal.number
    if number % 9 == 4:
        return with_status(trial, f"DivergedError: the loss is NaN {EVIL}\nit was 0.5 before")
    if number % 7 == 3:
        return replace(trial, status="stopped", stop=Stop(2, "median", 0.4, 0.05), curve=trial.curve[:2])
    if number % 3 == 2:
        parent = made_trial(parse(text_of("rich", 40)), number - number % 3)
        birth = Born(parent.id, 4, 0.7, 0.2, same=True, accuracy=trial.metrics["accuracy"] * float(rng.uniform(0.6, 0.95)))
        return replace(trial, birth=birth, proposal=replace(trial.proposal, origin=Inherits(parent.id)))
    if number % 5 == 0:
        return replace(trial, proposal=replace(trial.proposal, fidelity=Fidelity(1)), curve=trial.curve[:1])
    return trial


def fill(place: str) -> None:
    """Write the searches that the tests look at."""
    store = open_store(place)
    rich = text_of("rich", 40)
    finish(made_up(store, rich, 40, change=varied), parse(rich), [*CLASSES[:3], EVIL, *CLASSES[4:]])
    for time_ in ("202611290100", "202611300100"):
        text = text_of(f"nightly-{time_}", 8).replace("tracking: {enabled: false}", "tracking: {enabled: false, model: nightly}")
        finish(made_up(store, text, 8, seed=3), parse(text))
    shared = made_up(store, SHARED, 4)
    search = parse(SHARED)
    points = {f"normal edge {k}": ("skip_connect", "sep_conv_3x3", "max_pool_3x3") for k in range(5)}
    for epoch in range(1, 7):
        rng = np.random.default_rng(epoch)
        shares = {
            p: dict(zip(options, map(float, rng.dirichlet([1 + epoch, 2, 1])), strict=True)) for p, options in points.items()
        }
        derived = search.space.sample(rng)
        shared.write_supernet_epoch(
            SupernetEpoch(
                epoch, epoch * 20, 2 / epoch, 5.0 * epoch, 2.1 / epoch, 0.5 + epoch / 20, shares, None, 0.3 * epoch, derived
            )
        )
    finish(shared, search)


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = str(tmp_path_factory.mktemp("store"))
    fill(place)
    return place


class Server:
    """`archsmith ui` in a process of its own, which can be ended and started again at the same address."""

    def __init__(self, place: str) -> None:
        self._place, self._port, self._process = place, 0, None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "archsmith", "ui", "--store", self._place, "--port", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        assert "http://" in line
        self.url = line.split()[-1].rstrip("/")
        self._port = int(self.url.rpartition(":")[2])

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._process.stdout.close()


@pytest.fixture(scope="module", name="server")
def _server(place: str) -> Iterator[Server]:
    server = Server(place)
    yield server
    server.end()


@pytest.fixture
def page(window: Page, server: Server) -> Iterator[Page]:
    """A page of the browser; nothing may be said in its console, nor asked of another host, whatever is done with it."""
    yield window
    assert window.said == []
    assert window.hosts() == {server.url.removeprefix("http://")}


def trial_with(place: str, wanted: Callable[[Trial], bool], name: str = "rich") -> Trial:
    return next(t for t in SearchFolder(open_store(place), name).history() if wanted(t))


def addresses(place: str) -> dict[str, tuple[str, str]]:
    """Return every kind of page, and what holds once it is there."""
    failed = trial_with(place, lambda t: t.status == "failed")
    child = trial_with(place, lambda t: t.birth is not None)
    return {
        "list": ("/", "document.querySelectorAll('#searches tbody tr').length >= 3 && !/reading/.test(document.body.innerText)"),
        "search": ("/searches/rich", "document.querySelectorAll('#trials tbody tr').length === 40"),
        "shared": ("/searches/shared", "!document.querySelector('#heat').hidden"),
        "winner": ("/searches/rich/winner", "!!document.querySelector('.matrix')"),
        "trial": (f"/searches/rich/trials/{child.id}", "!!document.querySelector('.picture img').complete"),
        "failed": (f"/searches/rich/trials/{failed.id}", "/DivergedError/.test(document.body.innerText)"),
        "compare searches": ("/compare?search=rich&search=shared", "!!document.querySelector('.plot canvas')"),
        "compare trials": (f"/compare?trial=rich/{child.id}&trial=rich/{failed.id}", "!!document.querySelector('.plot canvas')"),
        "nothing": ("/searches/nothing", "/no search nothing/.test(document.body.innerText)"),
    }  # fmt: skip


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_fits_and_hinders_nobody(page: Page, server: Server, place: str, width: int, dark: bool) -> None:
    page.size(width, 1000, dark=dark)
    for name, (path, there) in addresses(place).items():
        page.open(server.url + path)
        page.wait(there)
        assert page.ask("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.faults(AXE) == [], name
        assert page.small_texts() == [], name


def test_the_list_is_sorted_filtered_and_folded(page: Page, server: Server, place: str) -> None:
    page.open(f"{server.url}/")
    page.wait(addresses(place)["list"][1])
    names = "[...document.querySelectorAll('#searches tbody tr')].map(r => r.cells[1].innerText)"
    page.click("[data-sort=search]")
    assert page.ask(names) == ["nightly: 2 searches of a schedule", "rich", "shared"]
    page.click("[data-sort=search]")
    assert page.ask(names) == ["shared", "rich", "nightly: 2 searches of a schedule"]
    page.click("#searches [aria-expanded]")
    assert page.ask(names)[-2:] == ["nightly-202611300100", "nightly-202611290100"]
    page.ask("document.querySelector('#text').focus()")
    for letter in "rich":
        page.call("Input.insertText", text=letter)
    assert page.wait(f"({names}).length === 1 && {names}[0]") == "rich"


def test_a_search_is_followed_live_from_its_first_trial_to_its_winner(page: Page, server: Server, place: str) -> None:
    search = parse(text_of("live", 6))
    folder = SearchFolder(open_store(place), "live")
    folder.write_search(search.text)
    folder.write_json("space.json", {"id": "live"})
    page.open(f"{server.url}/searches/live")
    page.wait("document.querySelector('#phase').textContent === 'searching'")
    waited = []
    for k in range(6):
        trial = made_trial(search, k)
        folder.write_proposals(k, [trial.proposal])
        assert folder.claim(trial.proposal, "worker-a", 1)
        folder.beat("worker-a", k)
        folder.write_progress(trial.proposal, trial.curve[:1])
        page.wait(f"/#{k}[^]*worker-a/.test(document.querySelector('#running').innerText)")
        begin = time.monotonic()
        assert folder.record(trial)
        folder.clear_progress(trial.id)
        page.wait(f"document.querySelectorAll('#trials tbody tr').length === {k + 1}")
        waited.append(time.monotonic() - begin)
    finish(folder, search)
    page.wait(
        "document.querySelector('#phase').textContent === 'done' && /The winner/.test(document.querySelector('#best').innerText)"
    )
    assert min(waited) < 30, waited  # 1.5 s on a machine that does nothing else
    page.click("#winner-link")
    page.wait("/90.00 %/.test(document.body.innerText) && /Downloads/.test(document.body.innerText)")
    folder.remove()


CHARTS = {
    "incumbent": "trial",
    "cost": "trial",
    "curves": "trial",
    "effects": "mean",
    "family": "trial",
    "shared": "epoch",
    "heat": "%",
}

DOT = """(() => {
  const chart = echarts.getInstanceByDom(document.querySelector('#CHART .plot'));
  const dots = ['scatter', 'line', 'heatmap'];
  const series = chart.getOption().series.map((s, k) => ({...s, k})).filter((s) => s.data?.length && dots.includes(s.type));
  const last = series.at(-1), dot = last.data[0];
  return chart.convertToPixel({seriesIndex: last.k}, dot.value ?? dot);
})()"""
"""Where the first dot of a chart's last series is, within the chart."""


@pytest.mark.parametrize(("chart", "said"), CHARTS.items())
def test_the_pointer_on_a_chart_tells_what_is_there(page: Page, server: Server, chart: str, said: str) -> None:
    page.open(f"{server.url}/searches/{'shared' if chart in {'shared', 'heat'} else 'rich'}")
    page.wait(f"!!document.querySelector('#{chart} canvas')")
    left, top, _, _ = page.place(f"#{chart} .plot")
    x, y = page.ask(DOT.replace("CHART", chart))
    page.move(left + x - 3, top + y)
    page.move(left + x, top + y)
    page.wait(f"[...document.querySelectorAll('#{chart} .tip')].map(e => e.innerText).join().includes({json.dumps(said)})")
    if said == "trial":
        page.wait(f"[...document.querySelectorAll('#{chart} .tip img')].some(e => e.complete && e.naturalWidth > 50)")
        page.press(left + x, top + y)
        page.release(left + x, top + y)
        page.wait("/\\/trials\\//.test(location.pathname) && /Decisions/.test(document.body.innerText)")


def test_dragging_along_an_axis_chooses_trials_everywhere_and_a_click_lets_go(page: Page, server: Server) -> None:
    page.open(f"{server.url}/searches/rich")
    page.wait("!!document.querySelector('#parallel canvas')")
    left, top, width, height = page.place("#parallel .plot")
    axis = left + width - 90  # the last one, of the accuracy
    page.drag((axis, top + 60), (axis, top + 60 + 0.35 * (height - 80)))
    page.wait("/of 40 trials/.test(document.querySelector('#brush-said').innerText)")
    n = page.ask("document.querySelectorAll('#trials tbody tr').length")
    assert 0 < n < 40
    accuracies = page.ask("[...document.querySelectorAll('#trials tbody tr')].map(r => parseFloat(r.cells[5].innerText))")
    least = page.ask("Math.max(...[...document.querySelectorAll('#trials tbody tr')].map(r => parseFloat(r.cells[5].innerText)))")
    assert max(accuracies) == least
    for _ in range(2):  # what is drawn anew is brushed as it was
        page.click("#theme")
        assert page.ask("document.querySelectorAll('#trials tbody tr').length") == n
    left, top, width, height = page.place("#parallel .plot")
    page.move(axis, top + height - 30)
    page.press(axis, top + height - 30)
    page.release(axis, top + height - 30)
    page.wait("document.querySelectorAll('#trials tbody tr').length === 40")


def test_decisions_are_chosen_by_keyboard_as_well(page: Page, server: Server, place: str) -> None:
    page.open(f"{server.url}/searches/rich")
    page.wait("document.querySelectorAll('#trials tbody tr').length === 40")
    page.ask("document.querySelector('#brush-decision').value = 'layers'")
    page.ask("document.querySelector('#brush-decision').dispatchEvent(new Event('change'))")
    page.ask("document.querySelector('#brush-choice').value = '2'; document.querySelector('#brush-add').focus()")
    for kind in ("rawKeyDown", "char", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Enter",
            code="Enter",
            text="\r" if kind == "char" else "",
            windowsVirtualKeyCode=13,
        )
    history = SearchFolder(open_store(place), "rich").history()
    wanted = sum(t.proposal.architecture.choices[0] == 2 for t in history)
    page.wait(f"document.querySelectorAll('#trials tbody tr').length === {wanted}")
    page.click("#brush-clear")
    page.wait("document.querySelectorAll('#trials tbody tr').length === 40")


def test_the_slider_goes_through_the_epochs(page: Page, server: Server) -> None:
    page.open(f"{server.url}/searches/shared")
    assert page.wait("document.querySelector('#epoch-said').textContent") == "epoch 6 of 6"
    page.ask("document.querySelector('#epoch').focus()")
    for _ in range(2):
        page.key("ArrowLeft")
    page.wait("document.querySelector('#epoch-said').textContent === 'epoch 4 of 6'")


def test_a_class_that_is_a_script_is_text(page: Page, server: Server) -> None:
    page.open(f"{server.url}/searches/rich/winner")
    page.wait("document.querySelectorAll('.gallery img').length > 0")
    assert page.ask("[...document.querySelectorAll('.matrix th')].some(e => e.textContent === '<script>alert(1)</script>')")
    assert page.ask("[...document.scripts].every(s => s.src || s.type === 'application/json')")
    page.open(f"{server.url}/searches/rich")
    page.wait("/alert\\(1\\)/.test(document.querySelector('#failures').innerText)")


def test_the_search_file_is_copied_and_the_model_downloaded(page: Page, server: Server, place: str, tmp_path: Path) -> None:
    page.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"], origin=server.url)
    page.open(f"{server.url}/searches/rich")
    page.wait("!document.querySelector('#file').hidden")
    page.call("Page.bringToFront")
    page.click("[data-copy=file-text]")
    page.wait("document.querySelector('[data-copy=file-text]').textContent === 'Copied'")
    assert page.ask("navigator.clipboard.readText()") == parse(text_of("rich", 40)).text

    page.downloads_into(tmp_path)
    page.open(f"{server.url}/searches/rich/winner")
    page.click("a[download='rich.onnx']")
    until = time.monotonic() + 60
    while not (tmp_path / "rich.onnx").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert (tmp_path / "rich.onnx").read_bytes() == b"rich model.onnx"


def test_the_theme_can_be_switched_and_stays(page: Page, server: Server) -> None:
    page.open(f"{server.url}/searches/rich")
    page.wait("!!document.querySelector('#incumbent canvas')")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.ask(ground)
    page.click("#theme")
    assert page.wait(f"{ground} !== {json.dumps(light)} && {ground}")
    page.open(f"{server.url}/")
    assert page.ask(ground) != light
    page.click("#theme")
    assert page.ask(ground) == light


def test_what_is_damaged_or_deleted_while_it_is_looked_at_is_said_and_it_goes_on(page: Page, server: Server, place: str) -> None:
    text = text_of("passing", 4)
    folder = made_up(open_store(place), text, 4)
    page.open(f"{server.url}/searches/passing")
    page.wait("document.querySelectorAll('#trials tbody tr').length === 4")
    (name,) = (key.removeprefix(folder.key("")) for key in folder.store.list(folder.key("history/")))
    whole = folder.get("search.yaml")
    folder.put("search.yaml", b"nonsense: [")
    page.wait("/search.yaml/.test(document.querySelector('#state').innerText)")
    assert page.ask("document.querySelectorAll('#trials tbody tr').length") == 4
    folder.put("search.yaml", whole)
    page.wait("document.querySelector('#state').innerText === ''")

    folder.remove()
    page.wait("/no search passing/.test(document.querySelector('#state').innerText)")
    assert name
    made_up(open_store(place), text, 3, seed=5)
    page.wait("document.querySelectorAll('#trials tbody tr').length === 3 && document.querySelector('#state').innerText === ''")
    folder.remove()


def test_a_page_goes_on_after_its_server_was_started_anew(window: Page, server: Server) -> None:
    window.open(f"{server.url}/searches/rich")
    window.wait("document.querySelectorAll('#trials tbody tr').length === 40")
    server.end()
    window.wait("/does not answer/.test(document.querySelector('#state').innerText)")
    server.start()
    window.wait(
        "document.querySelector('#state').innerText === '' && document.querySelectorAll('#trials tbody tr').length === 40"
    )


def test_a_store_that_is_away_is_said_on_the_page(page: Page, tmp_path: Path, place: str, server: Server) -> None:
    moved = f"{place}-away"
    page.open(f"{server.url}/searches/shared")
    page.wait("!document.querySelector('#heat').hidden")
    shutil.move(f"{place}/searches", moved)
    try:
        page.wait("document.querySelector('#state').innerText !== ''", 60)
        assert page.ask("!document.querySelector('#heat').hidden")
    finally:
        shutil.move(moved, f"{place}/searches")
    page.wait("document.querySelector('#state').innerText === ''", 60)
