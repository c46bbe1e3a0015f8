from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from seedance.settings import Settings


def test_without_variables_the_defaults_hold(house: Path) -> None:
    """A bare machine uses the embedded engine and the provider's public address and model."""
    settings = Settings()
    assert settings.api_key is None
    assert settings.base_url == "https://api.wavespeed.ai"
    assert settings.model == "bytedance/seedance-v1-lite/reference-to-video"
    assert settings.choose_engine() == "local"
    assert settings.executor == "process"
    assert settings.journal_url == f"sqlite:///{house}/journal.sqlite"
    assert settings.videos.parent == settings.images.parent == house


def test_reading_settings_writes_nothing(house: Path) -> None:
    """A look at the settings makes no folder."""
    assert Settings().journal_url
    assert not house.exists()


@pytest.mark.parametrize(
    ("engine", "key", "wanted", "own_key", "chosen"),
    [
        ("auto", False, None, False, "local"),
        ("auto", True, None, False, "wavespeed"),
        ("auto", False, None, True, "wavespeed"),
        ("auto", True, "local", True, "local"),
        ("auto", False, "wavespeed", False, "wavespeed"),
        ("auto", True, "auto", False, "wavespeed"),
        ("local", True, None, True, "local"),
        ("local", True, "auto", False, "local"),
        ("local", False, "wavespeed", True, "wavespeed"),
        ("wavespeed", False, None, False, "wavespeed"),
    ],
)
def test_the_engine_is_the_users_choice_then_the_hosts_then_by_key(
    engine: str, key: bool, wanted: str | None, own_key: bool, chosen: str
) -> None:
    """A wish counts first, then SEEDANCE_ENGINE, and `auto` follows the key."""
    settings = Settings(engine=engine, api_key=SecretStr("k") if key else None)  # type: ignore[arg-type]
    assert settings.choose_engine(wanted, own_key=own_key) == chosen


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that a host left empty is no key."""
    monkeypatch.setenv("WAVESPEED_API_KEY", "")
    monkeypatch.setenv("WAVESPEED_BASE_URL", "")
    assert Settings().api_key is None
    assert Settings().base_url == "https://api.wavespeed.ai"


def test_a_wrong_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable and what it may be."""
    monkeypatch.setenv("SEEDANCE_ENGINE", "cloud")
    with pytest.raises(ValidationError, match="SEEDANCE_ENGINE") as caught:
        Settings()
    assert "'auto', 'wavespeed' or 'local'" in str(caught.value)


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' repr nor their JSON holds the key."""
    monkeypatch.setenv("WAVESPEED_API_KEY", "wsk-very-secret")
    settings = Settings()
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "wsk-very-secret"
    assert "very-secret" not in f"{settings!r}{settings}{settings.model_dump_json()}"


def test_a_database_of_ones_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEEDANCE_DATABASE_URL takes the place of the file."""
    monkeypatch.setenv("SEEDANCE_DATABASE_URL", "postgresql+psycopg://db/seedance")
    assert Settings().journal_url == "postgresql+psycopg://db/seedance"
