"""Which variables a step finds in a pod of KFP: ours under their own names again, and a plugin's where we have none."""

import pytest

from archsmith.machine.kfp_pod import carried, settle

PLUGIN = {
    "KFP_POD_NAME": "p",
    "MLFLOW_TRACKING_URI": "http://plugin",
    "MLFLOW_RUN_ID": "task",
    "MLFLOW_EXPERIMENT_ID": "7",
    "MLFLOW_TRACKING_AUTH": "kubernetes",
}
OURS = {"ARCHSMITH_MLFLOW_TRACKING_URI": "http://ours", "ARCHSMITH_MLFLOW_TRACKING_USERNAME": "me"}


def settled(environ: dict[str, str]) -> dict[str, str]:
    """Return the variables of others' names that a step finds."""
    found = dict(environ)
    settle(found)
    again = dict(found)
    settle(again)
    assert again == found  # a process of the step's own changes nothing
    return {name: value for name, value in found.items() if not name.startswith(("ARCHSMITH_", "KFP_"))}


def test_a_server_of_ours_comes_before_a_plugins_and_nothing_of_the_plugins_is_taken_there() -> None:
    assert settled({**PLUGIN, **OURS}) == {"MLFLOW_TRACKING_URI": "http://ours", "MLFLOW_TRACKING_USERNAME": "me"}


def test_a_plugins_server_is_taken_where_we_have_none() -> None:
    assert settled(PLUGIN) == {name: value for name, value in PLUGIN.items() if name != "KFP_POD_NAME"}


def test_on_the_same_server_the_run_of_the_task_is_known_and_may_be_linked_to() -> None:
    found = settled({**PLUGIN, "ARCHSMITH_MLFLOW_TRACKING_URI": "http://plugin"})
    assert (found["MLFLOW_RUN_ID"], found["MLFLOW_TRACKING_AUTH"]) == ("task", "kubernetes")


def test_elsewhere_nothing_changes() -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://mine", "MLFLOW_RUN_ID": "r", "HTTPS_PROXY": "p", "ARCHSMITH_S3_ENDPOINT": "e"}
    found = dict(environ)
    settle(found)
    assert found == environ


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("MLFLOW_TRACKING_TOKEN", "ARCHSMITH_MLFLOW_TRACKING_TOKEN"),
        ("HTTPS_PROXY", "ARCHSMITH_HTTPS_PROXY"),
        ("no_proxy", "ARCHSMITH_no_proxy"),
        ("AWS_REGION", "AWS_REGION"),
        ("ARCHSMITH_S3_ENDPOINT", "ARCHSMITH_S3_ENDPOINT"),
        ("MY_MLFLOW_X", "MY_MLFLOW_X"),
    ],
)
def test_only_what_others_may_set_too_is_carried_under_another_name(name: str, inside: str) -> None:
    assert carried(name) == inside
    if inside != name:
        assert settled({inside: "v"}) == {name: "v"}
