#!/bin/sh
# The server's image takes its database password from the environment only: read it from the
# secret inside the container, where `docker inspect` does not show it.
set -eu

POSTGRES_PWD=$(cat /run/secrets/temporal_db_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
