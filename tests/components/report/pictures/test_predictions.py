from collections.abc import Callable

from archsmith.report import ReportData, render
from archsmith.report.pictures.predictions import predictions
from archsmith.values import Stop, Trial
from archsmith.values.outcome import Foretold

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]


def test_what_came_is_drawn_over_what_was_expected_and_counted_within_the_interval(search: Make, trial: MakeTrial) -> None:
    # 90 % of a normal distribution of deviation .02 lie within .033 of its mean
    expected = [(0.80, 0.83), (0.70, 0.74), (0.90, 0.87)]
    foretold = tuple(Foretold(trial(k), Stop(2, "median", e, 0.02), came) for k, (e, came) in enumerate(expected))
    figure = predictions(search(3, foretold=foretold))
    assert figure.get_suptitle().replace("\n", " ") == "Predicted, and what came: 2 of 3 within the interval of 90 %"
    dots = figure.axes[0].containers[0].lines[0]
    assert [*zip(dots.get_xdata(), dots.get_ydata(), strict=True)] == expected
    page = render(search(3, foretold=foretold))
    assert "what the rule median expected of it" in page


def test_a_report_without_predictions_does_not_speak_of_any(search: Make) -> None:
    assert "what came" not in render(search(3))
