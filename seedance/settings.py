"""Settings from environment variables, read once."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from seedance import policy
from seedance.client import DEFAULT_BASE_URL
from seedance.database import sqlite_url
from seedance.models import DEFAULT_MODEL

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # one letter alone is a disk of Windows
EngineName = Literal["wavespeed", "local"]


def _on_a_space(limit: int) -> Any:
    """Return a default that holds on a Hugging Face Space, where anybody may come; elsewhere it is 0."""
    return lambda: limit if os.environ.get("SPACE_ID") else 0


class Settings(BaseSettings):
    """The host's choices. The README's table lists the variables."""

    model_config = SettingsConfigDict(env_ignore_empty=True, populate_by_name=True, extra="ignore")

    api_key: SecretStr | None = Field(None, alias="WAVESPEED_API_KEY")
    base_url: str = Field(DEFAULT_BASE_URL, alias="WAVESPEED_BASE_URL", pattern=r"^https?://[^\s/]+")
    model: str = Field(DEFAULT_MODEL, alias="SEEDANCE_MODEL")
    engine: Literal["auto", "wavespeed", "local"] = Field("auto", alias="SEEDANCE_ENGINE")
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("seedance"), alias="SEEDANCE_DATA_DIR"
    )
    database_url: str = Field("", alias="SEEDANCE_DATABASE_URL")
    media_url: str = Field("", alias="SEEDANCE_MEDIA_URL")
    executor: str = Field("process", alias="SEEDANCE_EXECUTOR")
    log: Literal["human", "json"] = Field("human", alias="SEEDANCE_LOG")
    metrics_token: SecretStr | None = Field(None, alias="SEEDANCE_METRICS_TOKEN")
    """Whoever sends it may read `/metrics`; without one the page has none."""
    grace: float = Field(policy.GRACE, alias="SEEDANCE_GRACE", gt=0)

    limit_visitor: int = Field(default_factory=_on_a_space(3), alias="SEEDANCE_LIMIT_VISITOR", ge=0)
    """Videos that one visitor may have made with the host's key in 24 hours; 0 is no limit, as below."""
    limit_at_once: int = Field(default_factory=_on_a_space(1), alias="SEEDANCE_LIMIT_AT_ONCE", ge=0)
    """Videos that one visitor may have in the making with the host's key."""
    limit_total: int = Field(default_factory=_on_a_space(25), alias="SEEDANCE_LIMIT_TOTAL", ge=0)
    """Videos that all visitors together may have made with the host's key in 24 hours."""

    sign_in: Literal["optional", "required"] = Field("optional", alias="SEEDANCE_SIGN_IN")
    """Whether the host's key makes videos for visitors who have not signed in, too."""

    @field_validator("api_key", "metrics_token")
    @classmethod
    def _no_blank_key(cls, key: SecretStr | None) -> SecretStr | None:
        return key if key and key.get_secret_value().strip() else None

    @field_validator("data_dir")
    @classmethod
    def _expand_home(cls, folder: Path) -> Path:
        return folder.expanduser()

    def choose_engine(self, wanted: str | None = None, *, own_key: bool = False) -> EngineName:
        """Return the engine that makes the next video; `auto` is WaveSpeedAI when there is a key for it."""
        wanted = self.engine if wanted in (None, "auto") else wanted
        if wanted == "auto":
            return "wavespeed" if own_key or self.api_key else "local"
        return "local" if wanted == "local" else "wavespeed"

    @property
    def journal_url(self) -> str:
        """The SQLAlchemy URL of the journal."""
        return self.database_url or sqlite_url(self.data_dir / "journal.sqlite")

    @property
    def bucket(self) -> str:
        """The address of the object storage that all replicas share, or an empty text."""
        is_folder = self.media_url.startswith("file://") or not _ADDRESS.match(self.media_url)
        return "" if is_folder else self.media_url

    @property
    def media(self) -> Path:
        """The folder of images and videos. Where there is a bucket, it holds what was used last."""
        if self.bucket:
            return self.data_dir / "at-hand"
        folder = self.media_url.removeprefix("file://")
        return Path(folder).expanduser() if folder else self.data_dir

    @property
    def videos(self) -> Path:
        """Where finished videos are kept."""
        return self.media / "videos"

    @property
    def images(self) -> Path:
        """Where the cleaned reference images are kept, by their sha-256."""
        return self.media / "images"

    @property
    def engine_media(self) -> Path:
        """Where the embedded engine keeps its uploads and results."""
        return self.media / "engine"
