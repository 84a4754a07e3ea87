"""The page as a whole."""

import hashlib
import json
import math
import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import yaml
from scipy import stats

from archsmith.report import ReportData, facts, pictures, render
from archsmith.report.pictures import SOMETIMES
from archsmith.report.pictures.gains import gains
from archsmith.report.pictures.incumbent import best_so_far
from archsmith.selection import select
from archsmith.testing.references import NOT_WORTH_IT, WORTH_IT, worth
from archsmith.values import EpochRecord, Fidelity, GoesOn, SupernetEpoch, Trial
from archsmith.values.data_facts import DataFacts, LeftOut
from archsmith.values.findings import Finding
from archsmith.values.outcome import Example, Selection, UntrainedWinner
from archsmith.values.proposals import SHARED
from archsmith.values.references import Gain

BOTH = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "goal": "minimize"})
Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]
VOID = {"meta", "link", "br", "hr", "img", "input"}
ATTACK = '<script>alert("x")</script><img src=https://evil.example/x>'


class _Page(HTMLParser):
    """Reads a page: tags that are not closed, attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _svgs(page: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)


@pytest.fixture(scope="module")
def data(search: Make) -> ReportData:
    """Make a search of many trials, one of them failed."""
    return search(30, ["it broke"])


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    """Render its page, for all tests that look at one of an ordinary search."""
    return render(data)


@pytest.fixture(scope="module")
def attacked(search: Make) -> str:
    """Render a page all of whose texts that users choose are markup."""
    places = {ATTACK: ATTACK, "model": f"/{ATTACK}", "onnx": "s3://bucket/model.onnx", "mlflow": "https://mlflow.example/"}
    counts = {"train": (3, 4), "validation": (1, 1), "test": (2, 2)}
    facts = DataFacts(
        (3, 9, 9),
        (ATTACK, "b"),
        counts,
        left_out=(LeftOut(ATTACK, ATTACK, 2),),
        warnings=(ATTACK,),
        findings=(Finding(ATTACK, ATTACK),),
    )
    examples = [Example(b"png", 0, 1, 0.75), Example(b"png", 0, 0, 0.5)]
    return render(search(5, [ATTACK], name=ATTACK, classes=[ATTACK, "b"], places=places, images=facts, examples=examples))


def test_every_tag_is_closed_and_each_picture_is_xml(page: str) -> None:
    assert _Page(page).open == []
    assert len(_svgs(page)) == 8
    for svg in _svgs(page):
        ElementTree.fromstring(svg)


def test_ids_are_unique_and_what_refers_to_one_finds_it_in_its_own_picture(page: str) -> None:
    ids = [value for name, value in _Page(page).attributes if name == "id"]
    assert [i for i, n in Counter(ids).items() if n > 1] == []
    for svg in _svgs(page):
        own = set(re.findall(r' id="([^"]*)"', svg))
        assert set(re.findall(r'(?:url\(|href=")#([^)"]*)', svg)) <= own


def test_nothing_is_loaded_from_anywhere_and_no_script_runs_but_its_own(attacked: str) -> None:
    read = _Page(attacked)
    assert not {"link", "iframe", "object"} & set(read.tags)
    (script,) = re.findall(r"<script>(.*?)</script>", attacked, flags=re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall(r'Content-Security-Policy" content="([^"]*)"', attacked) == [
        f"default-src &#39;none&#39;; script-src &#39;sha256-{digest}&#39;; style-src &#39;unsafe-inline&#39;; img-src data:;"
        " base-uri &#39;none&#39;; form-action &#39;none&#39;"
    ]
    assert read.tags["script"] == 2
    assert not re.search(r"fetch|XMLHttpRequest|innerHTML|eval|import|https?://(?!www\.w3\.org/2000/svg)", script)
    references = [v or "" for name, v in read.attributes if name in {"src", "href", "xlink:href", "srcset", "action"}]
    assert all(v.startswith(("#", "data:image/png;base64,")) for v in references)
    assert read.tags["img"] == 2
    assert not re.search(r"url\((?!#)|@import", attacked)
    assert not [name for name, _ in read.attributes if name.startswith("on")]


@pytest.mark.cluster  # for its length; it needs none
def test_all_trials_can_be_pointed_at_and_thousands_of_them_cost_less_than_a_megabyte(search: Make) -> None:
    few, n = 50, 400
    sizes = []
    for trials in (few, n):
        page = render(search(trials, ["it broke"]))
        (packed,) = re.findall(r'<script type="application/json" id="spots">(.*?)</script>', page, flags=re.DOTALL)
        (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
        sizes.append(len(packed.encode()) + len(script.encode()))
    found = json.loads(packed)
    for name in ("incumbent-trials", "incumbent-seconds", "pareto-n-params", "pareto-latency"):
        assert len(set(found["pictures"][name][2::3])) >= n
    assert sum(text.startswith("trial #") and "\naccuracy " in text for text in found["said"]) == n
    assert [text for text in found["said"] if "failed: it broke" in text]
    each = (sizes[1] - sizes[0]) / (n - few)
    assert sizes[0] + 4_500 * each < 1_000_000


def test_names_and_errors_are_text_and_never_markup(attacked: str) -> None:
    assert ATTACK not in attacked
    assert "<img src=https" not in attacked
    assert ATTACK in "".join(_Page(attacked).text)


@pytest.fixture(scope="module")
def rich(search: Make) -> ReportData:
    """Make a search of which everything is known that there is to know."""
    names = [f"class {k}" for k in range(20)]
    counts = {"train": tuple(range(50, 70)), "validation": (6,) * 20, "test": (2,) * 19 + (4,)}
    left = (LeftOut("train/cat", "not an image", 3),)
    facts = DataFacts((3, 32, 24), tuple(names), counts, ("train", "test"), left, warnings=("Two images are alike.",))
    data = search(12, objectives=BOTH, classes=names, images=facts)
    winner, other = data.ranked[:2]
    assert data.model is not None
    others = {other.id: replace(data.model, trial=other.id, metrics={"test_accuracy": 0.8765})}
    return replace(data, others=others, selection=Selection(winner.id, (winner.id, other.id), "", (other.id,)))


@pytest.fixture(scope="module")
def told(rich: ReportData) -> str:
    """Return the text of its page."""
    return "".join(_Page(render(rich)).text)


def test_it_says_how_many_images_there_are_which_splits_are_the_sources_own_and_what_was_left_out(told: str) -> None:
    assert "1,190 to train, 120 to validate (20 % split off), 42 to test\n" in told.replace("Left out", "\n")
    assert "3 in train/cat: not an image" in told
    assert "Two images are alike." in told


def test_what_was_trained_beside_the_winner_is_listed_with_its_folder(rich: ReportData, told: str) -> None:
    assert "87.65 %" in told
    assert f"front/{rich.selection.others[0]}" in told


def test_the_confusion_of_many_classes_is_a_list_of_mistakes(search: Make, told: str) -> None:
    many = "".join(_Page(render(search(3, classes=[f"class {k}" for k in range(21)]))).text)
    assert ("Confusion of the test images" in told, "Confusion of the test images" in many) == (True, False)
    assert "The most frequent mistakes" in many


def test_letters_of_an_architecture_are_drawn_at_eleven_pixels_at_least(page: str) -> None:
    architecture = re.search(r'<div class="figure graph"[^>]*>(.*?)</div>', page, flags=re.DOTALL)
    assert architecture
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:\w+ )?([0-9.]+)px", architecture[1])]
    assert min(sizes) * 4 / 3 >= 11  # a unit of the picture is a point, and it is not made smaller
    assert "max-width" not in page[: page.index("@media")].partition(".figure svg {")[2].partition("}")[0]


def test_every_failed_trial_is_there_with_its_reason(search: Make) -> None:
    errors = [f"DivergedError: the loss is nan at step {i}; lower `learning_rate`" for i in range(7)]
    errors.append("OutOfMemoryError: 3 < 4")
    text = "".join(_Page(render(search(3, errors))).text)
    assert all(error in text for error in errors)


def test_the_leaderboard_shows_twenty_and_holds_all(data: ReportData, page: str) -> None:
    shown, whole = page.split("All 30 trials with metrics")
    for rank, trial in enumerate(data.ranked, 1):
        assert (f"<code>{trial.id}</code></td>" in shown) == (rank <= 20)
        assert f"<code>{trial.id}</code></td>" in whole


def test_what_rungs_stopping_and_checkpoints_have_avoided_is_a_table(search: Make, trial: MakeTrial) -> None:
    low = [trial(k, proposal=replace(trial(k).proposal, fidelity=Fidelity(1))) for k in range(3)]
    high = trial(0, proposal=replace(low[0].proposal, fidelity=Fidelity(4), origin=GoesOn(low[0].id, 1), number=3))
    told = render(search(0, others=[*low, high], full=Fidelity(4)))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", told[told.index("Training spent, and avoided") :])
    # two of three end after 1 of 4 epochs, and the other one is trained for 4 in all, as it goes on
    assert "|".join(cells[:20]) == "1 epoch|3|1|3|15 s|6||4 epochs|1||3|5.0 s||1|in all|4|1|6|20 s|6"
    assert "avoided 6 by rungs, about 30 s; 1 not trained again, going on from checkpoints" in told
    assert "measured 3 of 1.7 × 10¹⁰ architectures of the chain space on digits in 4 trials, in 15 s." in told
    assert "Training spent" not in render(search(2, full=Fidelity(4, data=0.5)))


def test_a_search_over_a_table_has_ended_though_nothing_is_trained(search: Make) -> None:
    data = search(3, trained=False)
    assert facts.outcome(data) == "not finished"
    first = data.history.trials[0]
    won = UntrainedWinner(first.id, first.proposal.architecture, {})
    assert facts.outcome(replace(data, untrained=won)) == "ended before its budget was used"


def test_the_time_of_shared_weights_counts_as_that_of_trials_does(search: Make) -> None:
    data = search(3, records=[SupernetEpoch(1, 10, 1.0, 400.0)])
    limited = replace(data, spec=data.spec.model_copy(update={"budget": data.spec.budget.model_copy(update={"minutes": 6.8})}))
    assert facts.outcome(limited) == "finished: its time was up"
    assert dict(facts.summary(limited))["Time of search"] == "6 min 55 s of 6 min 48 s"


def test_what_was_trained_less_is_neither_the_best_so_far_nor_first_in_the_table(search: Make) -> None:
    rungs = [(0, Fidelity(1), 0.95), (1, Fidelity(1), 0.93), (2, Fidelity(4), 0.8), (3, Fidelity(4), 0.9)]
    trials = [
        replace(t, metrics={**t.metrics, "accuracy": accuracy}, proposal=replace(t.proposal, fidelity=fidelity, number=n))
        for t, (n, fidelity, accuracy) in zip(search(4).history, rungs, strict=True)
    ]
    made = search(0, others=trials)
    data = replace(made, selection=select(made.history, made.spec.objectives, Fidelity(4)))
    assert [t.proposal.number for t in data.ranked] == [3, 2, 0, 1]
    numbers = {t.id: float(t.proposal.number) for t in data.history}
    assert [(n, found) for n, found, _ in best_so_far(data, numbers)] == [(2, 0.8), (3, 0.9)]


def test_the_winner_and_its_test_accuracy_are_named(data: ReportData, page: str) -> None:
    text = "".join(_Page(page).text)
    assert "91.37 %" in text
    assert data.selection.winner in text


def test_the_search_file_in_it_is_that_of_the_search(data: ReportData, page: str) -> None:
    found = re.search(r"<pre[^>]*>(apiVersion.*?)</pre>", page, flags=re.DOTALL)
    assert found
    raw = yaml.safe_load(found[1])
    assert raw["metadata"] == {"name": "digits-chain"}
    assert type(data.spec).model_validate(raw["spec"], strict=False) == data.spec


@pytest.mark.cluster  # for its length; it needs none
def test_the_same_data_gives_the_same_bytes(search: Make, page: str) -> None:
    assert render(search(30, ["it broke"])) == page
    assert pictures(search(2)) == pictures(search(2))


def test_colours_follow_the_page_and_none_is_fixed_in_it(page: str) -> None:
    for svg in _svgs(page):
        assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)) <= {"#000000", "#ffffff"}


def _diverged(trial: MakeTrial) -> Trial:
    curve = (EpochRecord(1, 1, math.nan, math.inf, math.nan, 1.0), EpochRecord(2, 2, math.nan, math.nan, 0.1, 2.0))
    return trial(0, metrics={"accuracy": math.nan, "n_params": 0.0, "latency_s": math.inf}, curve=curve)


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize(
    ("n", "errors", "trained"),
    [(0, [], False), (1, [], False), (1, [], True), (1, ["it broke"], True), (2, [], False)],
)
def test_a_search_with_next_to_nothing_in_it_has_a_page(search: Make, n: int, errors: list[str], trained: bool) -> None:
    data = search(n, errors, trained=trained)
    assert _Page(render(data)).open == []
    assert all(picture.startswith(b"\x89PNG") for picture in pictures(data).values())


def test_trials_without_metrics_or_with_nan_have_a_page_that_says_so(search: Make, trial: MakeTrial) -> None:
    data = search(0, others=[_diverged(trial), trial(1, metrics={}, curve=())], trained=False)
    text = "".join(_Page(render(data)).text)
    assert "No trial has a finite value of the metric accuracy." in text
    assert "no finite accuracy" in text


def test_when_all_trials_failed_it_says_so(search: Make) -> None:
    data = search(0, ["it broke"] * 3)
    read = _Page(render(data))
    text = "".join(read.text)
    assert read.open == []
    assert all(picture.startswith(b"\x89PNG") for picture in pictures(data).values())
    assert "All 3 trials failed" in text
    assert "No trial is complete." in text


def test_an_objective_to_be_minimized_is_drawn_as_one_and_a_model_of_an_earlier_version_has_no_confusion(search: Make) -> None:
    data = search(9, objectives=({"metric": "latency_s", "goal": "minimize"}, {"metric": "accuracy", "limit": 0.7}))
    assert data.model is not None
    read = _Page(render(replace(data, model=replace(data.model, confusion=()))))
    assert read.open == []
    assert "what is taken for what" not in "".join(read.text)
    best = min(t.metrics["latency_s"] for t in data.history if t.metrics["accuracy"] >= 0.7)
    assert data.ranked[0].metrics["latency_s"] == best


def test_the_report_needs_neither_torch_nor_pyplot() -> None:
    code = "import sys, archsmith.report; assert not {'torch', 'matplotlib.pyplot', 'mlflow', 'kfp'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_shared_weights_have_a_section_and_what_is_doubtful_about_them_is_said(search: Make, trial: MakeTrial) -> None:
    even = {"edge": {"skip": 0.5, "conv": 0.5}}
    records = [SupernetEpoch(e, e, 1.0, 60.0 * e, 1.0, 0.5, even, derived=trial(e).proposal.architecture) for e in (1, 2)]
    looks = [trial(k, proposal=replace(trial(k).proposal, origin=SHARED)) for k in range(3)]
    data = search(2, others=looks, records=records, full=Fidelity(4))
    page = render(data)
    text = " ".join(_Page(page).text)
    assert "looked at 5 of" in text
    assert "3 looked at with shared weights, 2 trained" in text
    assert "trained for 2 epochs in 2 min" in text
    assert page.count("The choices were hardly made") == 2
    assert "What would have been derived, as it changed" in text
    assert {"after epoch 1", "after epoch 2"} <= {part.strip() for part in _Page(page).text}
    drawn = set(re.findall(r'id="([a-z-]+?)-figure', page))
    assert {"supernet-training", "probability-map", "probability-curves", "reranked"} <= drawn


def test_other_searches_have_nothing_of_shared_weights(search: Make) -> None:
    assert not any(has(search(3)) for has in SOMETIMES.values())
    assert "Shared weights" not in render(search(0))


def test_what_the_search_was_worth_is_said_drawn_and_listed(search: Make) -> None:
    page = render(search(3, worth=WORTH_IT))
    text = " ".join(" ".join(_Page(page).text).split())
    residual = "a small residual network of 61,000 parameters"
    assert f"It is 2.1 points (± 0.6) above {residual}; 11.4 points (± 1.2) above a linear model on the pixels." in text
    assert "Was it worth it?" in text
    assert "as nobody has noted which ones the winner knows" in text  # for the linear model
    assert "95.40 ± 0.66 %" in text  # the square root of .954 x .046 / 1000
    assert "+2.10 ± 0.57" in text
    assert "references/residual" in text
    assert 'id="gains-figure' in page
    assert "worth it:" not in text


def test_a_search_that_was_not_worth_it_is_said_to_be_so(search: Make) -> None:
    text = " ".join(" ".join(_Page(render(search(3, worth=NOT_WORTH_IT))).text).split())
    assert (
        "The search was not worth it: a small residual network of 61,000 parameters, trained in the same way, knows more" in text
    )
    assert "A linear model on the pixels could not be trained: DivergedError: nan" in text


@pytest.mark.parametrize(
    ("gain", "title"),
    [
        (Gain(1000, 975, 954, 27), "2.1 points (± 0.6) better than a residual network by hand"),
        (Gain(1000, 975, 990, 3), "1.5 points (± 0.5) worse than a residual network by hand"),
        (Gain(1000, 975, 974), "No better than a residual network by hand: +0.1 points (± 0.7)"),
    ],
)
def test_the_bars_are_of_what_each_does_not_know_with_the_errors_of_counts(search: Make, gain: Gain, title: str) -> None:
    figure = gains(search(3, worth=worth(Gain(1000, 975, 861), gain)))
    (axes,) = figure.axes
    assert " ".join(figure.get_suptitle().split()) == title
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["winner", "residual", "linear"]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([2.5, 100 - gain.reference / 10, 13.9])
    (bars,) = axes.containers[1][2]
    lengths = [(b - a) / 2 for (a, _), (b, _) in bars.get_segments()]
    assert lengths == pytest.approx([100 * stats.binom(1000, k / 1000).std() / 1000 for k in (975, gain.reference, 861)])
