#!/bin/sh
# Creates the namespace and the search attributes that measures are found by; safe to run again.
set -eu

attempt=0
until temporal operator cluster health; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 30 ] || { echo "Temporal at $TEMPORAL_ADDRESS does not answer" >&2; exit 1; }
  sleep 2
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

# A new namespace is known everywhere only after some seconds.
attempt=0
until temporal operator search-attribute create \
  --name SluiceStage --type Keyword \
  --name SluiceVerdict --type Keyword \
  --name SluiceType --type Keyword \
  --name SluicePackage --type Keyword \
  --name SluiceOwner --type Keyword; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 30 ] || { echo "the search attributes cannot be created" >&2; exit 1; }
  sleep 2
done
