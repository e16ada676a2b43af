"""The Kubernetes manifests are valid, locked down, and run what the compose file runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streams.settings import variable_names

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
BASE: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
RESOURCES: dict[str, dict[str, Any]] = {
    f"{resource['kind']}/{resource['metadata']['name']}": resource
    for name in BASE["resources"]
    for resource in yaml.safe_load_all((FOLDER / name).read_text())
}
PODS: dict[str, dict[str, Any]] = {
    name: resource["spec"]["template"]
    for name, resource in RESOURCES.items()
    if "template" in resource.get("spec", {})
}
GENERATED = dict(
    literal.split("=", 1)
    for generator in BASE["configMapGenerator"]
    for literal in generator["literals"]
)


def container(name: str) -> dict[str, Any]:
    (only,) = PODS[name]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_every_file_is_part_of_the_base() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(BASE["resources"])


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_every_resource_follows_the_published_schema(name: str, version: str) -> None:
    kubernetes_validate.validate(RESOURCES[name], version, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_pods_have_no_more_rights_than_the_restricted_profile(name: str) -> None:
    pod = PODS[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001, "the user of the image"
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    rights = container(name)["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", PODS)
def test_every_variable_is_a_setting_and_every_secret_is_a_reference(name: str) -> None:
    assert set(GENERATED) <= set(variable_names())
    for variable in container(name).get("env", ()):
        assert variable["name"] in set(variable_names())
        if any(word in variable["name"] for word in ("TOKEN", "PASSWORD", "DATABASE_URL")):
            assert "secretKeyRef" in variable["valueFrom"]


@pytest.mark.parametrize("name", PODS)
def test_pods_run_the_commands_of_the_compose_file(name: str) -> None:
    service = COMPOSE[name.partition("/")[2]]
    assert container(name)["args"] == service["command"]
    # Without a limit one hot worker takes the node with it.
    assert "memory" in container(name)["resources"]["limits"]


@pytest.mark.parametrize("name", [name for name in PODS if not name.startswith("Job/")])
def test_the_probed_port_is_the_scraped_one_and_the_one_of_the_settings(name: str) -> None:
    box = container(name)
    (port,) = box["ports"]
    annotations = PODS[name]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    assert str(port["containerPort"]) in {v.get("value") for v in box["env"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert box[probe]["httpGet"]["port"] == port["name"]


def test_a_worker_that_is_not_ready_lives_on_meanwhile() -> None:
    box = container("StatefulSet/worker")
    assert box["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert box["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_the_console_stays_within_reach_when_the_broker_is_away() -> None:
    box = container("Deployment/inbox")
    assert box["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert box["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_an_interrupted_worker_keeps_its_membership() -> None:
    variables = {v["name"]: v for v in container("StatefulSet/worker")["env"]}
    source = variables["ORDERWATCH_GROUP_INSTANCE_ID"]["valueFrom"]
    assert source == {"fieldRef": {"fieldPath": "metadata.name"}}
