"""The pages that show searches, in a pod of the cluster: a search is followed on them, and they survive their pod's restart."""

import pytest

from archsmith.testing.browser import browser
from cluster import Cluster, Note, Start, digits

ROWS = "document.querySelectorAll('#trials tbody tr').length"


@pytest.fixture(name="url")
def _url(cluster: Cluster) -> str:
    cluster.kubectl("rollout", "status", "deployment", "archsmith-ui", "--timeout=180s")
    return f"http://{cluster.address(cluster.ui_port)}"


def test_a_search_is_followed_while_the_pod_of_the_pages_starts_anew(
    cluster: Cluster, url: str, start: Start, note: Note
) -> None:
    name = start(digits("paged", budget={"trials": 10}))
    with browser() as page:
        page.size(1400, 1000)
        page.open(f"{url}/searches/{name}")
        page.wait(f"{ROWS} >= 2", 300)
        seen = page.ask(ROWS)
        cluster.kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=ui")
        page.wait("document.querySelector('#phase').textContent === 'done'", 400)
        assert page.ask(ROWS) == 10
        said = [line for line in page.said if "Failed to load resource" not in line]  # as long as there was no pod
        assert said == []
        assert page.hosts() == {url.removeprefix("http://")}
        page.open(f"{url}/searches/{name}/winner")
        page.wait("/Downloads/.test(document.body.innerText) && document.querySelectorAll('.gallery img').length > 0", 60)
        page.open(f"{url}/")
        page.wait(f"document.querySelector('#searches').innerText.includes('{name}')", 60)
    note(f"A page with {seen} trials went on by itself after its pod was deleted, until the search had ended.")


def test_the_pod_of_the_pages_is_restricted_and_may_only_read(cluster: Cluster, url: str) -> None:
    assert url
    (pod,) = cluster.items("pods", "--selector", "app.kubernetes.io/component=ui", "--field-selector", "status.phase=Running")
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not [m for c in pod["spec"]["containers"] for m in c["volumeMounts"] if "serviceaccount" in m["mountPath"]]
    script = (
        "from archsmith.stores import open_store, default_uri\n"
        "from archsmith.stores.retry import Backoff\n"
        "store = open_store(default_uri(), backoff=Backoff(attempts=1))\n"
        "print('listed', isinstance(store.list('index/'), list))\n"
        "try:\n    store.put('index/written-by-the-pages', b'')\n    print('written')\n"
        "except Exception as error:\n    print('refused', type(error).__name__)\n"
    )
    said = cluster.kubectl("exec", pod["metadata"]["name"], "--", "python", "-c", script)
    assert "listed True" in said
    assert "refused" in said
    assert "written\n" not in said
