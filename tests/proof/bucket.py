"""An S3 server of its own: moto's, in this process, on 127.0.0.1, with an empty bucket for each who asks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import boto3


@dataclass
class Storage:
    """A running server. `variables` are what a program needs to reach it."""

    endpoint: str
    _numbers: Iterator[int]

    @property
    def variables(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def new_bucket(self) -> str:
        """Make an empty bucket and return its URL."""
        name = f"house-{next(self._numbers)}"
        self._client().create_bucket(Bucket=name)
        return f"s3://{name}/some/prefix"

    def contents(self, url: str) -> dict[str, bytes]:
        """Return what lies below a URL."""
        name, _, prefix = url.removeprefix("s3://").partition("/")
        client = self._client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {
            key.removeprefix(prefix).lstrip("/"): client.get_object(Bucket=name, Key=key)["Body"].read()
            for key in keys
        }

    def _client(self):  # type: ignore[no-untyped-def]
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )


@contextmanager
def running() -> Iterator[Storage]:
    """Run a server until the block ends."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Storage(f"http://{host}:{port}", count(1))
    finally:
        server.stop()
