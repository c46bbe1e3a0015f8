from __future__ import annotations

import httpx
import jsonschema
import pytest

from seedance.engine.catalog import kind_of
from seedance.models import DEFAULT_MODEL
from tests.engine.calls import IMAGE, SUBMIT, refusal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (DEFAULT_MODEL, "video"),
        ("bytedance/seedance-v1-pro-t2v-480p", "video"),
        ("wavespeed-ai/wan-2.2/i2v-720p", "video"),
        ("kwaivgi/kling-video/text-to-video", "video"),
        ("wavespeed-ai/z-image/turbo", "image"),
        ("wavespeed-ai/flux-dev", "image"),
        ("vendor/s12vx", "image"),
        ("flux", None),
        ("vendor//flux", None),
        ("vendor/fl ux", None),
        ("../etc/passwd", None),
        ("a/b/c/d/e/f", None),
    ],
)
def test_an_id_tells_what_it_makes(model: str, kind: str | None) -> None:
    """Ids about video make videos, other ones images, and what is no id nothing."""
    assert kind_of(model) == kind


async def test_each_model_tells_what_its_submit_takes(http: httpx.AsyncClient) -> None:
    """`api_schema` is a JSON Schema that agrees with the submit: what it lets through is accepted."""
    models = (await http.get("/api/v3/models")).json()["data"]
    assert DEFAULT_MODEL in [model["model_id"] for model in models]
    body = {"prompt": "a fox", "reference_images": ["https://images.example.com/a.jpg"], "duration": 2}
    for model in models:
        assert set(model) == {"model_id", "name", "type", "base_price", "formula", "api_schema"}
        jsonschema.Draft202012Validator.check_schema(model["api_schema"])
        jsonschema.validate(body, model["api_schema"])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"prompt": 5}, model["api_schema"])
        path = f"/api/v3/{model['model_id']}"
        assert (await http.post(path, json=body)).is_success
        assert refusal(await http.post(path, json={"prompt": 5}), 400)


async def test_what_is_made_here_costs_nothing(http: httpx.AsyncClient) -> None:
    """Both price calls say so, for every model; the balance is play money."""
    for path in (SUBMIT, IMAGE):
        wanted = {"model_id": path.removeprefix("/api/v3/"), "inputs": {"prompt": "a fox"}}
        price = (await http.post("/api/v3/model/price", json=wanted)).json()["data"]
        assert price == {
            "model_id": wanted["model_id"],
            "price": 0.0,
            "discounted_price": 0.0,
            "discount_rate": 0.0,
            "currency": "USD",
        }
        older = (await http.post("/api/v3/model/pricing", json=wanted)).json()["data"]
        assert older == {"model_id": wanted["model_id"], "unit_price": 0.0, "currency": "USD"}
    assert (await http.get("/api/v3/balance")).json()["data"] == {"balance": 100.0}


@pytest.mark.parametrize("call", ["price", "pricing"])
async def test_a_price_of_nothing_is_refused(http: httpx.AsyncClient, call: str) -> None:
    """Without a model id, or with none that could be one."""
    path = f"/api/v3/model/{call}"
    assert refusal(await http.post(path, json={"model_id": "flux"}), 400) == "model not found"
    assert 'field "model_id"' in refusal(await http.post(path, json={}), 400)
    told = refusal(await http.post(path, json={"model_id": "a/b", "inputs": 5}), 400)
    assert 'field "inputs"' in told
