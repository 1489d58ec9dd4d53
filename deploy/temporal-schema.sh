#!/bin/sh
# Brings Temporal's two databases to the schema of the server's version; safe to run again.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal_db_password)
export SQL_PASSWORD

for database in temporal:temporal temporal_visibility:visibility; do
  name=${database%:*}
  schema=/etc/temporal/schema/postgresql/v12/${database#*:}/versioned
  set -- --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port 5432 --user temporal --database "$name"
  temporal-sql-tool "$@" setup-schema --version 0.0
  temporal-sql-tool "$@" update-schema --schema-dir "$schema"
done
