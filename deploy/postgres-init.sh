#!/bin/sh
# Runs once, when the database server is new: one role per system, each owning its own databases.
# psql reads the passwords from the mounted secrets itself, so that they stand in no command line.
set -eu

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set temporal_password `cat /run/secrets/temporal_db_password`
\set ledger_password `cat /run/secrets/ledger_db_password`
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE sluice LOGIN PASSWORD :'ledger_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE ledger OWNER sluice;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, ledger FROM PUBLIC;
SQL
