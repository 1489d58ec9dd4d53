#!/bin/sh
# Makes the secrets that docker-compose.yml mounts: sh deploy/make-secrets.sh DIR
# Never overwrites one: the database knows its passwords only from its first start.
set -eu

directory=${1:?give the folder for the secrets, outside the checkout}
umask 077
mkdir -p "$directory"
cd "$directory"

new_password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in postgres_password temporal_db_password ledger_db_password; do
  [ -e "$name" ] || new_password >"$name"
done
[ -e ledger_url ] ||
  printf 'postgresql://sluice:%s@postgresql:5432/ledger' "$(cat ledger_db_password)" >ledger_url
[ -e permit_key ] || openssl genpkey -algorithm ed25519 -out permit_key

# The programs in the containers are other users; the folder keeps everybody else out.
chmod 444 postgres_password temporal_db_password ledger_db_password ledger_url permit_key
