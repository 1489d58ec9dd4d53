#!/bin/bash
# An instance of its own in $D: a copy of the package's empty database, configuration beside it;
# /etc stays as it is.
set -e
: "${D:?the folder for its data}" "${PORT:?the port it will listen on}"
HERE=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$D/site.d"
cp /var/lib/dbconfig-common/sqlite3/request-tracker5/rtdb "$D/rt.sqlite3"
cat > "$D/RT_SiteConfig.pm" <<P
Set(\$rtname, 'test');
Set(\$Organization, 'example.com');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$D/rt.sqlite3');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $PORT);
Set(\$WebPath, '');
Set(\$MailCommand, 'testfile');
Set(\$Timezone, 'UTC');
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, 'warning');
# Tokens are checked with bcrypt at each call; here nobody has to be kept out.
Set(\$BcryptCost, 4);
1;
P
RT_SITE_CONFIG="$D/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$D/site.d" \
  perl -I/usr/share/request-tracker5/lib "$HERE/seed.pl" > "$D/token"
