"""What a report says of a search, for a search that is still looked at: the same words and tables, from a snapshot."""

from collections.abc import Callable, Mapping, Sequence

from archsmith.report.data import ReportData
from archsmith.spec import SearchSpec
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import redact
from archsmith.values.outcome import Example
from archsmith.views.snapshot import Snapshot


def reported(now: Snapshot, places: Mapping[str, str] | None = None, shown_examples: Sequence[Example] = ()) -> ReportData:
    """Return what a report would be made of, had the search ended at this moment.

    Args:
        now: How it stands.
        places: Where things are.
        shown_examples: Test images, and what the winner made of them.
    """
    return ReportData(
        now.search.name,
        shown(now.search.spec),
        now.search.space,
        now.history,
        now.selection,
        now.model,
        places or {},
        now.untrained,
        now.others,
        now.data,
        shown_examples,
        now.search.estimation.fidelity,
        now.most_trials,
        now.most_trainings,
        records=now.records,
        promotion=now.promotion,
        worth=now.worth,
    )


def examples(folder: SearchFolder, note: Callable[[str], object]) -> tuple[Example, ...]:
    """Return the test images that were kept to be looked at; `note` is told of damaged ones, as nothing hangs on them."""

    def read() -> tuple[Example, ...] | None:
        return folder.read_value("best/examples.json", lambda raw: tuple(map(Example.from_dict, raw)))

    return passed_over(read, note) or ()


def shown(spec: SearchSpec) -> SearchSpec:
    """Return the settings as a page may show them: without the password that a tracking URI may hold."""
    if spec.tracking.uri is None:
        return spec
    return spec.model_copy(update={"tracking": spec.tracking.model_copy(update={"uri": redact(spec.tracking.uri)})})
