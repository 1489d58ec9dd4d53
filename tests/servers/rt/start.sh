#!/bin/bash
# Starts it on 127.0.0.1:$PORT; the process that leads its group is in $D/pid.
: "${D:?the folder of its data}" "${PORT:?the port to listen on}"
export RT_SITE_CONFIG="$D/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$D/site.d"
setsid perl /usr/share/request-tracker5/libexec/rt-server --server Starlet --host 127.0.0.1 \
  --port "$PORT" --max-workers 3 > "$D/rt.log" 2>&1 &
echo $! > "$D/pid"
for _ in $(seq 300); do
  code=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/REST/2.0/rt")
  [ "$code" = 401 ] && exit 0
  sleep .1
done
tail "$D/rt.log"
exit 1
