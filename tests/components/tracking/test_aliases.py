"""Who is the champion, in a real MLflow: judged once against each champion, and moved by a person's word."""

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from archsmith.errors import NotFoundError, PermanentError
from archsmith.tracking import Contest, Ended, Tracker
from archsmith.tracking.aliases import network_of
from archsmith.tracking.registry import Registry, _former
from archsmith.tracking.session import session
from archsmith.values.promotion import Judgement, Paired, judge

NAME = "archsmith-digits-chain"
WORSE = Paired(360, 110, 338, 2)
BETTER = Paired(360, 350, 338, 15)


@pytest.fixture
def published(search, winner, sqlite_uri):
    """Publishes the winner of another trial, judged by how it compares with the champion."""
    tracker = Tracker(search, sqlite_uri)

    def publish(n: int, compared: Paired | str = "") -> str | None:
        one = replace(winner, model=replace(winner.model, trial=f"{n:012x}"))
        contest = tracker.contested(one)
        against = contest.against if isinstance(contest, Contest) else None
        judgement = contest if isinstance(contest, Judgement) else judge("better", None, against or "", compared)
        tracker.publish({}, one, ended=Ended(1_700_000_000.0 + n, str(n)), judgement=judgement)
        return against

    return publish


@pytest.mark.cluster  # for its length; it needs none
def test_a_worse_model_becomes_the_challenger_and_a_better_one_takes_its_place(published, sqlite_uri, look) -> None:
    assert published(1) is None
    assert published(2, WORSE) == "1"
    client = look(sqlite_uri).client
    assert client.get_registered_model(NAME).aliases == {"champion": 1, "challenger": 2}
    assert "30.56% of the 360 test images" in client.get_model_version(NAME, "2").tags["archsmith.why"]
    assert published(2, BETTER) is None, "it was held to version 1 before"
    assert published(3, BETTER) == "1"
    assert client.get_registered_model(NAME).aliases == {"champion": 3, "challenger": 2}
    assert published(2, WORSE) == "3", "a new champion, a new chance"


def test_the_network_of_the_champion_is_there_to_be_held_to(search, winner, sqlite_uri) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.publish({}, winner, ended=Ended(1.0, "a"))
    other = replace(winner, model=replace(winner.model, trial="ba9876543210"))
    assert tracker.contested(other, held_to="1") is None
    found = tracker.contested(other)
    assert isinstance(found, Contest)
    assert found.onnx is not None
    assert tracker.contested(other, reads=False) == Contest("1", None)
    assert found.onnx[:8] == winner.onnx[:8]


@pytest.mark.cluster  # for its length; it needs none
def test_what_became_of_a_model_is_known_where_only_mlflow_knows_it(published, search, winner, sqlite_uri) -> None:
    for n, compared in ((1, ""), (2, WORSE)):
        published(n, compared)
    tracker = Tracker(search, sqlite_uri)
    first, second = (tracker.contested(replace(winner, model=replace(winner.model, trial=f"{n:012x}"))) for n in (1, 2))
    assert isinstance(second, Judgement)
    assert (second.alias, second.against) == ("challenger", "1")
    assert "of the 360 test images" in second.why
    assert isinstance(first, Judgement)
    assert first.alias == "champion"


def test_a_champion_whose_network_is_gone_from_a_server_has_none() -> None:
    class Empty(BaseHTTPRequestHandler):
        """A server of artifacts that has none."""

        def do_GET(self) -> None:
            lists = "?" in self.path
            body = b"{}" if lists else b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such artifact"}'
            self.send_response(200 if lists else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        uri = f"http://127.0.0.1:{server.server_port}"
        with session(uri, lambda place: SimpleNamespace(tracking_uri=place), 5, "s") as client:
            assert network_of(client, SimpleNamespace(source="mlflow-artifacts:/1/models/m-1/artifacts")) is None
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_person_moves_the_alias_and_back_and_a_later_look_leaves_it_there(published, sqlite_uri, look) -> None:
    for n, compared in ((1, ""), (2, BETTER), (3, WORSE)):
        published(n, compared)
    registry, client = Registry("digits-chain", sqlite_uri), look(sqlite_uri).client
    registry.promote("3", by="ada", why="it is half as large")
    assert client.get_registered_model(NAME).aliases == {"champion": 3}
    assert registry.roll_back(by="ada", why="it is slow") == ("3", "2")
    assert registry.roll_back(by="ada", why="so is that") == ("2", "1")
    published(2, BETTER)
    published(3, WORSE)
    assert client.get_registered_model(NAME).aliases["champion"] == 1
    assert [(r.version, r.by) for r in registry.reigns()] == [
        ("1", "the search digits-chain"), ("2", "the search digits-chain"), ("3", "ada"), ("2", "ada"), ("1", "ada"),
    ]  # fmt: skip
    versions = registry.versions()
    assert [v.number for v in versions] == ["3", "2", "1"]
    assert versions[2].aliases == ("champion",)
    assert versions[0].metrics["test_accuracy"] == 0.98
    with pytest.raises(PermanentError, match="No other version of the model"):
        registry.roll_back(by="ada", why="")
    with pytest.raises(NotFoundError, match="There is no version '7' of the model 'archsmith-digits-chain'; it has: 1, 2, 3"):
        registry.promote("7", by="ada", why="")


def test_of_a_search_without_a_model_that_is_said(sqlite_uri) -> None:
    registry = Registry("nothing", sqlite_uri)
    assert registry.reigns() == []
    for call in (registry.versions, lambda: registry.promote("1", by="", why=""), lambda: registry.roll_back(by="", why="")):
        with pytest.raises(NotFoundError, match="MLflow has no model of the search 'nothing'"):
            call()


@pytest.mark.parametrize(
    ("line", "present", "former"),
    [
        (["1"], "1", None),
        (["1", "2", "5"], "5", "2"),
        (["1", "2", "1"], "1", None),  # rolled back from 2 to 1
        (["1", "2", "3", "2"], "2", "1"),
        (["1", "2", "3", "2", "4"], "4", "2"),
        (["1", "2"], "7", "2"),  # somebody has moved the alias in MLflow itself
        ([], "", None),
    ],
)
def test_who_was_the_champion_before(line: list[str], present: str, former: str | None) -> None:
    assert _former(line, present) == former


def test_searches_that_share_a_model_are_held_to_the_same_champion(search, winner, sqlite_uri, look) -> None:
    shared = search.spec.model_copy(update={"tracking": search.spec.tracking.model_copy(update={"model": "nightly"})})
    for k, night in enumerate(("nightly-202611280200", "nightly-202611290200")):
        tracker = Tracker(replace(search, name=night, identity=night, spec=shared), sqlite_uri)
        one = replace(winner, model=replace(winner.model, trial=f"{k:012x}"))
        found = tracker.contested(one)
        assert (found.against if isinstance(found, Contest) else "") == ("1" if k else "")
        judgement = judge("better", None, "1" if k else "", WORSE)
        assert tracker.publish({}, one, ended=Ended(1.0 + k, night), judgement=judgement) == f"models:/archsmith-nightly/{k + 1}"
    assert look(sqlite_uri).client.get_registered_model("archsmith-nightly").aliases == {"champion": 1, "challenger": 2}
    versions = Registry("nightly", sqlite_uri).versions()
    assert [v.aliases for v in versions] == [("challenger",), ("champion",)]
