"""The settings of the controller."""

from pathlib import Path

import pytest

from archsmith.cluster.controller.config import ControllerConfig, load_config
from archsmith.errors import PermanentError


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("")
    assert load_config(tmp_path / "c.yaml") == ControllerConfig()


def test_names_are_as_kubernetes_writes_them(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "engine: kfp\nreadNodes: true\nkfp: {podsNamespace: kubeflow}\npod: {imagePullPolicy: Always}"
    )
    found = load_config(tmp_path / "c.yaml")
    assert (found.engine, found.read_nodes, found.kfp.pods_namespace, found.pod.image_pull_policy) == (
        "kfp", True, "kubeflow", "Always",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"), [("engin: kfp", "engin"), ("engine: argo", "engine"), ("a: [", "c.yaml"), ("- 1", "c.yaml")]
)
def test_a_file_that_can_not_be_used_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(PermanentError, match=said):
        load_config(tmp_path / "c.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"none\.yaml"):
        load_config(tmp_path / "none.yaml")
