"""What becomes of the winner: it is held to the champion, on the same test images."""

import logging

from archsmith.errors import DataError
from archsmith.search import Search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import Contest, Tracker, Winner
from archsmith.values.promotion import Judgement, Paired, judge
from archsmith.views.promotions import note_promotion, promotion_of

log = logging.getLogger(__name__)


def judged(folder: SearchFolder, search: Search, tracker: Tracker, winner: Winner) -> Judgement:
    """Hold the winner to the champion, unless that was done; return what becomes of it.

    Raises:
        UnavailableError: MLflow does not answer, or the place of the images.
    """
    known, promote = passed_over(lambda: promotion_of(folder, winner.model), log.warning), search.spec.promote
    contest = tracker.contested(winner, known.against if known else None, reads=promote.when == "better")
    # Where the champion that it was held to is gone before it says so, there is none to be held to any more.
    gone = known is not None and known.against and contest is None and tracker.contested(winner, reads=False) is None
    if known and not gone and not isinstance(contest, Contest):
        return known
    if isinstance(contest, Judgement):  # by a search that was deleted, say, and had the very same winner
        note_promotion(folder, winner.model, contest)
        return contest
    compared = _compared(folder, search, winner, contest) if contest and promote.when == "better" else ""
    found = judge(promote.when, promote.margin, contest.against if contest else "", compared)
    note_promotion(folder, winner.model, found)
    log.info("The winner becomes the %s in MLflow. %s", found.alias, found.why)
    return found


def _compared(folder: SearchFolder, search: Search, winner: Winner, contest: Contest) -> Paired | str:
    if contest.onnx is None:
        return "its network is gone, or none of ours"
    from archsmith.evaluation.comparison import compare
    from archsmith.steps.images import load_images

    try:
        return compare(winner.onnx, contest.onnx, load_images(search, folder))
    except DataError as error:
        return f"the test images can't be read ({str(error).rstrip('.')})"
