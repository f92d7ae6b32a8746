#!/bin/bash
# A pipe of bytes from the host to Duo, for a controller that speaks TLS through it: minimal hosts have no curl and no
# openssl. bash is Essential on Debian and Ubuntu, and opens TCP itself (/dev/tcp); POSIX sh cannot.
#
#   duo-relay NONCE NAME PORT CAFILE ADDRESS
#
# Every line that is ours begins with NONCE. Without an ADDRESS it first tells the host's clock, the CA file and all
# addresses of NAME, ended by `known`, and goes to the first. After the line `open` everything is the connection's.
LC_ALL=C
export LC_ALL
nonce=$1 name=$2 port=$3 cafile=$4 address=$5
say() { printf '%s %s\n' "$nonce" "$*"; }
if [ -z "$address" ]; then
  printf -v now '%(%s)T' -1
  say clock "$now"
  if [ -n "$cafile" ] && [ -f "$cafile" ] && [ -r "$cafile" ]; then
    say cafile "$(head -c 393216 "$cafile" | base64 -w 0)"
  fi
  # As the module: getaddrinfo, hosts file and all.
  while read -r one type _; do
    [ "$type" = STREAM ] || continue
    say address "$one"
    : "${address:=$one}"
  done < <(timeout 15 getent ahosts "$name")
  say known
fi
[ -n "$address" ] || exit 0
exec 4<&0
# connect(2) itself waits for two minutes; the module waits for ten seconds. Nothing but a signal ends it.
{
  sleep 10 >/dev/null
  say silent
  kill -KILL $$
} 4<&- 0</dev/null 2>/dev/null &
watchdog=$!
disown "$watchdog"
if ! exec 3<>"/dev/tcp/$address/$port"; then
  kill "$watchdog"
  say refused
  exit 0
fi
kill "$watchdog"
say open
cat <&4 >&3 &
up=$!
cat <&3 &
down=$!
# Whichever side ends first ends the pipe.
wait -n "$up" "$down"
kill "$up" "$down" 2>/dev/null
exit 0
