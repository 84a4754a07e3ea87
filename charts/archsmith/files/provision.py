"""Makes MinIO's buckets, and a user for each that can do nothing but use it; what is there already stays.

Run by a Job of the chart in the image of Archsmith, with everything it needs in the environment.
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException, S3Error

PATIENCE_S = 300.0
"""How long to wait for a server that is not there yet."""

STARTING = {"XMinioServerNotInitialized", "SlowDown", "ServiceUnavailable"}
"""What a server answers that is not ready yet."""


@dataclass(frozen=True)
class Account:
    """A user, and the bucket that is all it may use."""

    bucket: str
    """The name of the bucket."""
    access_key: str
    """The name of the user."""
    secret_key: str
    """Its password."""
    only_reads: bool = False
    """Whether it may list and read, and nothing else."""

    @property
    def policy_name(self) -> str:
        """The name of its policy."""
        return f"archsmith-{self.bucket}{'-read' * self.only_reads}"

    @property
    def policy(self) -> dict[str, object]:
        """What it may do: list, read, write and delete objects of its bucket; not delete the bucket, nor see another."""
        bucket = f"arn:aws:s3:::{self.bucket}"
        on_bucket, on_objects = ["s3:GetBucketLocation", "s3:ListBucket"], ["s3:GetObject"]
        if not self.only_reads:
            on_bucket += ["s3:ListBucketMultipartUploads"]
            on_objects += ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        return {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": on_bucket, "Resource": [bucket]},
                {"Effect": "Allow", "Action": on_objects, "Resource": [f"{bucket}/*"]},
            ],
        }


def accounts(environ: Mapping[str, str]) -> list[Account]:
    """Return the accounts that the environment names: those of artifacts and of the pages are there only where these are."""
    return [
        Account(environ[f"{kind}_BUCKET"], environ[f"{kind}_ACCESS_KEY"], environ[f"{kind}_SECRET_KEY"], kind == "UI")
        for kind in ("STORE", "ARTIFACTS", "UI")
        if f"{kind}_BUCKET" in environ
    ]


def provision(client: Minio, admin: MinioAdmin, account: Account) -> None:
    """Make the account's bucket, its policy and its user; a user that is there gets the password that is given now."""
    if not client.bucket_exists(account.bucket):
        client.make_bucket(account.bucket)
    admin.policy_add(account.policy_name, policy=account.policy)
    admin.user_add(account.access_key, account.secret_key)
    _attach(admin, account.policy_name, account.access_key)


def _attach(admin: MinioAdmin, policy: str, user: str) -> None:
    try:
        admin.attach_policy([policy], user=user)
    except MinioAdminException as error:
        if "PolicyChangeAlreadyApplied" not in str(error):
            raise


def wait(client: Minio, patience_s: float = PATIENCE_S) -> None:
    """Wait until the server answers who we are.

    Raises:
        S3Error: It refuses us.
        HTTPError: It does not answer in time.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            client.list_buckets()
        except (urllib3.exceptions.HTTPError, S3Error) as error:
            final = isinstance(error, S3Error) and error.code not in STARTING
            if final or time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Provision every account; no key is ever printed."""
    server = urlsplit(environ["ENDPOINT"])
    root = StaticProvider(environ["ROOT_ACCESS_KEY"], environ["ROOT_SECRET_KEY"])
    pool = urllib3.PoolManager(timeout=10, retries=False)
    region, secure = environ.get("REGION", ""), server.scheme == "https"
    client = Minio(endpoint=server.netloc, credentials=root, secure=secure, region=region or None, http_client=pool)
    admin = MinioAdmin(endpoint=server.netloc, credentials=root, secure=secure, region=region, http_client=pool)
    wait(client)
    for account in accounts(environ):
        provision(client, admin, account)
        sys.stdout.write(f"The bucket {account.bucket} and its user {account.access_key} are ready.\n")


if __name__ == "__main__":
    main()
