"""An S3 server; run by health-indicators/tests/clients/object_store.rs.

It has the bucket "orders" and two users with fixed keys, so that a client still
knows the server after a restart. One user works with the bucket, the other may
do nothing. Every request must be signed.
"""

import json
import sys

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import run_simple

IAM = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": "*",
        }
    ],
}


def add_user(name, key_id, secret):
    IAM.create_user("us-east-1", name)
    key = IAM.create_access_key(name)
    key.access_key_id, key.secret_access_key = key_id, secret


def main(port, secret):
    add_user("orders", "AKIAORDERS", secret)
    IAM.put_user_policy("orders", "bucket", json.dumps(POLICY))
    add_user("stranger", "AKIASTRANGER", secret)
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket("orders", "us-east-1")
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    app = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", port, app, threaded=True)


main(int(sys.argv[1]), sys.argv[2])
