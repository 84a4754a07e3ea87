"""How pages are made: templates, and what they are filled with."""

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from archsmith.report import classes, facts, loading, numbers
from archsmith.report.data import ReportData
from archsmith.report.pictures.incumbent import best_so_far
from archsmith.report.provenance import versions
from archsmith.spaces.graph import Graph
from archsmith.spaces.training import decided
from archsmith.ui import files
from archsmith.ui.following import Seen
from archsmith.ui.parts import file_of
from archsmith.values import Born, GoesOn, Orphan, Trial
from archsmith.views.live import duration, stopped
from archsmith.views.places import present
from archsmith.views.reported import examples, reported

MOST_COMPARED = 8
"""Searches, or trials, that are shown side by side."""

SHADES = 20
"""Steps of the colour of a cell of the confusion matrix; a style of its own for each cell would need an inline one."""


class Pages:
    """Renders the pages.

    Args:
        base: Path that all addresses begin with, without a slash at its end; empty at the root.
        store: URI of the store, for people.
    """

    def __init__(self, base: str, store: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("archsmith.ui", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "metric": numbers.metric, "percent": numbers.percent, "duration": numbers.duration, "data": _data, "said": facts.said,
        }  # fmt: skip
        self._environment.globals |= {"base": base, "store": store, "version": dict(versions()).get("archsmith", "")}

    def render(self, template: str, **values: Any) -> str:
        """Return a page."""
        return self._environment.get_template(f"{template}.html.j2").render(**values)


def _data(value: Any) -> Markup:
    """Write a value as JSON into a page, such that nothing in it ends the element that it stands in."""
    text = orjson.dumps(value).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704  -- what would be markup is escaped above


def trial_page(seen: Seen, trial_id: str) -> dict[str, Any] | None:
    """Return what the page of a trial is filled with; None where there is no such trial."""
    architecture = seen.architecture(trial_id)
    if architecture is None:
        return None
    trial, running = seen.trial(trial_id), seen.now.running.get(trial_id)
    proposal = trial.proposal if trial else running[0] if running else None
    assert proposal is not None
    data, model = reported(seen.now), _trained(seen, trial_id)
    curve = trial.curve if trial else running[1] if running else ()
    return {
        "id": trial_id,
        "trial": trial,
        "proposal": proposal,
        "running": running is not None,
        "notes": _notes(data, trial),
        "architecture": architecture,
        "notation": seen.now.search.describe(architecture),
        "decisions": facts.decisions(seen.now.search.space, architecture),
        "layers": layers(seen.now.search.space.graph(architecture)),
        "metrics": _metrics(data, trial),
        "curves": [{"name": "the trial", "points": [[r.epoch, r.train_loss, r.val_loss, r.val_accuracy] for r in curve]}]
        + ([{"name": "in full", "points": _points(model)}] if model else []),
        "relatives": _relatives(seen, trial),
        "stop": stopped(trial) if trial and trial.stop else "",
        "birth": trial.birth if trial else None,
        "is_born": trial is not None and isinstance(trial.birth, Born),
        "is_orphan": trial is not None and isinstance(trial.birth, Orphan),
        "worker": seen.workers.get(trial_id, ""),
        "model": model,
    }


def _trained(seen: Seen, trial_id: str) -> Any:
    """Return what a trial came to when it was trained in full; None where it was not."""
    if seen.now.model is not None and seen.now.model.trial == trial_id:
        return seen.now.model
    return seen.now.others.get(trial_id)


def _points(model: Any) -> list[list[float]]:
    return [[r.epoch, r.train_loss, r.val_loss, r.val_accuracy] for r in model.curve]


def _notes(data: ReportData, trial: Trial | None) -> list[str]:
    if trial is None:
        return ["running"]
    return [trial.status, *(note for note in facts.notes(data, trial) if note != "stopped early" or trial.status != "stopped")]


def _metrics(data: ReportData, trial: Trial | None) -> list[tuple[str, str]]:
    """Return the metrics of a trial in words."""
    if trial is None:
        return []
    return [(facts.heading(m), facts.measured(m, trial.metrics)) for m in facts.headings(data) if m in trial.metrics]


def layers(graph: Graph) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the layers of a network with their details, those of its cells too: what the picture shows, as text."""
    found = [(node.label, [(k, str(v)) for k, v in node.details.items()]) for node in graph.nodes]
    for inset in graph.insets:
        found += [(f"{inset.title}: {label}", details) for label, details in layers(inset.graph)]
    return found


def _relatives(seen: Seen, trial: Trial | None) -> list[tuple[str, Trial | str]]:
    """Return the trials that one comes from, and those that come from it: whose weights were passed on, and how."""
    if trial is None:
        return []
    found: list[tuple[str, Trial | str]] = []
    origin = trial.proposal.origin
    if isinstance(origin, GoesOn):
        found.append((f"goes on after {origin.epochs} epochs of", seen.trial(origin.trial) or origin.trial))
    if trial.birth is not None:
        how = "has the weights of" if isinstance(trial.birth, Born) else "was to have the weights of"
        found.append((how, seen.trial(trial.birth.parent) or trial.birth.parent))
    for other in seen.now.history:
        if isinstance(other.proposal.origin, GoesOn) and other.proposal.origin.trial == trial.id:
            found.append(("goes on as", other))
        elif isinstance(other.birth, Born) and other.birth.parent == trial.id:
            found.append(("has passed its weights on to", other))
        elif other.id != trial.id and other.proposal.architecture == trial.proposal.architecture:
            found.append(("is the same network as", other))
    return found


def winner_page(seen: Seen, store: str) -> dict[str, Any]:
    """Return what the page of a winner is filled with."""
    now = seen.now
    places = present(seen.folder, now.search, store)
    shown = examples(seen.folder, lambda _: None) if now.model else ()
    data = reported(now, places, shown)
    trained = [m for m in (now.model, *now.others.values()) if m]
    return {
        "data": data,
        "winner": now.winner,
        "model": now.model,
        "architecture": now.winner.proposal.architecture if now.winner else None,
        "notation": now.search.describe(now.winner.proposal.architecture) if now.winner else "",
        "decisions": facts.decisions(now.search.space, now.winner.proposal.architecture) if now.winner else [],
        "chosen": decided(now.search.space.assignment(now.winner.proposal.architecture)) if now.winner else {},
        "vitals": facts.vitals(data),
        "tested": facts.tested(data),
        "classes": classes,
        "matrix": [
            (name, [(cell.n, round(SHADES * cell.share), cell.right) for cell in cells]) for name, cells in classes.matrix(data)
        ],
        "examples": list(enumerate(shown)),
        "downloads": _downloads(seen),
        "others": [(seen.trial(m.trial), m, _downloads(seen, m.trial)) for m in trained[1:]],
        "worth": now.worth,
        "held": [(held, _downloads(seen, held.reference.name)) for held in now.worth.held] if now.worth else [],
        "loading": loading,
        "curves": [{"name": "in full", "points": _points(now.model)}] if now.model else [],
        "places": places,
        "file": file_of(now, data),
    }


def _downloads(seen: Seen, trial: str | None = None) -> list[tuple[str, str, str]]:
    """Return what there is to download: its name in the address, what it is, and the name of the file."""
    return [
        (what, kind.title, files.saved_as(kind, seen, trial))
        for what, kind in files.FILES.items()
        if files.name_of(kind, seen, trial) and not (trial and "/" in kind.place)
    ]


def compared_searches(found: Sequence[tuple[str, Seen | None, str]]) -> dict[str, Any]:
    """Return what the page of several searches side by side is filled with.

    Args:
        found: Of each its name, what was seen of it, and what is wrong with it.
    """
    columns = [(name, seen, trouble, reported(seen.now) if seen else None) for name, seen, trouble in found]
    summaries = {name: dict(facts.summary(data)) for name, _, _, data in columns if data}
    terms = list(dict.fromkeys(term for rows in summaries.values() for term in rows))
    return {
        "columns": columns,
        "facts_rows": [(term, [summaries.get(name, {}).get(term, numbers.DASH) for name, *_ in columns]) for term in terms],
        "vitals": _side_by_side([dict(facts.vitals(data)) if data and data.winner else {} for *_, data in columns]),
        "courses": [{"name": name, **_course(data)} for name, _, _, data in columns if data],
        "metrics": {name: facts.heading(data.objective.metric) for name, _, _, data in columns if data},
        "decisions": _side_by_side([_choices(data) for *_, data in columns]),
        "duration": duration,
    }


def _choices(data: ReportData | None) -> dict[str, str]:
    if data is None or data.winner is None:
        return {}
    return dict(facts.decisions(data.space, data.winner.proposal.architecture))


def _side_by_side(columns: Sequence[Mapping[str, str]]) -> list[tuple[str, list[str], bool]]:
    """Return a row a term, with what each column has of it, and whether they differ."""
    terms = dict.fromkeys(term for column in columns for term in column)
    rows = ((term, [column.get(term, numbers.DASH) for column in columns]) for term in terms)
    return [(term, cells, len(set(cells)) > 1) for term, cells in rows]


def _course(data: ReportData) -> dict[str, Any]:
    """Return the incumbents of a search, by trials and by seconds of search."""
    numbered = {t.id: float(t.proposal.number) for t in data.history}
    seconds = dict(data.finished_s)
    return {
        "metric": data.objective.metric,
        "trials": [[at, best] for at, best, _ in best_so_far(data, numbered)],
        "seconds": [[at, best] for at, best, _ in best_so_far(data, seconds)],
        "last_trial": max(numbered.values(), default=0.0),
        "last_second": max(seconds.values(), default=0.0),
    }


def compared_trials(found: Sequence[tuple[str, str, Seen | None]]) -> dict[str, Any]:
    """Return what the page of several trials side by side is filled with: of each its search, its id, and what was seen."""
    pages = [trial_page(seen, trial_id) if seen else None for _, trial_id, seen in found]
    return {
        "columns": [
            {"search": name, "id": trial_id, "page": page} for (name, trial_id, _), page in zip(found, pages, strict=True)
        ],
        "metrics": _side_by_side([dict(page["metrics"]) if page else {} for page in pages]),
        "decisions": _side_by_side([dict(page["decisions"]) if page else {} for page in pages]),
        "curves": [
            {"name": f"{name} {page['proposal'].number}", "points": page["curves"][0]["points"]}
            for (name, _, _), page in zip(found, pages, strict=True)
            if page
        ],
    }
