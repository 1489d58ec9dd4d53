#!/bin/bash
# Installs what the tests need of Redmine and Request Tracker 5, with SQLite, from Debian's
# packages: no server is started or set up. Where that is not possible it says so and goes on.
set -e
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "Redmine and Request Tracker are left out: only root can install them, with apt-get"
  exit 0
fi
packages=(redmine redmine-sqlite ruby-sqlite3 puma request-tracker5 rt5-db-sqlite rt5-standalone curl)
if ! dpkg --status "${packages[@]}" > /dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -q -y --no-install-recommends "${packages[@]}"
fi
plugins=/usr/share/redmine/plugins
mkdir -p $plugins
cp -r "$(dirname "$0")/../../deploy/redmine/sluicegate_webhook" $plugins
