"""The files under `deploy/`: no container is run here, so every name in them is held against its owner."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
import yaml
from distributed.cli import dask_scheduler, dask_worker
from prometheus_client.parser import text_string_to_metric_families

from seedance import cli
from seedance.engine import parcel
from seedance.engine.health import Metrics as EngineMetrics
from seedance.engine.scheduler import Scheduler
from seedance.metrics import Metrics
from seedance.settings import Settings
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
OURS = ("SEEDANCE_", "WAVESPEED_")


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def filled(text: str) -> str:
    """Fill in the variables as compose does."""
    return re.sub(r"\$\{(\w+)(:[?-])?\}", r"value", text)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yaml")["services"]
    return found


def test_every_setting_is_one_of_ours(services: dict[str, Any]) -> None:
    """What a part's environment sets is read by the program, and makes valid settings."""
    known = {str(field.alias) for field in Settings.model_fields.values()}
    image = re.findall(r"\b(SEEDANCE_\w+)=", (DEPLOY / "Dockerfile").read_text())
    for service in (*services.values(), *read("s3.yaml")["services"].values()):
        environment = service.get("environment", {})
        ours = {name: filled(value) for name, value in environment.items() if name.startswith(OURS)}
        assert set(ours) | set(image) <= known
        Settings(**ours)


def test_commands_are_understood(services: dict[str, Any]) -> None:
    """The engine's command line is parsed by its own parser, Dask's by Dask's."""
    python, m, package, *arguments = map(filled, services["engine"]["command"])
    options = cli._parser().parse_args(arguments)
    assert (python, m, package, options.run) == ("python", "-m", "seedance", cli.serve)
    assert options.api_key == ["value"]
    scheduler = Scheduler.read(options.executor)
    dask, kind, *rest = services["scheduler"]["command"]
    context = dask_scheduler.main.make_context("scheduler", rest)
    assert (dask, kind, context.params["port"]) == ("dask", "scheduler", str(scheduler.port))
    dask, kind, *rest = services["worker"]["command"]
    context = dask_worker.main.make_context("worker", rest)
    assert (dask, kind, context.params["scheduler"]) == (
        "dask",
        "worker",
        f"tcp://{scheduler.host}:{scheduler.port}",
    )
    assert context.params["preload"] == (parcel.__name__,)
    assert scheduler.host in services


def test_parts_find_each_other(services: dict[str, Any]) -> None:
    """Names and ports are the same wherever they stand; what one waits for is there and says how it is."""
    page, engine = services["page"]["environment"], services["engine"]
    port = page["GRADIO_SERVER_PORT"]
    assert page["WAVESPEED_BASE_URL"] == "http://engine:8765"
    assert "--port=8765" in engine["command"]
    assert "127.0.0.1:8765/healthz" in engine["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{port}/" in services["page"]["healthcheck"]["test"][-1]
    proxy = (DEPLOY / "Caddyfile").read_text()
    assert re.search(rf"name page\s+port {port}\b", proxy)
    assert services["proxy"]["ports"] == ["8080:8080"]
    assert ":8080 {" in proxy
    jobs = {job["job_name"]: job["dns_sd_configs"][0] for job in read("prometheus.yaml")["scrape_configs"]}
    assert {name: (job["names"], job["port"]) for name, job in jobs.items()} == {
        "page": (["page"], int(port)),
        "engine": (["engine"], 8765),
    }
    for service in services.values():
        for name in service.get("depends_on", ()):
            assert name in services
            waits = isinstance(service["depends_on"], dict)
            assert not waits or "healthcheck" in services[name]
    assert {services[name]["deploy"]["replicas"] for name in ("page", "engine", "worker")} == {2}


def test_the_store_is_added_to_parts_that_are_there(services: dict[str, Any]) -> None:
    """What S3 adds changes services of the other file or is new, and the store is where it is sought."""
    added = read("s3.yaml")
    new = {name for name, service in added["services"].items() if "image" in service}
    assert set(added["services"]) - new <= set(services)
    for service in added["services"].values():
        assert set(service.get("depends_on", ())) <= new
    where = {
        service["environment"]["AWS_ENDPOINT_URL"]
        for name, service in added["services"].items()
        if name != "store"
    }
    assert where == {"http://store:8333"}
    assert "-s3.port=8333" in added["services"]["store"]["command"]
    (identity,) = json.loads(filled(added["configs"]["s3"]["content"]))["identities"]
    assert identity["credentials"] == [{"accessKey": "value", "secretKey": "value"}]


def test_only_the_ways_in_are_published(services: dict[str, Any]) -> None:
    """Neither scheduler nor database nor engine can be reached from outside."""
    published = {name for name, service in services.items() if "ports" in service}
    assert published == {"proxy", "grafana"}
    assert services["grafana"]["ports"] == ["127.0.0.1:3000:3000"]


@pytest.mark.parametrize("name", ["compose.yaml", "s3.yaml"])
def test_every_secret_is_named_in_the_instructions(name: str) -> None:
    """What a file wants filled in is what its first lines say to write."""
    text = (DEPLOY / name).read_text()
    head = "".join(itertools.takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))
    wanted = set(re.findall(r"\$\{(\w+)", text.replace(head, "")))
    assert wanted == set(re.findall(r"(\w+)=…", head))


def test_volumes_and_files_are_there(services: dict[str, Any]) -> None:
    """Each volume is declared, each mounted file lies beside, and the image is built of files that exist."""
    whole = read("compose.yaml")
    for service in services.values():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in whole["volumes"]
        for config in service.get("configs", ()):
            assert config["source"] in whole["configs"]
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    sources = {name for line in copied for name in line.split()}
    assert all((ROOT / name).exists() for name in sources)
    let_in = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert set(let_in) == sources


def test_the_dashboard_shows_numbers_that_there_are() -> None:
    """Every name in a query is told by page or engine, and every number of ours is shown."""
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    text = (Metrics().text({}) + EngineMetrics().text({}, 0)).decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for query in queries:
        (name,) = set(re.findall(r"\b(?:seedance|process)_\w+", query))
        assert re.sub(r"_(total|bucket|count|sum)$", "", name) in families, query
    shown = {name for query in queries for name in re.findall(r"\bseedance_\w+", query)}
    told = {name for name in families if name.startswith("seedance_") and not name.endswith("_created")}
    assert all(any(each.startswith(name) for each in shown) for name in told)


def test_the_dashboards_panels_lie_beside_each_other() -> None:
    """No panel hides another, and none is wider than the board."""
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for a, b in itertools.combinations(places, 2):
        across = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
        down = a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
        assert not (across and down)
