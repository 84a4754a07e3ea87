import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsmith.errors import UnavailableError
from archsmith.report import POLICY
from archsmith.search import parse
from archsmith.stores.cluster_note import ClusterNote, leave_note
from archsmith.stores.folder import SearchFolder
from archsmith.stores.local import LocalStore
from archsmith.testing.made_up import finish, made_up
from archsmith.testing.references import NOT_WORTH_IT
from archsmith.testing.searches import TINY
from archsmith.ui.readers import ENDED_EVERY_S, Readers

EVIL = "<script>alert(1)</script>"


def ended(staged: Any) -> Any:
    trials = staged.run(0.5, "it diverged: " + EVIL, 0.6, 0.7, 0.8, 0.9)
    staged.select()
    staged.train(trials[-1])
    staged.report()
    return trials


def searches(ask: Any) -> list[dict[str, Any]]:
    """Ask for the list until all of it is read."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if (answer := ask("/api/searches").json)["whole"]:
            return list(answer["searches"])
        time.sleep(0.01)
    raise AssertionError("the list is not read")


def test_the_list_has_all_searches_and_says_which_can_not_be_read(staged: Any, site: Any) -> None:
    ended(staged)
    store = staged.folder.store
    store.put("index/broken", b"")
    store.put("searches/broken/search.yaml", b"nonsense: [")

    broken, tiny = searches(site(store))

    assert (tiny["name"], tiny["phase"], tiny["progress"], tiny["test_accuracy"]) == ("tiny", "done", 1.0, 0.975)
    assert tiny["course"] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert tiny["trials"]["failed"] == 1
    assert broken["phase"] is None
    assert "search.yaml" in broken["error"]


def note(reason: str, *, usual: bool = False, series: str = "") -> ClusterNote:
    phase = "Running" if usual else "Pending"
    return ClusterNote(phase, reason, "0/3 nodes have a GPU.", "2026-11-29T02:00:00Z", usual, series)


def test_why_a_search_waits_on_its_cluster_is_said_before_and_after_it_begins(staged: Any, site: Any) -> None:
    store = staged.folder.store
    leave_note(SearchFolder(store, "waits"), note("Unschedulable"))
    staged.run(0.5)
    leave_note(staged.folder, note("Unschedulable"))
    ask = site(store)
    _tiny, waits = searches(ask)
    said = "On the cluster it is Pending, Unschedulable (since 2026-11-29T02:00:00Z): 0/3 nodes have a GPU."
    assert (waits["name"], waits["phase"]) == ("waits", None)
    assert said in waits["error"]
    assert said in ask("/api/searches/waits").json["trouble"]
    page = ask("/searches/waits/winner")
    assert (page.status, said in page.text) == (503, True)
    assert ask("/api/searches/tiny?era=none").json["parts"]["now"]["troubles"] == [said]
    leave_note(staged.folder, note("PodRunning", usual=True))
    assert said not in json.dumps(site(store)("/api/searches/tiny?era=none").json["parts"]["now"]["troubles"])


def test_a_search_is_of_the_series_that_its_cluster_names_or_whose_model_it_shares(tmp_path: Path, site: Any) -> None:
    store = LocalStore(tmp_path)
    shared = "tracking: {enabled: false, model: nightly}"
    for name, tracking in (
        ("nightly-202611290100", shared), ("nightly-202611300100", shared), ("mine-202611290100", "tracking: {enabled: false}"),
    ):  # fmt: skip
        text = TINY.replace("name: tiny", f"name: {name}").replace("tracking: {enabled: false}", tracking)
        folder = made_up(store, text, 6)
        if name == "nightly-202611290100":
            leave_note(folder, note("Succeeded", usual=True, series="of-the-cluster"))
        finish(folder, parse(text))
    found = {search["name"]: search["series"] for search in searches(site(store))}
    assert found == {"mine-202611290100": "", "nightly-202611290100": "of-the-cluster", "nightly-202611300100": "nightly"}


def test_at_first_a_search_that_has_ended_costs_the_list_one_request(tmp_path: Path, site: Any, counted: type) -> None:
    store = LocalStore(tmp_path)
    for k in range(5):
        text = TINY.replace("name: tiny", f"name: tiny-{k}")
        finish(made_up(store, text, 6, seed=k), parse(text))
    made_up(store, TINY, 3)
    seen = counted(store)
    readers = Readers(seen, interest_s=0.2)
    while not readers.list.ask()[-1]:
        time.sleep(0.01)
    first = [asked for asked in seen.asked if "tiny-" in asked][:5]

    found = {search["name"]: search for search in searches(site(store))}

    assert sorted(first) == [f"get searches/tiny-{k}/done" for k in range(5)]
    assert {name: (search["phase"], search["trials"]["ended"]) for name, search in found.items()} == {
        **{f"tiny-{k}": ("done", 6) for k in range(5)}, "tiny": ("searching", 3),
    }  # fmt: skip


def test_the_list_holds_nothing_of_searches_that_have_ended_and_sees_one_that_goes_on(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for k in range(4):
        text = TINY.replace("name: tiny", f"name: tiny-{k}")
        finish(made_up(store, text, 6, seed=k), parse(text))
    readers = Readers(store, interest_s=5.0)
    phases: dict[str, str | None] = {}

    def look_until(done: Callable[[], bool]) -> None:
        until = time.monotonic() + 30
        while not done():
            assert time.monotonic() < until
            listed = readers.list.ask()[0]
            phases.update({name: found.phase if found else None for name, found in listed.items()})
            time.sleep(0.02)

    look_until(lambda: set(phases.values()) == {"done"} and len(phases) == 4)
    SearchFolder(store, "tiny-2").mark(done=False)
    look_until(lambda: phases["tiny-2"] != "done")
    SearchFolder(store, "tiny-2").mark(done=True)
    look_until(lambda: phases["tiny-2"] == "done" and all(readers._reader(name).following.seen is None for name in phases))


def test_a_browser_is_sent_only_what_it_lacks(staged: Any, site: Any) -> None:
    staged.run(0.5, 0.6)
    ask = site(staged.folder.store)
    first = ask("/api/searches/tiny", accept_encoding="gzip")
    whole = json.loads(gzip.decompress(first.body))
    assert sorted(row["metrics"]["accuracy"] for row in whole["rows"]) == [0.5, 0.6]
    assert set(whole["parts"]) == {"search", "shared", "effects", "now"}
    known = ",".join([whole["state"], *whole["digests"].values()])

    assert ask(f"/api/searches/tiny?era={whole['era']}&have=2&known={known}").status == 204

    staged.run(0.7, 0.8)
    until = time.monotonic() + 60
    while (new := ask(f"/api/searches/tiny?era={whole['era']}&have=2&known={known}")).status == 204 and time.monotonic() < until:
        time.sleep(0.05)
    assert sorted(row["metrics"]["accuracy"] for row in new.json["rows"]) == [0.7, 0.8]
    assert (new.json["from"], "search" in new.json["parts"], "now" in new.json["parts"]) == (2, False, True)

    other = ask(f"/api/searches/tiny?era=of-another-process&have=2&known={known}").json
    assert (other["from"], len(other["rows"])) == (0, 4)


def test_twenty_browsers_cost_the_store_no_more_than_one(staged: Any, site: Any, counted: type) -> None:
    ended(staged)
    store = counted(staged.folder.store)
    ask = site(store)
    ask("/api/searches/tiny")
    asked, begun = len(store.asked), time.monotonic()

    for _ in range(20):
        ask("/api/searches/tiny")
        ask("/searches/tiny/winner")

    looks = 1 + int((time.monotonic() - begun) / ENDED_EVERY_S)  # of the one who reads, where the machine is slow
    assert len(store.asked) <= looks * asked + 4  # the winner's page reads what lies beside the search, once


def test_pages_hold_names_and_errors_as_text(staged: Any, site: Any) -> None:
    trials = ended(staged)
    raw = json.loads(staged.folder.get("best/model.json"))
    raw["model"]["classes"][3] = EVIL
    raw["model"]["confusion"] = [[int(i == j) + 3 * (i == 3 and j == 4) for j in range(10)] for i in range(10)]
    staged.folder.write_json("best/model.json", raw)
    ask = site(staged.folder.store)

    winner, failed = ask("/searches/tiny/winner"), ask(f"/searches/tiny/trials/{trials[1].id}")

    for page in (winner, failed):
        assert page.status == 200
        assert EVIL not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "97.50 %" in winner.text


def test_a_winners_page_says_what_was_gained_over_simple_networks(staged_with: Any, site: Any) -> None:
    staged = staged_with(("baseline: none", "baseline: simple"))
    ended(staged)
    _, model = staged.folder.trained()
    staged.folder.write_worth(model.mark, NOT_WORTH_IT)

    page = site(staged.folder.store)("/searches/tiny/winner").text

    assert "It is 1.5 points (± 0.5) below a small residual network of 61,000 parameters." in page
    assert page.count("The search was not worth it") == 1
    assert page.count("could not be trained: DivergedError: nan") == 1


def test_a_trials_page_has_what_is_known_of_it_and_a_picture(staged: Any, site: Any) -> None:
    trials = ended(staged)
    ask = site(staged.folder.store)

    page = ask(f"/searches/tiny/trials/{trials[0].id}").text
    picture = ask(f"/searches/tiny/trials/{trials[0].id}.svg?theme=dark")

    assert "50.00 %" in page
    assert staged.search.describe(trials[0].proposal.architecture) in page
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    assert "#0072b2" not in picture.text
    assert ask("/searches/tiny/trials/nothing").status == 404
    assert ask("/searches/nothing/winner").status == 404


def test_a_search_by_algorithms_of_its_own_image_has_its_pages(staged: Any, site: Any) -> None:
    trial = staged.run(0.5, 0.75)[1]
    own = "strategy: {name: my-strategy, warmth: 1}\n  cluster: {image: 'registry/mine:1'}"
    staged.folder.write_search(TINY.replace("strategy: {name: evolution, population: 4, sample: 2}", own))
    get = site(staged.folder.store)
    assert staged.search.describe(trial.proposal.architecture) in get(f"/searches/tiny/trials/{trial.id}").text
    assert "my-strategy" in get("/searches/tiny/search.yaml").text


def test_every_answer_has_the_headers_and_nothing_but_reading_is_allowed(staged: Any, site: Any) -> None:
    ended(staged)
    ask = site(staged.folder.store)
    for address in ("/", "/searches/tiny", "/api/searches", "/static/ui.css", "/static/echarts.min.js", "/nothing", "/healthz"):
        answer = ask(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask("/searches/tiny", method).status == 405


def test_scripts_are_asked_for_anew_so_that_they_fit_the_pages(staged: Any, site: Any) -> None:
    ask = site(staged.folder.store)
    for name in ("search.js", "echarts.min.js", "ui.css"):
        assert ask(f"/static/{name}").headers["cache-control"] == "no-cache"
    assert ask("/static/search.js", if_none_match=ask("/static/search.js").headers["etag"]).status == 304


def test_who_can_not_read_what_is_compressed_gets_it_plain(staged: Any, site: Any) -> None:
    staged.run(0.5, 0.6)
    ask = site(staged.folder.store)
    plain = ask("/api/searches/tiny")
    assert "content-encoding" not in plain.headers
    whole = ask("/api/searches/tiny", accept_encoding="gzip, deflate, br")
    assert whole.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(whole.body)) == plain.json
    assert [row["cost"] for row in plain.json["rows"]] == [2.0, 2.0]


def test_only_files_that_are_named_can_be_downloaded(staged: Any, site: Any) -> None:
    ended(staged)
    model = bytes(5000)
    staged.folder.put("best/model.onnx", model)
    staged.folder.put("secret.txt", b"secret")
    ask = site(staged.folder.store)

    found = ask("/searches/tiny/files/onnx", accept_encoding="gzip")
    assert found.body == model
    assert "content-encoding" not in found.headers
    assert ask("/searches/tiny/files/report?look=1", accept_encoding="gzip").headers["content-encoding"] == "gzip"
    assert found.headers["content-disposition"] == 'attachment; filename="tiny.onnx"'
    for address in (
        "files/secret.txt", "files/model.onnx", "files/..%2Fsearch.yaml", "files/onnx?trial=../..", "files/../search.yaml",
        "files/onnx?trial=nothing",
    ):  # fmt: skip
        assert ask(f"/searches/tiny/{address}").status == 404, address
    assert ask("/searches/../files/onnx").status == 404
    opened = ask("/searches/tiny/files/report?look=1")
    policy = opened.headers["content-security-policy"]
    assert "; sandbox allow-scripts;" in policy  # of an origin of its own: it reaches nothing of these pages
    assert re.findall(r"script-src ([^;]*)", policy) == re.findall(r"script-src ([^;]*)", POLICY)
    assert POLICY.startswith("default-src 'none'; script-src 'sha256-")


def test_the_search_file_is_as_it_was_written_but_without_passwords(staged_with: Any, site: Any) -> None:
    staged = staged_with(("tracking: {enabled: false}", "tracking: {uri: 'https://me:hush@mlflow.example'}"))
    ask = site(staged.folder.store)
    assert "hush" not in ask("/searches/tiny/search.yaml").text
    assert "mlflow.example" in ask("/searches/tiny/search.yaml").text
    assert "hush" not in ask("/api/searches/tiny?era=none").text


def test_pages_work_below_a_path(staged: Any, site: Any) -> None:
    ended(staged)
    ask = site(staged.folder.store, base="/tools/nas")
    page = ask("/tools/nas/searches/tiny")
    assert page.status == 200
    addresses = [part.split('"')[0] for part in page.text.replace('src="', 'href="').split('href="')[1:]]
    assert [a for a in addresses if not a.startswith(("/tools/nas/", "#"))] == []
    assert ask("/tools/nas/static/search.js").status == 200
    assert ask("/tools/nas").status == 200
    assert ask("/healthz").status == 200
    assert ask("/searches/tiny").status == 404


def test_a_page_of_others_can_not_ask_by_a_name_of_its_own(staged: Any, site: Any) -> None:
    ask = site(staged.folder.store, hosts=("localhost", "127.0.0.1", "[::1]"))
    assert ask("/", host="evil.example").status == 421
    assert ask("/", host="localhost:8080").status == 200
    assert ask("/", host="[::1]:8080").status == 200
    assert site(staged.folder.store, hosts=("NAS.Example.com",))("/", host="nas.example.COM:8080").status == 200


def test_a_store_that_is_away_is_told_and_comes_back_by_itself(staged: Any, site: Any, counted: type) -> None:
    ended(staged)
    store = counted(staged.folder.store)
    store.fault = UnavailableError("The store is away.")
    ask = site(store)
    assert ask("/api/searches").json["trouble"] == "The store is away."
    assert ask("/api/searches/tiny").json["trouble"] == "The store is away."
    assert "The store is away." in ask("/searches/tiny/winner").text
    assert ask("/searches/tiny/winner").status == 503
    assert ask("/healthz").status == 200

    store.fault = None
    until = time.monotonic() + 10
    while ask("/searches/tiny/winner").status != 200 and time.monotonic() < until:
        time.sleep(0.05)
    assert ask("/searches/tiny/winner").status == 200


def test_searches_and_trials_are_shown_side_by_side(staged: Any, site: Any) -> None:
    trials = ended(staged)
    ask = site(staged.folder.store)
    both = ask(f"/compare?trial=tiny/{trials[0].id}&trial=tiny/{trials[5].id}").text
    assert "50.00 %" in both
    assert "90.00 %" in both
    beside = ask("/compare?search=tiny&search=nothing").text
    assert "There is no search &#39;nothing&#39; in this store" in beside
    assert ask("/compare").status == 200


@pytest.mark.cluster  # for its length; it needs none
def test_the_pages_load_neither_torch_nor_kfp_nor_mlflow() -> None:
    code = "import sys, archsmith.ui.server; print([m for m in ('torch', 'kfp', 'mlflow', 'kubernetes') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
