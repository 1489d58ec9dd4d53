"""Reaching the Temporal server."""

import re

from temporalio.client import Client, TLSConfig
from temporalio.contrib.pydantic import pydantic_data_converter

from measures.errors import EngineError
from workflows.settings import TemporalSettings

_MESSAGE = re.compile(r'(?:message|error): "([^"]+)"')


async def connect(settings: TemporalSettings) -> Client:
    """Connects to the Temporal server that the settings name.

    Raises:
        EngineError: when it does not answer.
    """
    tls: TLSConfig | bool = settings.temporal_tls
    files = (settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key)
    if any(files):
        ca, cert, key = (path.read_bytes() if path else None for path in files)
        tls = TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
    api_key = settings.temporal_api_key
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            tls=tls,
            api_key=api_key.get_secret_value() if api_key else None,
        )
    except RuntimeError as error:
        raise EngineError(
            f"no Temporal server answers at {settings.temporal_address} ({_reason(error)});"
            " start one on this machine with sluice up, or name another: SLUICE_TEMPORAL_ADDRESS"
        ) from error


def _reason(error: RuntimeError) -> str:
    """Returns what went wrong: the SDK's innermost message, without its data structures."""
    messages: list[str] = _MESSAGE.findall(str(error))
    return messages[-1] if messages else str(error)
