"""A search's pipeline as objects of Kubernetes, for a KFP that keeps its pipelines there."""

import hashlib
import json
from pathlib import Path

from kfp import compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from archsmith.search import Search
from archsmith.spec.dns_names import dns_name
from archsmith_pipelines.dialect import settle
from archsmith_pipelines.search import documents, search_pipeline
from archsmith_pipelines.size import check_size


def compile_manifests(search: Search, store: str, path: Path, *, namespace: str | None = None) -> str:
    """Write a Pipeline and a PipelineVersion to `path`; return the version's name.

    A PipelineVersion never changes, so its name holds a digest of what it is: a changed search is another version, and
    the same one is applied twice without harm.

    Args:
        search: The search.
        store: URI of the store.
        path: The file, with `.yaml` at its end.
        namespace: Where the objects go; that of `kubectl apply` where it is left out.
    """
    pipeline = search_pipeline(search, store)
    made = documents(pipeline)
    check_size(search, made["pipeline_spec"], store)
    digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:10]
    version = dns_name(f"archsmith-{search.name}", digest)
    options = KubernetesManifestOptions(
        pipeline_name=dns_name(f"archsmith-{search.name}"),
        pipeline_display_name=search.name,
        pipeline_version_name=version,
        pipeline_version_display_name=f"{search.name} {digest}",
        namespace=namespace or search.object.metadata.namespace,
        include_pipeline_manifest=True,
    )
    write = compiler.Compiler().compile
    write(pipeline, str(path), kubernetes_manifest_options=options, kubernetes_manifest_format=True)
    settle(path)
    return version
