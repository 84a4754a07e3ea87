"""Tracking of one search: logs into MLflow whatever is not logged there yet."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from archsmith.errors import ConflictError
from archsmith.tracking import content
from archsmith.tracking.aliases import Contest, contest, is_settled, judgement_of, network_of, number
from archsmith.tracking.champion import log_champion, log_trained, model_name, registered, version_uri
from archsmith.tracking.database import GIVE_WAY_S
from archsmith.tracking.dataset import log_dataset
from archsmith.tracking.description import note, origin_tags
from archsmith.tracking.places import redact
from archsmith.tracking.runs import ENDED, NOTE, find_search, find_trials, tag
from archsmith.tracking.sending import log, upload
from archsmith.tracking.session import Connect, connect, session
from archsmith.tracking.supernet import SharedWeights, log_supernet
from archsmith.tracking.tracked import Ended, TrackedSearch, Winner
from archsmith.values import History, Trial, digest, words
from archsmith.values.families import families
from archsmith.values.outcome import UntrainedWinner
from archsmith.values.promotion import Judgement, judge
from archsmith.values.references import Worth
from archsmith.values.spending import spending
from archsmith.values.verdicts import Verdict

T = TypeVar("T")

SYNC_TIMEOUT_S = 5
"""Longest wait for a server's answer while trials are logged: a server that hangs costs seconds."""
PUBLISH_TIMEOUT_S = 60
"""The same for models and pictures, which are larger."""
A_TURN = 50
"""Trials that are logged before others get their turn."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before one tries again what somebody else has come in between of."""
NOTHING_SHARED = SharedWeights()
UNCONTESTED = judge("better", None, "", "")
"""What becomes of a model where there is no champion."""
PUBLISHED = "archsmith.published"
"""The tag of a search's run that says what it was ended with."""


@dataclass(slots=True)
class _Known:
    """What this process knows of what is logged already."""

    run: Any
    """The run of the search."""
    n_steps: int
    """Points of its progress that are logged."""
    done: set[str] = field(default_factory=set)
    """The trials whose runs have ended."""
    runs: dict[str, str] = field(default_factory=dict)
    """The ids of the runs by trial, of those that were begun and never ended, too."""
    n_epochs: int = 0
    """The last epoch of shared weights that is logged, as far as that is known."""
    shared_over: bool = False
    """Whether all of their training is."""

    def add(self, runs: Mapping[str, Any]) -> None:
        """Take note of runs of trials."""
        self.done |= {trial for trial, run in runs.items() if run.info.status in ENDED}
        self.runs |= {trial: run.info.run_id for trial, run in runs.items()}


class Tracker:
    """Logs a search into MLflow: a run for the search, and nested in it a run for each trial, and one for shared weights.

    Every call is a catch-up: it finds out what is logged and adds the rest, so it may be made at any
    time, by several processes, and again after a crash. Credentials come from MLflow's own environment
    variables. Nothing is imported of MLflow, and nothing sent, before the first call.

    Args:
        search: the search.
        uri: the tracking URI, as `resolve_uri` gives it.
        connect: makes MLflow's client of the URI.
    """

    def __init__(self, search: TrackedSearch, uri: str, *, connect: Connect = connect) -> None:
        self._search = search
        self._uri = uri
        self._connect = connect
        self._known: _Known | None = None

    @property
    def run_id(self) -> str | None:
        """The id of the search's run, once that is known."""
        return self._known.run.info.run_id if self._known else None

    @property
    def _in_rounds(self) -> bool:
        return self._search.spec.budget.rounds is not None

    def sync(self, trials: Iterable[Trial], shared: SharedWeights = NOTHING_SHARED) -> int:
        """Log the trials and epochs of shared weights that are not logged yet, and return how many trials they were.

        A search whose run has ended and that has new trials goes on: its run is running again until
        `publish`. Of many trials, others that write a sqlite file as well have their turn in between.

        Args:
            trials: all trials of the search so far.
            shared: what is known of the training of shared weights; it is over when there are trials.

        Raises:
            UnavailableError: MLflow does not answer; what was logged stays, and the next call goes on from there.
            AccessDeniedError: it refuses the credentials.
            PermanentError: it refuses the call, or the experiment is deleted.
        """
        trials, n = list(trials), 0
        while True:
            logged, left = _again(lambda: self._sync_some(trials, shared))
            n += logged
            if not left:
                return n
            time.sleep(GIVE_WAY_S)

    def contested(self, winner: Winner, held_to: str | None = None, *, reads: bool = True) -> Contest | Judgement | None:
        """Return the champion that the winner is to be held to; what became of it where it was held to it before.

        Args:
            winner: the winner.
            held_to: the champion's version that it is known to have been held to.
            reads: whether the champion's network is read.

        Returns:
            None where there is no champion, or it is known to have been held to it.

        Raises:
            UnavailableError: MLflow does not answer.
            AccessDeniedError: it refuses the credentials.
            PermanentError: it refuses the call.
        """
        with session(self._uri, self._connect, SYNC_TIMEOUT_S, self._search.name) as client:
            version = registered(client, self._search, winner)
            champion = contest(client, model_name(self._search.model), version, held_to)
        if champion is None:
            return judgement_of(version) if version else None
        if not reads:
            return Contest(number(champion), None)
        with session(self._uri, self._connect, PUBLISH_TIMEOUT_S, self._search.name) as client:
            return Contest(number(champion), network_of(client, champion))

    def publish(
        self,
        files: Mapping[str, bytes],
        winner: Winner | None,
        untrained: UntrainedWinner | None = None,
        *,
        ended: Ended,
        judgement: Judgement = UNCONTESTED,
        trials: Sequence[Trial] = (),
        others: Sequence[Winner] = (),
        shared: SharedWeights = NOTHING_SHARED,
        verdicts: Sequence[Verdict] = (),
        worth: Worth | None = None,
    ) -> str | None:
        """Log what the search has led to, and end its run: as failed where there is no winner.

        The winner becomes a version of the registered model, `archsmith-NAME` unless the file names one, with the alias that it
        is judged to have. What is published already stays as it is.

        Args:
            files: the report, pictures and whatever else belongs to the search, by path.
            winner: the retrained winner.
            untrained: what is known of a winner that is not retrained; its metrics become the run's.
            ended: when the search ended, and with what.
            judgement: what becomes of the winner, by how it compares with the champion.
            trials: all trials, for a table of them.
            others: what was trained in full beside the winner: versions of the same model, without an alias.
            shared: what is known of the training of shared weights.
            verdicts: what makes their answer doubtful; the run's description says it.
            worth: what the winner gains over simple networks, if it is held to some.

        Returns:
            The URI of the winner's model version, `models:/archsmith-NAME/VERSION`.

        Raises:
            UnavailableError: MLflow does not answer; the next call goes on.
            AccessDeniedError: it refuses the credentials.
            PermanentError: it refuses the call, or the experiment is deleted.
        """
        if trials:
            files = {**files, "trials.csv": content.trial_table(trials, self._search.decisions, in_rounds=self._in_rounds)}
        described = note(
            self._search, winner or untrained, ended=True, trials=trials, records=shared.records, verdicts=verdicts, worth=worth
        )
        spent = spending(History.of(trials), self._search.full, shared.records) if self._search.full else None
        metrics = (content.spending_metrics(spent) if spent else {}) | content.family_metrics(families(History.of(trials)))
        metrics |= content.worth_metrics(worth) if worth else {}
        tags = {NOTE: described, **(content.worth_tags(worth) if worth else {})}
        return _again(lambda: self._publish(files, winner, untrained, ended, tags, metrics, others, judgement))

    def _publish(
        self,
        files: Mapping[str, bytes],
        winner: Winner | None,
        untrained: UntrainedWinner | None,
        ended: Ended,
        tags: Mapping[str, str],
        more: Mapping[str, float],
        others: Sequence[Winner],
        judgement: Judgement,
    ) -> str | None:
        with session(self._uri, self._connect, PUBLISH_TIMEOUT_S, self._search.name) as client:
            known = self._look_up(client)
            run, found = known.run, winner or untrained
            status = "FINISHED" if found else "FAILED"
            if _is_published(run, status, ended):
                version = registered(client, self._search, winner) if winner else None
                if not winner or (version and is_settled(client, version)):
                    return version_uri(version) if version else None
            end_ms = round(ended.at * 1000)
            upload(client, run, files)
            for other in others:  # before the winner, so that its version is the newest
                log_trained(client, run, self._search, other, end_ms, called="retrained")
            uri = log_champion(client, run, self._search, winner, end_ms, judgement) if winner else None
            metrics = winner.model.metrics if winner else untrained.metrics if untrained else {}
            log(client, run.info.run_id, content.final_points({**metrics, **more}, end_ms, known.n_steps), {})
            tag(client, run, {**tags, PUBLISHED: ended.of})
            if (run.info.status, run.info.end_time) != (status, end_ms):
                client.set_terminated(run.info.run_id, status, end_ms)
        self._known = None
        return uri

    def _sync_some(self, trials: Sequence[Trial], shared: SharedWeights) -> tuple[int, bool]:
        """Log some of the trials that are not logged; return how many, and whether there are more."""
        known, self._known = self._known, None  # forgotten unless all goes well: somebody may have deleted a run
        with session(self._uri, self._connect, SYNC_TIMEOUT_S, self._search.name) as client:
            known = known or self._look_up(client, trials)
            new = self._missing(client, known, trials)
            some, left = new[:A_TURN], len(new) > A_TURN
            if some:
                self._reopen(client, known.run)
            self._log_shared(client, known, shared, over=bool(trials))
            for trial in some:
                self._log_trial(client, known, trial)
            if not left:
                self._log_progress(client, known, trials)
            if some:
                find_trials(client, known.run, self._search, _earliest(some))
        self._known = known
        return len(some), left

    def _look_up(self, client: Any, trials: Sequence[Trial] = ()) -> _Known:
        """Find out what is logged, and describe the search if that is not done."""
        began_at = self._search.began_at
        began_ms = round(began_at * 1000) if began_at else _earliest(trials) if trials else None
        run = find_search(client, self._uri, self._search, began_ms)
        self._describe(client, run)
        known = _Known(run, int(run.data.metrics.get("trials", 0)))
        known.add(find_trials(client, run, self._search))
        return known

    def _describe(self, client: Any, run: Any) -> None:
        """Log the search file and its settings, unless this very file is logged already."""
        if run.data.tags.get("archsmith.file") == digest(self._search.text):
            return
        upload(client, run, {"search.yaml": redact(self._search.text).encode()})
        # A param can't be changed once it is logged; what did change is in the file.
        params = content.search_params(self._search.spec, self._search.data)
        log(client, run.info.run_id, [], {k: v for k, v in params.items() if k not in run.data.params})
        log_dataset(client, run, self._search)
        tag(client, run, {"archsmith.file": digest(self._search.text)})

    def _missing(self, client: Any, known: _Known, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials to log, those left out that another process has logged in the meantime; their parents are known."""
        new = [trial for trial in trials if trial.id not in known.done]
        if new:
            parents = {content.parent_of(trial) for trial in new} - known.runs.keys()
            since_ms = _earliest([*new, *(trial for trial in trials if trial.id in parents)])
            known.add(find_trials(client, known.run, self._search, since_ms))
        return [trial for trial in new if trial.id not in known.done]

    def _reopen(self, client: Any, run: Any) -> None:
        """Let the run of a search that goes on run again."""
        if run.info.status in ENDED:
            client.update_run(run.info.run_id, status="RUNNING")

    def _log_trial(self, client: Any, known: _Known, trial: Trial) -> None:
        """Log a trial; that its run has ended is set last, and says that all of it is there."""
        run_id = known.runs.get(trial.id)
        if run_id is None:
            nested = {"mlflow.parentRunId": known.run.info.run_id, "archsmith.of": self._search.name}
            if parent := known.runs.get(content.parent_of(trial) or ""):
                nested["archsmith.inherits_run"] = parent
            tags = content.trial_tags(trial, in_rounds=self._in_rounds) | origin_tags() | nested
            began_ms, name = content.start_ms(trial), words.trial_name(trial)
            run = client.create_run(known.run.info.experiment_id, began_ms, tags, name)
            run_id = known.runs[trial.id] = run.info.run_id
        log(client, run_id, content.trial_points(trial), content.trial_params(trial, self._search.decisions))
        client.set_terminated(run_id, content.STATUS[trial.status], content.end_ms(trial))
        known.done.add(trial.id)

    def _log_shared(self, client: Any, known: _Known, shared: SharedWeights, *, over: bool) -> None:
        """Log what is new of shared weights, unless all of it is there."""
        if not known.shared_over or shared.files or (shared.records and shared.records[-1].epoch > known.n_epochs):
            known.n_epochs = log_supernet(client, known.run, self._search, shared, known.n_epochs, over=over)
            known.shared_over = over

    def _log_progress(self, client: Any, known: _Known, trials: Sequence[Trial]) -> None:
        """Log the search's own curves, as far as they are not logged."""
        points = [p for p in content.progress_points(trials, self._search.spec) if p.step > known.n_steps]
        log(client, known.run.info.run_id, points, {})
        known.n_steps = max(known.n_steps, len(trials))


def _is_published(run: Any, status: str, ended: Ended) -> bool:
    """Tell whether what the search has led to is logged in all."""
    return bool(run.info.status == status and run.data.tags.get(PUBLISHED) == ended.of)


def _again(call: Callable[[], T]) -> T:
    """Return what `call` returns, trying again where somebody else came in between."""
    for pause_s in PAUSES_S:
        try:
            return call()
        except ConflictError:
            time.sleep(pause_s)
    return call()


def _earliest(trials: Iterable[Trial]) -> int:
    """Return when the first of them began."""
    return min(content.start_ms(trial) for trial in trials)
