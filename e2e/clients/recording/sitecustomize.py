"""Records each AWS call of botocore's clients, one line of JSON for each: Python imports this module first if its folder is on PYTHONPATH.

boto3, AWS CLI 1 and the SageMaker SDKs make their calls with botocore. The variable CLIENT_CALLS names the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

_file = Path(os.environ["CLIENT_CALLS"])
_make_api_call = BaseClient._make_api_call


def _recorded_call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    line: dict[str, str] = {"service": client.meta.service_model.service_id, "operation": operation}
    try:
        return _make_api_call(client, operation, parameters)
    except ClientError as error:
        line |= {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        raise
    finally:
        with _file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


BaseClient._make_api_call = _recorded_call
