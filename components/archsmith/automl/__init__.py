"""Everything but the data and the time, chosen: pure functions from what was found and measured to a search file with reasons.

`plan` takes a `Situation`, which a step has surveyed, and returns the sections of the file that are chosen, each with its reason.
"""

from archsmith.automl.plan import Choice, Chosen, plan
from archsmith.automl.situation import Rate, Situation

__all__ = ["Choice", "Chosen", "Rate", "Situation", "plan"]
