#!/bin/sh
# The guard of one host: snapshot, lease, activate, restore, confirm.
#
# A controller sends it over SSH with everything a transaction needs; from then on it depends on nobody. What it
# promises: until the controller has confirmed over a new login, the host goes back to what it was as soon as the
# controller falls silent (the lease), asks for it (the lifeline), or the host boots (the boot unit).
#
#   /var/lib/duo-fleet/          root only
#     guard.sh                   this script, for whoever stands at the console: sh /var/lib/duo-fleet/guard.sh recover
#     active -> tx/TX            the claim: made by ln -s, which exactly one caller can do
#     tx/TX/in/                  what the controller sent: this script, manifest, new/N, pkg/*
#     tx/TX/state                one word; changes by rename under verdict.lock
#     tx/TX/watch.lock           held by the watcher for its life: whoever finds it free finds a dead transaction
#     tx/TX/snap/                what was: N (a copy), list (N, present or absent, path), dirs, deb/
#     tx/TX/root/                the candidate files as a tree, laid over the live ones in a rehearsal
#     ended/TX                   the record of how it ended; the controller believes this and nothing else
#     snapshots/TX/              what was before a confirmed transaction, and what it left: a rollback goes by both
#   /etc/.duo-fleet/             while a transaction runs: new and old files, ready to be renamed into place
#   /run/duo-fleet/lease         deadline, seconds of uptime: monotonic, and needs no disk
#   /run/duo-fleet/out/          what the transaction's units said
#
# States: claimed -> armed -> staged -> activating -> activated -> confirmed
#         before activation any failure ends in aborted, after it in reverting -> reverted.
# POSIX sh only: dash, busybox and bash run it. What it calls is in Debian's essential packages. Where a file is made by a
# redirection it is that of `true`: the shell itself ends where `:` cannot write.
# Functions are called by name, and single quotes hold what a child shall expand:
# shellcheck disable=SC2317,SC2016,SC2015

set -u
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset CDPATH ENV BASH_ENV

HOME_DIR=/var/lib/duo-fleet
ETC_DIR=/etc/.duo-fleet
RUN_DIR=/run/duo-fleet
UNIT_DIR=/etc/systemd/system
KEEP_SNAPSHOTS=5
KEEP_SNAPSHOTS_DAYS=90
KEEP_RECORDS=50
KEEP_LOG_LINES=2000
LOCK_WAIT_S=20
CLAIM_WAIT_S=60
APT_LOCK_WAIT_S=120
PACKAGE_TRIES=6
CLEAR_UP_ROUNDS=20

OK=0 FAILED=1 USAGE=64 BUSY=75 FENCED=76 DRIFTED=77

say() { printf '%s\n' "$*"; }
mark() { printf '#mark %s\n' "$*"; }
# The log is for an administrator at the console; losing a line to a full disk must not stop a revert.
note() { printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$TX" "$*" 2>/dev/null >>"$HOME_DIR/log" || :; }
log() {
  say "$*"
  note "$*"
}
fail() {
  log "$*"
  exit "$FAILED"
}
has_systemd() { [ -d /run/systemd/system ]; }
uptime_s() {
  read -r up _ </proc/uptime
  say "${up%%.*}"
}

# --- state: one word, changed by rename under the lock that confirm and revert both take ---

state() {
  if [ -r "$T/state" ]; then cat "$T/state"; else say gone; fi
}
# Every word and every record was written when there was space: at claim. A full disk cannot stop a transition.
set_state() { mv -f "$T/words/$1" "$T/state"; }
write_words() {
  mkdir -p "$T/words" "$T/ends" || return 1
  for word in claimed armed staged activating activated confirmed aborting aborted reverting reverted; do
    say "$word" >"$T/words/$word" || return 1
  done
  say 'confirmed over a new login' >"$T/ends/confirmed" && say 'aborted before anything live was changed' >"$T/ends/aborted" &&
    say 'reverted to what was' >"$T/ends/reverted" &&
    say 'foreign: back to what was, but for files that somebody else changed meanwhile' >"$T/ends/foreign"
}
# with_lock COMMAND...: runs it while nobody else can change the state.
with_lock() {
  (
    exec 9>"$HOME_DIR/verdict.lock"
    flock -w "$LOCK_WAIT_S" 9 || {
      say "another process held $HOME_DIR/verdict.lock for $LOCK_WAIT_S s"
      exit "$FAILED"
    }
    "$@"
  )
}
held() { # is the flock on this file held by somebody; a shared probe, so that two who ask do not see each other
  [ -e "$1" ] && ! flock -n -s "$1" true
}
# advance FROM TO: the fence; whoever finds another state than the one it needs must not write.
advance() {
  now=$(state)
  case " $1 " in
  *" $now "*) set_state "$2" ;;
  *)
    say "fenced: the transaction is $now on this host, not $1"
    exit "$FENCED"
    ;;
  esac
}
record_end() { # WORD: durable before anything is cleaned up
  mv -f "$T/ends/$1" "$HOME_DIR/ended/$TX" && sync "$HOME_DIR/ended/$TX" 2>/dev/null
}

# --- units: what writes never runs as a child of the SSH session ---

start_unit() { # NAME RESTART OPERATION ARGS...
  name=$1-$TX restart=$2
  shift 2
  if has_systemd; then
    # No limit of starts: a watcher that is killed again and again must come back each time. But where this script is gone
    # the transaction has ended, and nothing may try for ever to run it. Not told by the exit status: the shell's own for that
    # is the one with which it ends where it cannot fork, too.
    systemd-run --quiet --collect --unit="$name" --service-type=exec -p Restart="$restart" -p RestartSec=100ms -p StartLimitIntervalSec=0 \
      -p OOMScoreAdjust=-900 -p KillMode=control-group -p LimitCORE=0 -p StandardOutput=null -p StandardError=null \
      /bin/sh -c '[ ! -e "$0" ] || exec /bin/sh "$0" "$@"' "$T/in/guard.sh" "$@" </dev/null
  else
    # Without systemd: a session of its own, whose leader's pid is noted so that a revert can stop all of it. In memory,
    # so that it cannot outlive a boot and name somebody else's process; over the blanks that were written at claim, since a
    # revert that stops nothing would run beside what it reverts.
    mkdir -p "$RUN_DIR/out"
    setsid /bin/sh -c 'echo $$ 1<>"$1"; shift; exec "$@"' sh "$RUN_DIR/out/$TX.${name%"-$TX"}.pid" /bin/sh "$T/in/guard.sh" "$@" \
      </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 9>&- &
  fi
}
keep_room_for_pids() {
  has_systemd && return 0
  for op in prepare activate revert; do
    printf '%10s\n' '' >"$RUN_DIR/out/$TX.duo-fleet-$op.pid" || return 1
  done
}
stop_unit() { # OPERATION
  if has_systemd; then
    systemctl kill --signal=KILL "duo-fleet-$1-$TX.service" 2>/dev/null
    systemctl stop "duo-fleet-$1-$TX.service" 2>/dev/null
  elif held "$RUN_DIR/out/$TX.$1.lock" && read -r pid <"$RUN_DIR/out/$TX.duo-fleet-$1.pid"; then
    # Only while it lives: the number of one that has ended may be somebody else's by now.
    kill -KILL "-$pid" 2>/dev/null
  fi
  return 0
}
# in_unit OPERATION: runs body_OPERATION in a unit of its own and shows its output as it grows, until it ends. Whoever
# watches may go away at any time; the work goes on. A second caller watches the one that runs.
in_unit() {
  op=$1 out="$RUN_DIR/out/$TX.$1"
  mkdir -p "$RUN_DIR/out"
  (
    exec 6>"$out.start"
    flock -w "$LOCK_WAIT_S" 6 && launch
  ) || {
    log "the unit for $op does not start on this host"
    return "$FAILED"
  }
  # Nothing is asked again and again: of ten hosts on one machine, half of its time went into that. The waiter ends when
  # the unit lets go of its lock, and tail, which looks a last time then, ends after the waiter.
  flock -s "$out.lock" true &
  tail -n +1 -s 0.1 --pid="$!" -f "$out" 2>/dev/null | sed -u '/^#end /d'
  code=$(sed -n 's/^#end \([0-9]*\)$/\1/p' "$out" | tail -n 1)
  if [ -z "$code" ]; then
    say "$op was stopped before its end"
    code=$FAILED
  fi
  return "$code"
}
launch() {
  held "$out.lock" && return 0
  rm -f "$out"
  start_unit "duo-fleet-$op" no "do-$op" "$TX" 6>&- || return 1
  waited=0
  until [ -e "$out" ]; do
    waited=$((waited + 1))
    # Where the transaction ended meanwhile there is nothing to be run any more.
    [ "$waited" -lt 500 ] && [ -e "$T/in/guard.sh" ] || return 1
    sleep 0.02
  done
}
unit_body() { # the inside of in_unit; the lock tells that it lives, the last line how it ended
  out="$RUN_DIR/out/$TX.$1"
  exec 7>"$out.lock"
  flock -w 5 7 || exit "$FAILED"
  (
    exec 7>&-
    "body_$1"
  ) >"$out" 2>&1
  printf '#end %s\n' "$?" >>"$out"
}

# --- claim and lease ---

claim() { # NONCE LEASE_S RUN OPERATOR REASON
  # An id is good for one claim. What a second one has sent over a live transaction's files changes nothing any more, or
  # belongs to one that has ended.
  if [ -e "$T/state" ] || [ -e "$HOME_DIR/ended/$TX" ]; then
    [ -e "$T/state" ] || rm -rf "${T:?}"
    say "fenced: $TX was claimed before"
    exit "$FENCED"
  fi
  printf '%s\n' "$1" >"$T/nonce" && printf 'run=%s\noperator=%s\nsince=%s\n' "$3" "$4" "$(date +%s)" >"$T/owner" &&
    { [ -z "${5:-}" ] || printf 'reason=%s\n' "$5" >>"$T/owner"; } &&
    write_words && set_state claimed && mkdir -p "$HOME_DIR/ended" "$HOME_DIR/snapshots" "$HOME_DIR/kept" "$T/kept" "$RUN_DIR/out" &&
    true >>"$HOME_DIR/verdict.lock" && true >>"$HOME_DIR/claim.lock" && cp "$T/in/guard.sh" "$HOME_DIR/.guard.$TX" && keep_room_for_pids ||
    give_up "cannot write to $HOME_DIR"
  # Whatever holds the host must be readable after a power loss, or nobody could end it.
  sync "$T"/words/* "$T"/ends/* "$T/state" "$T/in/guard.sh" "$HOME_DIR/.guard.$TX" 2>/dev/null || sync
  # From the claim until the watcher lives, nobody else may judge whether this transaction is dead.
  exec 5>"$HOME_DIR/claim.lock"
  flock -w "$CLAIM_WAIT_S" 5 || give_up 'another claim or recovery is under way on this host'
  tries=0
  until ln -sT "tx/$TX" "$HOME_DIR/active" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -le 3 ] || give_up 'cannot take the lock of this host'
    settle_earlier
  done
  find "$RUN_DIR/out" -type f ! -name "$TX.*" -delete 2>/dev/null
  # What callers sent who never came to claim; the young ones may still be at it.
  find "$HOME_DIR/tx" -mindepth 1 -maxdepth 1 ! -name "$TX" -mmin +60 -exec rm -rf {} + 2>/dev/null
  mv -f "$HOME_DIR/.guard.$TX" "$HOME_DIR/guard.sh"
  set_lease "$2" || give_up "cannot write to $RUN_DIR"
  start_unit duo-fleet-guard on-failure watch "$TX" || give_up 'cannot start the guard on this host'
  tries=0
  until held "$T/watch.lock"; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || give_up 'the guard did not start on this host'
    sleep 0.02
  done
  note "begun by $4 in run $3; if $2 s pass without a word from there, this host puts itself back"
  if [ -n "${5:-}" ]; then
    note "why: $5"
    announce "run $3 of $4 begins on this host: $5"
  fi
  say "claimed $TX"
}
give_up() { # before anything but our own folder was written
  if [ "$(readlink "$HOME_DIR/active")" = "tx/$TX" ]; then rm -f "$HOME_DIR/active" "$RUN_DIR/lease"; fi
  rm -rf "${T:?}" "$HOME_DIR/.guard.$TX"
  fail "$1: nothing was touched"
}
# What stands in the way of a claim: somebody alive (refused by name), or what a dead run left, which is put back.
settle_earlier() {
  mine=$TX
  other=$(readlink "$HOME_DIR/active") || return 0
  TX=${other#tx/} T="$HOME_DIR/$other"
  if held "$T/watch.lock"; then
    say "busy $TX $(state)"
    cat "$T/owner" 2>/dev/null
    rm -rf "$HOME_DIR/tx/${mine:?}" "$HOME_DIR/.guard.$mine"
    exit "$BUSY"
  fi
  say "settling $TX, which an earlier run left $(state)"
  if [ -d "$T" ]; then
    recover_now || {
      rm -rf "$HOME_DIR/tx/${mine:?}" "$HOME_DIR/.guard.$mine"
      fail "what the transaction $TX left could not be put back; nothing else was touched. As root: sh $HOME_DIR/guard.sh recover"
    }
  else
    rm -f "$HOME_DIR/active"
  fi
  TX=$mine T="$HOME_DIR/tx/$mine"
}
recover_now() { # done when the transaction no longer holds the host, whatever it ended in
  in_unit revert
  [ "$(readlink "$HOME_DIR/active")" != "tx/$TX" ]
}
set_lease() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  mkdir -p "$RUN_DIR" && printf '%s\n' "$(($(uptime_s) + $1))" >"$RUN_DIR/.lease" && mv -f "$RUN_DIR/.lease" "$RUN_DIR/lease"
}
# The lease's own channel: the controller renews, or asks to revert when its other channel is busy.
lease() {
  while read -r word seconds; do
    case $word in
    renew)
      case $(state) in
      claimed | armed | staged | activating | activated) set_lease "$seconds" && say ok || say "fenced lease" ;;
      *) say "fenced $(state)" ;;
      esac
      ;;
    revert)
      ( revert )
      say "done $?"
      ;;
    *) say "fenced usage" ;;
    esac
  done
}
watch() {
  exec 8>"$T/watch.lock"
  # Restarted by systemd where it does not get the lock; the claim gives up where it never does.
  flock -w 5 8 || exit "$FAILED"
  over=0
  # Only the shell's own means in here: it goes round twice a second for as long as the transaction takes.
  while :; do
    word=gone deadline=0
    if [ -r "$T/state" ]; then read -r word <"$T/state"; fi
    if [ -r "$RUN_DIR/lease" ]; then read -r deadline <"$RUN_DIR/lease"; fi
    read -r up _ </proc/uptime
    case $word in
    gone) break ;;
    # Whoever ended it clears up after it. Where nothing can be written he cannot, and it is done from here as soon as it can.
    confirmed | aborted | reverted) over=$((over + 1)) ;;
    *) [ "${up%%.*}" -le "${deadline:-0}" ] || log 'the controller has not renewed the lease: putting the host back' ;;
    esac
    if [ "$over" -gt "$CLEAR_UP_ROUNDS" ] || { [ "$over" = 0 ] && [ "${up%%.*}" -gt "${deadline:-0}" ]; }; then
      (
        exec 8>&-
        in_unit revert >/dev/null
      )
      # A revert that could not finish (a package lock, a full disk) is tried again until it can.
      [ "$(state)" = gone ] || sleep 5
    fi
    sleep 0.5
  done
  # Whoever asked for the end reads it to its last line, and clears up; where nobody is there any more, it is done here.
  if [ -e "$RUN_DIR/out/$TX.revert" ]; then sleep 1; fi
  [ -e "$T/state" ] || forget_output
  exit 0
}

# --- prepare: download, snapshot, arm, stage ---

# Lines of in/manifest, in activation order: `step ID` and, numbered from 1 without a gap,
#   file N MODE SHA256-BEFORE PATH | absent N - SHA256-BEFORE PATH | packages N - - - | reload N - - SERVICE
# SHA256-BEFORE is what the controller saw: a digest or `absent`.
# A rollback has in/source, the transaction whose kept snapshot its contents come from, and lines
#   back N M:FINGERPRINT SHA256-BEFORE PATH | along N M:FINGERPRINT SHA256-BEFORE PATH
# where M is the number of the copy in that snapshot. What goes along is the packages': their scripts may write it, too.
pkg_lines() { if [ -r "$T/in/pkg/$1" ]; then cat "$T/in/pkg/$1"; fi; }
known() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qv '^not-installed$'; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_get() {
  # Noninteractive by environment, since sudo and sshd drop it; needrestart only lists. Our own lists, sources and
  # archives: the live ones change with activation and not before.
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l UCF_FORCE_CONFFOLD=1 apt-get -q -y \
    -o Dir::Etc::SourceList="$T/apt/duo.list" -o Dir::Etc::SourceParts="$T/apt/parts" \
    -o Dir::State::lists="$T/apt/lists" -o Dir::Cache::archives="$T/apt/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
    -o DPkg::Lock::Timeout="$APT_LOCK_WAIT_S" -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
    -o Acquire::https::Timeout=20 -o Acquire::Languages=none -o APT::Get::List-Cleanup=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@" </dev/null
}
apt_words() { # what is installed and what goes, as apt-get takes it
  pkg_lines install | while read -r name _; do printf '%s ' "$name"; done
  pkg_lines purge | while read -r name; do installed "$name" && printf '%s- ' "$name"; done
}
download() {
  mkdir -p "$T/apt/parts" "$T/apt/lists/partial" "$T/apt/archives/partial"
  cp "$T/in/pkg/keyring" "$T/apt/duo.gpg"
  sed "s|signed-by=KEYRING|signed-by=$T/apt/duo.gpg|" "$T/in/pkg/source" >"$T/apt/duo.list"
  apt_get -o APT::Update::Error-Mode=any update || fail "the Duo repository cannot be read from this host: nothing was touched"
  # Duo's package and what is installed are nearly always enough; it is much faster than to weigh a whole distribution.
  # This is also the wait until no other package operation runs (apt takes the dpkg lock to download, too): it must not
  # eat into activation.
  # shellcheck disable=SC2046
  if ! apt_get --download-only --reinstall install $(apt_words); then
    ln -s /var/lib/apt/lists/* "$T/apt/lists/" 2>/dev/null
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
      if [ -f "$file" ] && ! grep -qF "$(pkg_lines url)" "$file"; then ln -s "$file" "$T/apt/parts/"; fi
    done
    # shellcheck disable=SC2046
    apt_get --download-only --reinstall install $(apt_words) || fail "apt cannot get the packages: nothing was touched"
  fi
  pkg_lines install | while read -r name minimum; do
    for deb in "$T/apt/archives/${name}_"*.deb; do
      [ -f "$deb" ] || continue
      version=$(dpkg-deb -f "$deb" Version)
      dpkg --compare-versions "$version" ge "$minimum" ||
        fail "the repository has $name $version, at least $minimum is needed: nothing was touched"
    done
  done || exit "$FAILED"
}

# --- a rollback: what a confirmed transaction's snapshot keeps, taken for what is to be ---

is_rollback() { [ -e "$T/in/source" ]; }
source_folder() { say "$HOME_DIR/snapshots/$(cat "$T/in/source")"; }
# Everything is copied, and looked at, before anything is touched: from here on nobody needs that snapshot any more.
fetch_kept() {
  from=$(source_folder)
  [ -r "$from/after" ] || fail "the snapshot ${from##*/} is not on this host any more: nothing was touched"
  mkdir -p "$T/in/new" "$T/kept-debs" "$T/snap/deb"
  cp "$T/in/source" "$T/snap/source" && cp "$from/dirs" "$T/snap/dirs-undone" ||
    fail 'cannot write the snapshot, is the disk full? Nothing was touched'
  while read -r kind n copy _ path; do
    case $kind in
    back | along)
      cp -a -- "$from/${copy%%:*}" "$T/in/new/$n" && [ "$(fingerprint "$T/in/new/$n")" = "${copy#*:}" ] ||
        fail "the kept copy of $path cannot be had, or is not the one that was looked at: nothing was touched"
      ;;
    esac
  done <"$T/in/manifest"
  [ -d "$T/in/pkg" ] || return 0
  # As with a download: the wait for others must not eat into activation.
  said=$(await_dpkg 2>&1) || {
    say "$said" | grep '^E: '
    fail 'the packages cannot be put back now: nothing was touched'
  }
  our_packages | cmp -s - "$T/in/pkg/live" || {
    log 'the packages were changed since they were read: nothing was touched'
    exit "$DRIFTED"
  }
  pkg_lines install | while read -r name version; do
    ln "$from/deb/$name.deb" "$T/kept-debs/$name.deb" && [ "$(dpkg-deb -f "$T/kept-debs/$name.deb" Version)" = "$version" ] ||
      fail "the kept copy of the package $name $version cannot be had: nothing was touched"
  done || exit "$FAILED"
  # shellcheck disable=SC2046
  named=$(naming_any $(pkg_lines purge) | while read -r path; do
    awk -v p="$path" '$5 == p { found = 1 } END { exit !found }' "$T/in/manifest" || printf '%s ' "$path"
  done)
  [ -z "$named" ] || fail "a module that goes with its package is named by ${named% }, which no run of duo-fleet wrote; take the line out there: nothing was touched"
  rehearse_packages
}
# What apt would do says whether the packages can go and come without a network, and without any others.
rehearse_packages() {
  set -- -s -q -y --allow-downgrades -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= install
  for deb in "$T"/kept-debs/*.deb; do
    if [ -f "$deb" ]; then set -- "$@" "$deb"; fi
  done
  for name in $(pkg_lines purge); do set -- "$@" "$name-"; done
  said=$(timeout 60 apt-get "$@" 2>&1 </dev/null) || {
    say "$said" | grep '^E: '
    fail 'the packages cannot be put back as they were: nothing was touched'
  }
  others=$(say "$said" | sed -n 's/^\(Inst\|Remv\|Purg\) \([^ :]*\).*/\2/p' | sort -u | while read -r name; do
    { pkg_lines install && pkg_lines purge; } | grep -q "^$name\( \|\$\)" || printf '%s ' "$name"
  done)
  [ -z "$others" ] || fail "the packages cannot be put back alone, ${others% } would have to come or go with them: nothing was touched"
}
# dpkg does not wait for its locks, nor does apt where it only says what it would do; apt-get check does.
await_dpkg() {
  timeout "$((APT_LOCK_WAIT_S + 60))" apt-get -q -o DPkg::Lock::Timeout="$APT_LOCK_WAIT_S" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= check </dev/null
}
# naming_any PACKAGE...: PAM files that name a module of theirs, by its path or, where libpam looks for it, by its name alone.
naming_any() { # PACKAGE...
  for name; do naming "$name"; done | sort -u
}
naming() {
  {
    dpkg-query -L "$1" 2>/dev/null | grep '/security/[^/]*\.so$'
    # A package that is half there may not tell its files.
    if ! is_rollback && [ -r "$T/in/module" ]; then cat "$T/in/module"; fi
  } | while read -r path; do
    grep -rlF -e "${path#/usr}" /etc/pam.d
    case $path in
    /lib/*security/* | /usr/lib/*security/*) grep -rlE "^[^#]*[[:space:]]${path##*/}([[:space:]]|\$)" /etc/pam.d ;;
    esac
  done
}
# What the transaction left, file by file: what is found otherwise later was somebody's doing.
note_after() {
  while read -r n _ path; do say "$n $(fingerprint "$path")"; done <"$T/snap/list" >"$T/snap/after" &&
    if [ -d "$T/in/pkg" ]; then our_packages >"$T/snap/packages-after"; fi
}
# kept [RUN]: the snapshots of this host, the newest first, and all about the one that is meant: RUN's, or the newest.
#   kept TX SINCE UNDOES|- RUN OPERATOR | chosen TX | too-old
#   entry STEP|- N WAS AFTER NOW PATH | reload SERVICE | packages known | package was|after|now STATUS NAME VERSION
#   deb NAME | since PATH
kept() {
  chosen=''
  # shellcheck disable=SC2012
  newest_first=$(ls -1t "$HOME_DIR/snapshots" 2>/dev/null)
  for TX in $newest_first; do
    owner="$HOME_DIR/snapshots/$TX/owner"
    [ -r "$owner" ] || continue
    run=$(sed -n 's/^run=//p' "$owner") undoes=-
    if [ -r "${owner%owner}source" ]; then undoes=$(cat "${owner%owner}source"); fi
    say "kept $TX $(sed -n 's/^since=//p' "$owner") $undoes $run $(sed -n 's/^operator=//p' "$owner")"
    if [ -z "$chosen" ] && [ "$run" = "${1:-$run}" ]; then chosen=$TX; fi
  done
  if [ -n "$chosen" ]; then about_kept "$HOME_DIR/snapshots/$chosen"; fi
}
about_kept() { # FOLDER
  say "chosen ${1##*/}"
  if [ ! -r "$1/after" ]; then
    say too-old
    return
  fi
  while read -r n what path; do
    was=absent
    if [ "$what" = present ]; then was=$(fingerprint "$1/$n"); fi
    step=$(awk -v n="$n" '$1 == "step" { s = $2 } $1 ~ /^(file|absent|back)$/ && $2 == n { print s }' "$1/manifest")
    say "entry ${step:--} $n $was $(awk -v n="$n" '$1 == n { print $2 }' "$1/after") $(fingerprint "$path") $path"
  done <"$1/list"
  sed -n 's/^reload [0-9]* - - /reload /p' "$1/manifest"
  if [ -r "$1/packages-after" ]; then
    say 'packages known'
    sed 's/^/package was /' "$1/packages"
    sed 's/^/package after /' "$1/packages-after"
    sort -u "$1/package-names" | while read -r name; do
      dpkg-query -W -f 'package now ${db:Status-Status} ${Package} ${Version}\n' "$name" 2>/dev/null
    done | grep -v '^package now not-installed '
  fi
  for deb in "$1"/deb/*.deb; do
    if [ -f "$deb" ]; then
      deb=${deb##*/}
      say "deb ${deb%.deb}"
    fi
  done
  { cat "$1/context" && context; } | sort | uniq -u | sed 's/^[^ ]*  //' | sort -u | while read -r path; do
    awk -v p="$path" '$3 == p { found = 1 } END { exit !found }' "$1/list" || say "since $path"
  done
}

note_path() { # N PATH: into the snapshot, whether it is there or not
  if [ -e "$2" ] || [ -L "$2" ]; then
    cp -a -- "$2" "$T/snap/$1" || fail "cannot copy $2 into the snapshot, is the disk full? Nothing was touched"
    say "$1 present $2" >>"$T/snap/list"
  else
    say "$1 absent $2" >>"$T/snap/list"
  fi
}
# The files by which logins are decided, whoever wrote them: a rollback tells by them whether anything else was changed since.
context() {
  set --
  for path in /etc/pam.d/* /etc/security/*.conf /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /etc/sudoers /etc/sudoers.d/*; do
    if [ -f "$path" ]; then set -- "$@" "$path"; fi
  done
  sha256sum -- "$@"
}
fingerprint() { # PATH: what makes two files the same, in one word
  if [ -L "$1" ]; then
    say "link:$(readlink -- "$1" | sha256sum | cut -c 1-64)"
  elif [ -f "$1" ]; then
    digest=$(sha256sum <"$1") && say "${digest%% *}:$(stat -c '%a:%u:%g' -- "$1")"
  elif [ -e "$1" ]; then
    say other
  else
    say absent
  fi
}
as_seen() { # N SHA256-BEFORE: is the snapshot what the plan was made from
  if [ ! -e "$T/snap/$1" ]; then [ "$2" = absent ]; else [ "$(sha256sum <"$T/snap/$1")" = "$2  -" ]; fi
}
snapshot() {
  mkdir -p "$T/snap/deb"
  last=0
  true >"$T/snap/list"
  true >"$T/snap/dirs"
  cp "$T/in/manifest" "$T/snap/manifest" && cp "$T/owner" "$T/snap/owner" && context >"$T/snap/context" ||
    fail 'cannot write the snapshot, is the disk full? Nothing was touched'
  while read -r kind n _ before path; do
    case $kind in
    file | absent | back | along)
      note_path "$n" "$path"
      as_seen "$n" "$before" || {
        log "$path was changed since it was read: nothing was touched"
        exit "$DRIFTED"
      }
      last=$n
      ;;
    packages | reload) last=$n ;;
    esac
  done <"$T/in/manifest"
  if [ -d "$T/in/pkg" ]; then
    for path in /etc/pam.d/common-* /var/lib/pam/* /etc/duo/* /etc/ld.so.cache /var/lib/apt/extended_states; do
      if [ -f "$path" ]; then snapshot_extra "$path"; fi
    done
    pkg_lines purge >"$T/snap/purge"
    while read -r name; do
      installed "$name" || continue
      for path in $(dpkg-query -W -f '${Conffiles}\n' "$name" | awk 'NF { print $1 }'); do snapshot_extra "$path"; done
      # The legacy module itself, so that a stack which names it works again before the package is back.
      for path in $(dpkg-query -L "$name" | grep '\.so\(\.[0-9.]*\)\?$'); do
        if [ -f "$path" ]; then snapshot_extra "$path"; fi
      done
      rebuild_package "$name"
    done <"$T/snap/purge"
    pkg_lines install | while read -r name _; do
      if installed "$name"; then rebuild_package "$name"; fi
    done || exit "$FAILED"
    our_packages >"$T/snap/packages" && { pkg_lines install && pkg_lines purge; } | cut -d ' ' -f 1 >"$T/snap/package-names" ||
      fail 'cannot write the snapshot, is the disk full? Nothing was touched'
  fi
  # In reverse, so that PAM lets go of the module before anything else goes.
  sort -rn "$T/snap/list" >"$T/snap/restore" || fail 'cannot write the snapshot, is the disk full? Nothing was touched'
  sync -f "$T/snap" 2>/dev/null || sync
}
snapshot_extra() {
  awk -v p="$1" '$3 == p { found = 1 } END { exit !found }' "$T/snap/list" && return 0
  last=$((last + 1))
  note_path "$last" "$1"
}
# A .deb made from what is installed, so that the package can be put back without a network.
rebuild_package() {
  dir="$T/snap/deb/$1.d"
  mkdir -p "$dir/DEBIAN"
  chmod 0755 "$dir" "$dir/DEBIAN"
  dpkg-query -s "$1" | awk '
    /^[^ \t]/ { skip = /^(Status|Conffiles|Config-Version):/ }
    !skip { print }' >"$dir/DEBIAN/control"
  dpkg-query -L "$1" | while read -r path; do
    case $path in
    # On a merged /usr these are links of the system, where the package thinks of folders.
    /bin | /sbin | /lib | /lib32 | /lib64 | /libx32) continue ;;
    esac
    if [ -f "$path" ] || [ -L "$path" ]; then say "${path#/}"; fi
  done >"$T/snap/deb/$1.files"
  for item in $(dpkg-query --control-list "$1"); do
    case $item in
    md5sums | conffiles) continue ;;
    *) dpkg-query --control-show "$1" "$item" >"$dir/DEBIAN/$item" ;;
    esac
    case $item in
    preinst | postinst | prerm | postrm | config) chmod 0755 "$dir/DEBIAN/$item" ;;
    *) chmod 0644 "$dir/DEBIAN/$item" ;;
    esac
  done
  # dpkg keeps them to itself (--control-list names none). Only those that are still there, else dpkg-deb refuses.
  dpkg-query -W -f '${Conffiles}\n' "$1" | awk 'NF { print $1 }' | while read -r path; do
    if grep -qxF -e "${path#/}" "$T/snap/deb/$1.files"; then say "$path"; fi
  done >"$dir/DEBIAN/conffiles"
  chmod 0644 "$dir/DEBIAN/conffiles"
  tar -C / --no-recursion -T "$T/snap/deb/$1.files" -cf - | (umask 022 && tar -C "$dir" -xpf -) &&
    dpkg-deb -Znone --root-owner-group -b "$dir" "$T/snap/deb/$1.deb" >/dev/null ||
    fail "cannot keep a copy of the package $1: nothing was touched"
  rm -rf "$dir"
}

arm() {
  if has_systemd; then
    # Files first, before sshd takes a login; packages when the system is up. Not a plain oneshot before ssh.socket:
    # with default dependencies that is an ordering cycle, and systemd would drop one of the two at random.
    cat >"$UNIT_DIR/.duo-fleet-boot.service" <<UNIT
[Unit]
Description=duo-fleet: put back the files of an unconfirmed transaction
DefaultDependencies=no
After=local-fs.target
RequiresMountsFor=$HOME_DIR /etc
Before=ssh.service sshd.service ssh.socket sshd.socket
ConditionPathExists=$HOME_DIR/active
[Service]
Type=oneshot
ExecStart=/bin/sh $T/in/guard.sh boot $TX
TimeoutStartSec=60
[Install]
WantedBy=sysinit.target
UNIT
    cat >"$UNIT_DIR/.duo-fleet-boot-packages.service" <<UNIT
[Unit]
Description=duo-fleet: put back the packages of an unconfirmed transaction
After=multi-user.target
ConditionPathExists=$HOME_DIR/active
[Service]
Type=oneshot
ExecStart=/bin/sh $T/in/guard.sh recover $TX
SuccessExitStatus=$FENCED
Restart=on-failure
RestartSec=15
[Install]
WantedBy=multi-user.target
UNIT
    mkdir -p "$UNIT_DIR/sysinit.target.wants" "$UNIT_DIR/multi-user.target.wants" &&
      chmod 0644 "$UNIT_DIR/.duo-fleet-boot.service" "$UNIT_DIR/.duo-fleet-boot-packages.service" &&
      mv -f "$UNIT_DIR/.duo-fleet-boot.service" "$UNIT_DIR/duo-fleet-boot.service" &&
      mv -f "$UNIT_DIR/.duo-fleet-boot-packages.service" "$UNIT_DIR/duo-fleet-boot-packages.service" &&
      ln -sf ../duo-fleet-boot-packages.service "$UNIT_DIR/multi-user.target.wants/duo-fleet-boot-packages.service" &&
      ln -sf ../duo-fleet-boot.service "$UNIT_DIR/sysinit.target.wants/duo-fleet-boot.service" &&
      sync "$UNIT_DIR/duo-fleet-boot.service" "$UNIT_DIR/sysinit.target.wants" ||
      fail 'cannot install the boot unit: nothing was touched'
  fi
  with_lock advance claimed armed || exit "$?"
  sync "$T/state" 2>/dev/null
}
disarm() {
  rm -f "$UNIT_DIR/sysinit.target.wants/duo-fleet-boot.service" "$UNIT_DIR/multi-user.target.wants/duo-fleet-boot-packages.service" \
    "$UNIT_DIR/duo-fleet-boot.service" "$UNIT_DIR/duo-fleet-boot-packages.service" \
    "$UNIT_DIR/.duo-fleet-boot.service" "$UNIT_DIR/.duo-fleet-boot-packages.service" || return 1
  # Folders that an installation without local units does not have are not left behind either.
  rmdir "$UNIT_DIR/sysinit.target.wants" 2>/dev/null
  return 0
}

# stage_folder PATH: where its new and old content wait, on the same filesystem, so that a rename is enough.
stage_folder() {
  case $1 in
  "$HOME_DIR"/*) say "$T/stage" ;;
  *) say "$ETC_DIR" ;;
  esac
}
nearest_folder() {
  near=${1%/*}
  until [ -d "${near:-/}" ]; do near=${near%/*}; done
  say "${near:-/}"
}
# layer_folder LAYER PATH: the same folder in a layer over the live tree, with the live one's mode and owner, since
# overlayfs shows the attributes of the upper one.
layer_folder() {
  if [ -z "$2" ] || [ -d "$1$2" ]; then return 0; fi
  layer_folder "$1" "${2%/*}"
  mkdir -m 0755 "$1$2"
  if [ -d "$2" ]; then
    chmod --reference="$2" "$1$2"
    chown --reference="$2" "$1$2"
  fi
}
candidate_folder() { layer_folder "$T/root" "$1"; }
stage() {
  mkdir -p "$ETC_DIR/new" "$ETC_DIR/old" "$T/stage/new" "$T/stage/old" "$T/root/etc" || fail "cannot write to $ETC_DIR"
  chmod 0755 "$T/root" "$T/root/etc"
  while read -r kind n mode _ path; do
    case $kind:$path in
    file:* | absent:*) ;;
    back:/etc/* | back:"$HOME_DIR"/* | along:/etc/*) ;;
    # Elsewhere, a packages' file: its copy is renamed into place from beside it.
    *) continue ;;
    esac
    folder=$(stage_folder "$path")
    [ "$(stat -c %d "$folder")" = "$(stat -c %d "$(nearest_folder "$path")")" ] ||
      fail "$path is on another filesystem than $folder, so it cannot be replaced by a rename"
    if [ "$kind" = file ]; then
      # Made with umask 077 and only then given its mode: a secret is never readable by others, not for a moment.
      cat "$T/in/new/$n" >"$folder/new/$n" && chmod "$mode" "$folder/new/$n" || fail "cannot stage $path: is the disk full?"
      candidate_folder "${path%/*}"
      cp -p "$folder/new/$n" "$T/root$path" || fail "cannot stage $path: is the disk full?"
    elif [ "$kind" != absent ]; then
      # Mode, owner and whatever else it has come with the copy.
      cp -a -- "$T/in/new/$n" "$folder/new/$n" && candidate_folder "${path%/*}" && cp -a -- "$T/in/new/$n" "$T/root$path" ||
        fail "cannot stage $path: is the disk full?"
    fi
  done <"$T/in/manifest"
  while read -r n what path; do
    if [ "$what" = present ]; then
      case $path in
      /etc/* | "$HOME_DIR"/*) cp -a -- "$T/snap/$n" "$(stage_folder "$path")/old/$n" || fail "cannot keep $path ready: is the disk full?" ;;
      esac
    fi
  done <"$T/snap/list"
  sync -f "$ETC_DIR" 2>/dev/null
  if [ -d "$T/apt/archives" ] || [ -d "$T/kept-debs" ]; then
    for deb in "$T"/apt/archives/*.deb "$T"/kept-debs/*.deb; do
      [ -f "$deb" ] || continue
      dpkg-deb -x "$deb" "$T/root" || fail "the downloaded package cannot be unpacked: $(basename "$deb")"
    done
    # On a merged /usr a package may still say /lib64.
    for folder in bin sbin lib lib64; do
      if [ -L "/$folder" ] && [ -d "$T/root/$folder" ]; then
        candidate_folder "/usr/$folder" && cp -a "$T/root/$folder/." "$T/root/usr/$folder/" && rm -rf "${T:?}/root/$folder"
      fi
    done
    # What is under /etc in a package is overruled by our own files, which were staged before; put them on top again.
    while read -r kind n _ _ path; do
      case $kind:$path in
      file:*) cp -p "$(stage_folder "$path")/new/$n" "$T/root$path" ;;
      back:/etc/* | along:/etc/*) cp -a -- "$T/in/new/$n" "$T/root$path" ;;
      esac
    done <"$T/in/manifest"
  fi
  hasten_refusals
  check_staged
  with_lock advance armed staged || exit "$?"
  note 'prepared: what was is kept, what is new is checked and waits; nothing live was changed yet'
}
# In the rehearsal's copy pam_unix says no at once: the same answer, two seconds earlier (pam_unix(8), nodelay). The tree
# is only looked at; what becomes live is the staged files.
hasten_refusals() {
  candidate_folder /etc/pam.d
  [ -e "$T/root/etc/pam.d/common-auth" ] || cp -p /etc/pam.d/common-auth "$T/root/etc/pam.d/" 2>/dev/null
  for file in "$T"/root/etc/pam.d/*; do
    copy="$T/root/etc/pam.d/${file##*/}"
    if [ -f "$file" ] && sed '/^[[:space:]]*#/!s/pam_unix\.so/& nodelay/' "$file" >"$T/hastened"; then
      cat "$T/hastened" >"$copy" && chmod 0644 "$copy" || fail 'cannot stage the rehearsal: is the disk full?'
    fi
  done
  rm -f "$T/hastened"
}
check_staged() {
  while read -r kind n _ _ path; do
    case $kind:$path in
    file:/etc/sudoers.d/* | back:/etc/sudoers.d/*)
      visudo -cf "$ETC_DIR/new/$n" || fail "this host's visudo rejects the new $path"
      ;;
    esac
  done <"$T/in/manifest"
  # One look through the candidate tree: can a namespace be had, and does sshd take the settings that it would find.
  make_tally_folders
  said=$(unshare -m -n --propagation private /bin/sh "$T/in/guard.sh" in-namespace "$TX" check 2>&1)
  case $?:$said in
  0:entered*) ;;
  *:entered*)
    say "$said"
    fail 'the candidate files were rejected on this host'
    ;;
  *)
    say "rehearsal impossible: $said"
    return 0
    ;;
  esac
  say 'rehearsal possible'
  announce_rehearsal
}
body_prepare() {
  # The fence: once it is armed, what is live may already be ours, and a new snapshot would take it for what was.
  [ "$(state)" = claimed ] || {
    say "fenced: the transaction is $(state) on this host, not claimed"
    exit "$FENCED"
  }
  if [ -d "$T/in/pkg" ] && ! is_rollback; then
    mark task-started download
    download
    mark task-ended download
  fi
  mark task-started snapshot
  if is_rollback; then fetch_kept; fi
  snapshot
  mark task-ended snapshot
  mark task-started arm
  arm
  mark task-ended arm
  mark task-started stage
  stage
  mark task-ended stage
}

# --- rehearsal: the candidate tree over the live one, for one process only ---

# Failed logins are watched. Whoever watches is told before, and when it is over; where there is no logger nobody is.
announce() {
  timeout 5 logger -t duo-fleet -p auth.notice -- "$*" 2>/dev/null || :
}
announce_rehearsal() {
  count=$(refusals 1)
  [ "$count" -gt 0 ] || return 0
  true >"$T/announced" || return 0
  announce "rehearsal of run $(run_id): $count logins that must fail follow, from UNKNOWN; nobody is attacking, and no account is locked by them"
}
announce_end() {
  if [ -e "$T/announced" ]; then
    rm -f "$T/announced"
    announce "rehearsal of run $(run_id) is over: whatever fails from here on is not ours"
  fi
}
announce_canary() {
  [ "$(refusals 2)" -gt 0 ] || return 0
  announce "canary of run $(run_id): one login that must fail follows, over the network"
}
refusals() { # 1 in the rehearsal, 2 over the network: how many the controller will try
  count=$(cut -d ' ' -f "$1" "$T/in/refusals" 2>/dev/null)
  say "${count:-0}"
}
run_id() { sed -n 's/^run=//p' "$T/owner" 2>/dev/null; }

# Where failures are counted: pam_faillock's folders (its default, `dir=` in its file and in stacks) and the files of
# pam_tally2 and pam_tally (faillock.conf(5), pam_tally2(8)), one a line.
tally_folders() {
  {
    say /run/faillock
    sed -n 's/^[[:space:]]*dir[[:space:]]*=[[:space:]]*//p' /etc/security/faillock.conf
    sed -n '/^[[:space:]]*#/!s/.*pam_faillock.*[[:space:]]dir=\([^][:space:]]*\).*/\1/p' /etc/pam.d/*
  } 2>/dev/null | sed 's|^/var/run/|/run/|' | grep '^/' | sort -u
}
tally_files() {
  {
    say /var/log/tallylog
    say /var/log/faillog
    sed -n '/^[[:space:]]*#/!s/.*pam_tally.*[[:space:]]file=\([^][:space:]]*\).*/\1/p' /etc/pam.d/*
  } 2>/dev/null | grep '^/' | sort -u
}
# What is not there yet cannot be covered, and pam_faillock would make it: so it is made here, and taken away afterwards.
make_tally_folders() {
  grep -qs '^[^#]*pam_faillock' /etc/pam.d/* || return 0
  tally_folders | while read -r folder; do
    if [ ! -d "$folder" ] && mkdir -m 0755 "$folder" 2>/dev/null; then say "$folder" >>"$T/tally-folders"; fi
  done
}
remove_tally_folders() {
  [ -r "$T/tally-folders" ] || return 0
  # Only while it is empty: a real failure may have been counted in it meanwhile.
  while read -r folder; do rmdir "$folder" 2>/dev/null; done <"$T/tally-folders"
  return 0
}
cover_tallies() {
  covered='' paths=$(tally_folders && tally_files)
  while read -r path; do
    if [ -d "$path" ]; then
      mount -t tmpfs -o mode=0755,size=1m tmpfs "$path" || return 1
    elif [ -f "$path" ]; then
      # An empty one of its own for this process, in memory: the file itself may be as large as the highest uid.
      if [ -z "$covered" ]; then mount -t tmpfs -o mode=0700,size=1m tmpfs "$T/tallies" || return 1; fi
      covered=yes
      name="$T/tallies/$(printf '%s' "$path" | tr / _)"
      true >"$name" && mount --bind "$name" "$path" || return 1
    fi
  done <<PATHS
$paths
PATHS
}

# What a rollback removes is hidden by whiteouts (mknod c 0 0). They are made in memory: a filesystem that is an overlay
# itself, as that of a container, takes none.
hide_absent() {
  hidden=''
  is_rollback || return 0
  mount -t tmpfs -o mode=0755,size=4m tmpfs "$T/hidden" || return 1
  hidden="$T/hidden/etc"
  layer_folder "$T/hidden" /etc
  while read -r kind _ _ _ path; do
    case $kind:$path in
    absent:/etc/*)
      [ -e "$path" ] || continue
      layer_folder "$T/hidden" "${path%/*}" && mknod "$T/hidden$path" c 0 0 || return 1
      ;;
    esac
  done <"$T/in/manifest"
}
enter_candidate() {
  mkdir -p "$RUN_DIR" /run/sshd "$T/tallies" "$T/hidden"
  chmod 0755 /run/sshd
  hide_absent || return 1
  mount -t overlay duo-fleet -o "lowerdir=${hidden:+$hidden:}$T/root/etc:/etc" /etc || return 1
  # Where /lib is no link into /usr, packages have files in it, too.
  for folder in usr lib lib64; do
    if [ -d "$T/root/$folder" ] && [ ! -L "/$folder" ]; then
      mount -t overlay duo-fleet -o "lowerdir=$T/root/$folder:/$folder" "/$folder" || return 1
    fi
  done
  # Deliberate failures must not lock an account. After the overlay, since the candidate stacks are what counts.
  cover_tallies
}
in_namespace() { # check|candidate|pam-only
  enter_candidate || exit 1
  case $1 in
  check)
    say entered
    /usr/sbin/sshd -t && visudo_all || exit 1
    # No Match block, no drop-in: whoever gets in through these settings was let in by PAM alone.
    {
      /usr/sbin/sshd -T 2>/dev/null | sed -n 's/^hostkey /HostKey /p'
      say 'UsePAM yes'
      say 'PasswordAuthentication yes'
      say 'ChallengeResponseAuthentication yes'
      say 'PubkeyAuthentication no'
      say 'PermitRootLogin yes'
      say 'UseDNS no'
    } >"$T/pam-only.conf"
    if [ -x /sbin/ldconfig ] && [ -d "$T/root/usr" ]; then
      /sbin/ldconfig -C "$T/root/etc/ld.so.cache" && chmod 0644 "$T/root/etc/ld.so.cache"
      mount --bind "$T/root/etc/ld.so.cache" /etc/ld.so.cache 2>/dev/null
    fi
    module_loads
    exit "$?"
    ;;
  candidate) exec /usr/sbin/sshd -i ;;
  pam-only) exec /usr/sbin/sshd -i -f "$T/pam-only.conf" ;;
  look) exec /bin/sh ;;
  esac
}
# look: runs the script on our standard input where the candidate files lie over the live ones, so that it reads the host
# as it is to be.
look() {
  [ "$(state)" = staged ] || {
    say "fenced: $(state)" >&2
    exit "$FENCED"
  }
  exec unshare -m --propagation private /bin/sh "$T/in/guard.sh" in-namespace "$TX" look
}
rehearse() { # candidate|pam-only live|none
  case $(state):$1 in
  staged:candidate | staged:pam-only) ;;
  *)
    say "fenced: $(state)" >&2
    exit "$FENCED"
    ;;
  esac
  # Without a network, whatever the stack does: wrong passwords never reach Duo, so nobody's telephone rings.
  case ${2:-none} in
  live) set -- "$1" -m ;;
  *) set -- "$1" -m -n ;;
  esac
  gate=$1
  shift
  exec unshare "$@" --propagation private /bin/sh "$T/in/guard.sh" in-namespace "$TX" "$gate"
}

# --- activation ---

body_activate() {
  # Looked at before the first step, too: until then nothing is touched, and there is nothing to be put back.
  if [ "$(state)" = staged ]; then
    while read -r kind n mode _ path; do
      case $kind in
      file | absent | back | along)
        untouched "$n" "$path" || {
          log "$path was changed since it was read: nothing was touched"
          exit "$DRIFTED"
        }
        ;;
      esac
    done <"$T/in/manifest"
  fi
  with_lock advance staged activating || exit "$?"
  sync "$T/state" 2>/dev/null
  note "changing now: $(changes)"
  announce_end
  step='' reloaded=''
  while read -r kind n mode _ path; do
    case $kind in
    step)
      [ -z "$step" ] || mark "task-ended $step"
      step=$n
      mark "task-started $step"
      ;;
    file | absent | back | along)
      untouched "$n" "$path" || package_default "$path" || fail "$path was changed by somebody else since it was read"
      case $kind in
      file) put "$n" "$path" ;;
      absent) rm -f -- "$path" ;;
      *) put_back "$n" "$path" ;;
      esac || fail "cannot write $path"
      ;;
    packages) swap_packages ;;
    reload)
      reload_sshd later || fail 'sshd does not take the new settings'
      reloaded=yes
      ;;
    *) fail "the manifest has an unknown line: $kind" ;;
    esac
  done <"$T/in/manifest"
  # Packages' scripts may have written what was put back before them.
  if is_rollback && [ -e "$T/packages-started" ]; then put_back_again; fi
  [ -z "$step" ] || mark "task-ended $step"
  check_live
  if [ -n "$reloaded" ]; then
    [ -e "$T/packages-started" ] || sleep 0.3
    sshd_serves || fail 'sshd does not serve after the reload'
  fi
  sync -f /etc 2>/dev/null
  note_after || fail 'cannot note what was written, is the disk full?'
  sync -f "$T/snap" 2>/dev/null
  announce_canary
  with_lock advance activating activated || exit "$?"
  note 'changed; a new login has to confirm it now'
}
# What a transaction changes, in one line.
changes() {
  {
    awk -v ours="$HOME_DIR/" '$5 ~ "^/" && index($5, ours) != 1 { print $5 }' "$T/in/manifest"
    pkg_lines install | while read -r name _; do say "package $name"; done
    pkg_lines purge | while read -r name; do if [ -e "$T/snap/deb/$name.deb" ]; then say "package $name"; fi; done
  } | tr '\n' ',' | sed -e 's/,$//' -e 's/,/, /g'
}
same() { # are both absent, both there with the same bytes, mode and owner, or links with one target
  if [ -L "$1" ] || [ -L "$2" ]; then [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ] && return 0 || return 1; fi
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then [ ! -e "$2" ] && [ ! -L "$2" ] && return 0 || return 1; fi
  [ -f "$1" ] && [ -f "$2" ] && cmp -s -- "$1" "$2" && [ "$(stat -c '%a %u %g' -- "$1")" = "$(stat -c '%a %u %g' -- "$2")" ]
}
# A package's own default in the place of our file is no person's edit.
package_default() { [ -e "$T/packages-started" ] && [ "$1" = /etc/duo/pam_duo.conf ]; }
untouched() { same "$T/snap/$1" "$2"; }
put() {
  make_folders "${2%/*}" && mv -f -- "$(stage_folder "$2")/new/$1" "$2"
}
put_back() {
  ready="$(stage_folder "$2")/new/$1"
  if [ -e "$ready" ] || [ -L "$ready" ]; then
    make_folders "${2%/*}" && mv -fT -- "$ready" "$2"
  else
    make_folders "${2%/*}" && cp -a -- "$T/in/new/$1" "$2.duo-fleet" && mv -fT -- "$2.duo-fleet" "$2"
  fi
}
put_back_again() {
  while read -r kind n _ _ path; do
    case $kind in
    back | along) same "$T/in/new/$n" "$path" || put_back "$n" "$path" || fail "cannot write $path" ;;
    absent) rm -f -- "$path" || fail "cannot remove $path" ;;
    esac
  done <"$T/in/manifest"
}
make_folders() {
  [ -d "$1" ] && return 0
  make_folders "${1%/*}" || return 1
  # Noted first: a folder that was made and not noted would stay.
  printf '%s\n' "$1" | cat - "$T/snap/dirs" >"$T/snap/dirs.new" && mv -f "$T/snap/dirs.new" "$T/snap/dirs" && mkdir -m 0755 "$1"
}
swap_packages() {
  true >"$T/packages-started" || fail "cannot write to $T"
  sync "$T/packages-started" 2>/dev/null
  if is_rollback; then
    # Somebody may have begun since. Where it is something else, dpkg says what.
    await_dpkg >/dev/null 2>&1
    persist swap_kept || fail 'the packages could not be put back'
    return
  fi
  # shellcheck disable=SC2046
  # --reinstall, since a package may be there in the right version and its module not.
  apt_get --no-download --purge --reinstall install $(apt_words) || fail 'apt could not install the packages'
  pkg_lines install | while read -r name minimum; do
    version=$(dpkg-query -W -f '${Version}' "$name" 2>/dev/null)
    dpkg --compare-versions "${version:-0}" ge "$minimum" || fail "$name is ${version:-absent}, at least $minimum is needed"
  done || exit "$FAILED"
  # apt-cache policy shall name the origin at once, and not only after the next update.
  for file in "$T"/apt/lists/*; do
    if [ -f "$file" ] && [ ! -L "$file" ] && [ "${file##*/}" != lock ] && [ ! -e "/var/lib/apt/lists/${file##*/}" ]; then
      say "/var/lib/apt/lists/${file##*/}" >>"$T/snap/apt-lists"
      install -m 0644 "$file" /var/lib/apt/lists/
    fi
  done
}
swap_kept() { # once; the packages that go are the snapshot's by now, and their successors lie ready
  going=$(pkg_lines purge)
  # shellcheck disable=SC2086
  named=$(naming_any $going)
  [ -z "$named" ] || {
    say "the packages stay, since their module is named by $(say "$named" | tr '\n' ' ')"
    return 1
  }
  # shellcheck disable=SC2086
  purge_packages $going || return 1
  install_debs "$T"/kept-debs/*.deb || return 1
  pkg_lines install | while read -r name version; do
    installed "$name" && [ "$(dpkg-query -W -f '${Version}' "$name")" = "$version" ] || exit 1
  done
}
purge_packages() { # NAME...: all at once, since one may need the other
  for name; do
    shift
    if known "$name"; then set -- "$@" "$name"; fi
  done
  [ "$#" -eq 0 ] || DEBIAN_FRONTEND=noninteractive dpkg --force-remove-reinstreq --purge "$@" </dev/null
}
install_debs() { # FILE...: a pattern that matches nothing is no file
  for deb; do
    shift
    if [ -f "$deb" ]; then set -- "$@" "$deb"; fi
  done
  if [ "$#" -gt 0 ]; then DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-confdef -i "$@" </dev/null || return 1; fi
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a </dev/null
}
persist() { # COMMAND: dpkg does not wait for its lock
  tries=0
  until "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt "$PACKAGE_TRIES" ] || return 1
    sleep 5
  done
}
sshd_units() {
  for unit in ssh.service sshd.service ssh.socket sshd.socket; do
    systemctl is-active --quiet "$unit" && say "$unit"
  done
}
# Whether somebody listens; where nobody does any more, what listened before is started again.
sshd_serves() {
  has_systemd || return 0
  if [ -z "$(sshd_units)" ] && [ -s "$T/sshd-units" ]; then
    # The socket first, which does not start beside a service that listens. What failed too often would not be started at all.
    for unit in $(grep '\.socket$' "$T/sshd-units") $(grep '\.service$' "$T/sshd-units"); do
      systemctl reset-failed "$unit" 2>/dev/null
      timeout 30 systemctl start "$unit"
    done
  fi
  [ -n "$(sshd_units)" ]
}
# What counts is not the exit status but who is listening afterwards. A service that its socket started dies of a reload
# ("Cannot bind any address"), and where systemd learns of that before its own kill(1) has ended, it takes the reload for
# one under way and keeps every new login waiting for 90 seconds (seen on systemd 257). A restart leaves the socket
# listening, and sessions alone where only the main process is killed, which is how the packages ship it.
renew_service() { # SERVICE
  case $before in
  *.socket*)
    if [ "$(systemctl show -p KillMode "$1")" = KillMode=process ]; then
      # Otherwise systemd counts it with the starts by the socket, and gives up after five.
      systemctl reset-failed "$1" 2>/dev/null
      timeout 30 systemctl restart "$1"
      return
    fi
    ;;
  esac
  timeout 30 systemctl reload "$1"
}
reload_sshd() { # now|later: when to look whether it serves
  mkdir -p /run/sshd
  /usr/sbin/sshd -t || return 1
  if has_systemd; then
    before=$(sshd_units)
    # Once: where a revert finds nobody listening any more, it is this that it has to start again.
    [ -z "$before" ] || [ -s "$T/sshd-units" ] || say "$before" >"$T/sshd-units"
    for unit in $before; do
      case $unit in
      *.service)
        renew_service "$unit"
        break
        ;;
      esac
    done
    tries=0
    until [ -n "$(sshd_units)" ]; do
      tries=$((tries + 1))
      [ "$tries" -lt 40 ] || break
      sleep 0.05
    done
    # A service may still be on its way down: looked at again at the end of activation, or now.
    if [ "$1" = later ]; then return 0; fi
    sleep 0.3
    sshd_serves
  elif [ -r /run/sshd.pid ]; then
    kill -HUP "$(cat /run/sshd.pid)"
  else
    say 'no running sshd was found to reload; new settings hold from its next start'
  fi
}
visudo_all() { # without -f it rejects modes, too, that sudo itself takes: 0644 in sudoers.d
  sudoers_said=$(visudo -c -f /etc/sudoers 2>&1) && return 0
  # Marked as apt marks its errors, for the message to the administrator.
  say "$sudoers_said" | sed -e '/parsed OK$/d' -e 's,^>* */,E: /,'
  return 1
}
check_live() {
  mkdir -p /run/sshd
  /usr/sbin/sshd -t || fail 'sshd -t rejects the live settings'
  visudo_all || fail 'visudo -c rejects the live sudoers files'
  while read -r kind n mode _ path; do
    case $kind in
    file)
      [ "$(stat -c '%a %u %g' -- "$path")" = "${mode#0} 0 0" ] && cmp -s -- "$path" "$T/in/new/$n" || fail "$path is not as it was written"
      ;;
    back | along) same "$T/in/new/$n" "$path" || fail "$path is not as it was" ;;
    absent) [ ! -e "$path" ] || fail "$path is still there" ;;
    esac
  done <"$T/in/manifest"
  module_loads || fail 'the module does not load'
}
module_loads() { # what the loader says of it, with every symbol bound
  [ -r "$T/in/module" ] || return 0
  read -r module <"$T/in/module"
  complaint=$(LD_BIND_NOW=1 LD_PRELOAD=$module /bin/true 2>&1)
  if [ -f "$module" ] && [ -z "$complaint" ]; then return 0; fi
  say "$module does not load: ${complaint:-there is no such file}"
  return 1
}

# --- the end: confirm, abort, revert ---

confirm_locked() {
  case $(state) in
  confirmed) return 0 ;;
  esac
  [ "$(cat "$T/nonce" 2>/dev/null)" = "$1" ] || {
    say 'fenced: this is not the confirmation of the transaction that holds the host'
    exit "$FENCED"
  }
  advance activated confirmed
  record_end confirmed
}
confirm() {
  if [ -e "$HOME_DIR/ended/$TX" ]; then
    status
    case $(cat "$HOME_DIR/ended/$TX") in confirmed*) exit "$OK" ;; *) exit "$FENCED" ;; esac
  fi
  with_lock confirm_locked "$1" || exit "$?"
  leftovers=$(pkg_lines purge)
  with_lock clean_up
  forget_output
  status
  # What an earlier removal of the legacy packages left: only configuration, so nothing can break by its going.
  for name in $leftovers; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = config-files ] && timeout 20 dpkg --purge "$name" >/dev/null 2>&1
  done
  exit "$OK"
}
# After the end, under the lock; may be repeated, and never touches a later transaction.
clean_up() {
  announce_end
  remove_tally_folders
  case $(state) in
  confirmed | aborted | reverted) [ -e "$HOME_DIR/ended/$TX" ] || record_end "$(state)" ;;
  esac
  if [ "$(readlink "$HOME_DIR/active")" = "tx/$TX" ]; then
    if [ "$(state)" = confirmed ] && [ -d "$T/snap" ]; then
      mkdir -p "$HOME_DIR/snapshots"
      rm -rf "$HOME_DIR/snapshots/$TX"
      mv -f "$T/snap" "$HOME_DIR/snapshots/$TX"
    fi
    # By rename, which a full disk cannot stop: what was is all that there is of it.
    case $(cat "$HOME_DIR/ended/$TX" 2>/dev/null) in
    foreign*)
      if [ -d "$T/snap" ]; then
        mkdir -p "$HOME_DIR/kept" "$T/kept"
        if [ -e "$T/foreign" ]; then mv -f "$T/foreign" "$T/kept/" || return 1; fi
        mv -f "$T/snap" "$T/kept/" || return 1
      fi
      if [ -d "$T/kept/snap" ]; then mv -fT "$T/kept" "$HOME_DIR/kept/$TX" || return 1; fi
      ;;
    esac
    keep_newest "$HOME_DIR/snapshots" "$KEEP_SNAPSHOTS"
    find "$HOME_DIR/snapshots" -mindepth 1 -maxdepth 1 ! -name "$TX" -mtime "+$KEEP_SNAPSHOTS_DAYS" -exec rm -rf {} + 2>/dev/null
    keep_newest "$HOME_DIR/ended" "$KEEP_RECORDS"
    log "ended: $(cat "$HOME_DIR/ended/$TX" 2>/dev/null)"
    shorten_log
    # The claim goes last, and right after the units that would come back to it at a boot: as long as it is there, somebody
    # comes back to what could not be taken away.
    rm -rf "$ETC_DIR" "$RUN_DIR/lease" && disarm || return 1
    # Only now it is known that /etc can be written.
    [ "$(state)" != confirmed ] || remove_undone
    rm -f "$HOME_DIR/active"
  fi
  rm -rf "${T:?}"
}
# A rollback that stands leaves no folder of what it undid, where nothing is in it.
remove_undone() {
  undone="$HOME_DIR/snapshots/$TX/dirs-undone"
  if [ -r "$undone" ]; then
    while read -r folder; do rmdir "$folder" 2>/dev/null; done <"$undone"
  fi
  return 0
}
shorten_log() {
  tail -n "$KEEP_LOG_LINES" "$HOME_DIR/log" 2>/dev/null >"$HOME_DIR/.log.$TX" && mv -f "$HOME_DIR/.log.$TX" "$HOME_DIR/log" || rm -f "$HOME_DIR/.log.$TX"
}
# Who still reads what a unit said finds it gone, and then asks for the record.
forget_output() {
  rm -f "$RUN_DIR/out/$TX".*
  if [ ! -L "$HOME_DIR/active" ]; then rmdir "$RUN_DIR/out" "$RUN_DIR" 2>/dev/null; fi
  return 0
}
keep_newest() {
  [ -d "$1" ] || return 0
  # shellcheck disable=SC2012
  ls -1t "$1" | tail -n +"$(($2 + 1))" | while read -r old; do
    # Never the one that has just ended, whatever the clock was set to meanwhile.
    [ "$old" = "$TX" ] || rm -rf "${1:?}/$old"
  done
}

revert() {
  if [ ! -e "$T/state" ]; then
    over
    return "$?"
  fi
  in_unit revert
  code=$?
  [ -e "$T/state" ] || forget_output
  # It may have ended otherwise between our look and the unit's start.
  if [ "$code" = "$FAILED" ] && [ ! -e "$T/state" ]; then
    over
    return "$?"
  fi
  status
  return "$code"
}
over() { # the answer to a revert of what has ended
  status
  case $(cat "$HOME_DIR/ended/$TX" 2>/dev/null) in
  confirmed*) return "$FENCED" ;;
  *) return "$OK" ;;
  esac
}
begin_revert() {
  # A record outweighs the state: where power was lost between two renames, the later one may be the one that is left.
  case $(cat "$HOME_DIR/ended/$TX" 2>/dev/null) in
  confirmed*)
    say confirmed
    return 0
    ;;
  esac
  case $(state) in
  claimed | armed | staged) set_state aborting || return 1 ;;
  activating | activated) set_state reverting || return 1 ;;
  esac
  state
}
body_revert() {
  word=$(with_lock begin_revert) || fail 'the state could not be changed; this is tried again'
  # From now on no writer of ours passes the fence; the one that had passed it is stopped.
  stop_unit prepare
  stop_unit activate
  case $word in
  confirmed)
    say 'fenced: this transaction is confirmed'
    with_lock clean_up
    exit "$FENCED"
    ;;
  reverted | aborted | gone) ;;
  aborting)
    note 'given up: nothing live was changed'
    record_end aborted
    set_state aborted
    ;;
  reverting)
    mark task-started revert
    note 'putting back what was'
    restore_files reload || exit "$FAILED"
    if [ -e "$T/packages-started" ]; then
      restore_packages || {
        say 'the packages are not back yet; this is tried again'
        exit "$FAILED"
      }
      restore_files quiet || exit "$FAILED"
    fi
    remove_folders
    # Nothing is as it was where nobody can log in.
    [ ! -s "$T/sshd-units" ] || sshd_serves || {
      log 'sshd does not start again; this is tried again'
      exit "$FAILED"
    }
    note "back as before: $(changes)"
    if [ -s "$T/foreign" ]; then
      log "left as they are, since somebody else changed them meanwhile: $(tr '\n' ' ' <"$T/foreign")"
      record_end foreign
    else
      record_end reverted
    fi
    set_state reverted
    mark task-ended revert
    ;;
  *) fail "unknown state: $word" ;;
  esac
  with_lock clean_up || exit "$FAILED"
  exit "$OK"
}
boot() { # before sshd takes a login: files only, no package manager, no reload
  word=$(with_lock begin_revert)
  case $word in
  reverting | aborting) note 'this host was started anew, and nobody had confirmed the change' ;;
  esac
  if [ "$word" = reverting ]; then restore_files quiet; fi
}
# The first tier: needs sh and mv, no space, no network, no PAM. In reverse, so that PAM lets go of the module first.
restore_files() {
  missed=''
  while read -r n what path; do
    # A copy that a full disk, a lost power or our own kill has cut short.
    if [ -e "$path.duo-fleet" ] || [ -L "$path.duo-fleet" ]; then rm -f -- "$path.duo-fleet" || missed=yes; fi
    same "$T/snap/$n" "$path" && continue
    if foreign "$n" "$path"; then
      grep -qxF -e "$path" "$T/foreign" 2>/dev/null || say "$path" >>"$T/foreign" || missed=yes
      say "$path was changed by somebody else meanwhile: left as it is"
      continue
    fi
    if [ "$what" = absent ]; then
      rm -f -- "$path"
    else
      bring_back "$n" "$path"
    fi || {
      say "cannot put back $path"
      missed=yes
    }
  done <"$T/snap/restore"
  # Also where the files are back already: what put them there may have been stopped before it could reload.
  if [ "$1" = reload ] && grep -q '^reload ' "$T/in/manifest"; then
    reload_sshd now || say 'sshd does not answer a reload'
  fi
  [ -z "$missed" ]
}
# foreign N PATH: neither what was nor what we wrote. Only files of the manifest: packages' scripts write the others.
foreign() {
  awk -v n="$1" '$1 ~ /^(file|absent|back)$/ && $2 == n { found = 1 } END { exit !found }' "$T/in/manifest" || return 1
  [ -e "$2" ] || return 1
  [ -e "$T/in/new/$1" ] && cmp -s -- "$2" "$T/in/new/$1" && return 1
  package_default "$2" && return 1
  return 0
}
bring_back() {
  ready="$(stage_folder "$2")/old/$1"
  # The copy that waited on the same filesystem: one rename, which a full disk cannot stop.
  if [ -e "$ready" ] || [ -L "$ready" ]; then
    if [ -d "${2%/*}" ] && mv -fT -- "$ready" "$2"; then return 0; fi
  fi
  (umask 022 && mkdir -p "${2%/*}") && cp -a -- "$T/snap/$1" "$2.duo-fleet" && mv -fT -- "$2.duo-fleet" "$2"
}
remove_folders() {
  while read -r folder; do rmdir "$folder" 2>/dev/null; done <"$T/snap/dirs"
  return 0
}
restore_packages() { persist restore_packages_once; }
restore_packages_once() {
  if [ -r "$T/snap/apt-lists" ]; then
    while read -r path; do rm -f -- "$path"; done <"$T/snap/apt-lists"
  fi
  # Never take the module away from a stack that names it: that would shut everybody out.
  going=$(pkg_lines install | while read -r name _; do [ -e "$T/snap/deb/$name.deb" ] || printf '%s ' "$name"; done)
  # shellcheck disable=SC2086
  named=$(naming_any $going)
  if [ -n "$named" ]; then
    say "${going% } stays: a PAM file still names its module"
    say "$named" | while read -r path; do
      grep -qxF -e "$path" "$T/foreign" 2>/dev/null || say "$path" >>"$T/foreign"
    done
    true >"$T/stays"
  else
    # shellcheck disable=SC2086
    purge_packages $going || return 1
  fi
  install_debs "$T"/snap/deb/*.deb || return 1
  [ ! -e "$T/stays" ] || return 0
  our_packages | cmp -s - "$T/snap/packages" || {
    say 'the packages are not as they were'
    return 1
  }
}
our_packages() { # those a transaction touches, with state and version; others may change while it runs
  { pkg_lines install && pkg_lines purge; } | while read -r name _; do
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' "$name" 2>/dev/null
  done | grep -v '^not-installed ' | sort
}
status() {
  if [ -r "$HOME_DIR/ended/$TX" ]; then
    say "ended $(cat "$HOME_DIR/ended/$TX")"
  else
    say "state $(state)"
  fi
}

# --- for people: whoever stands at the console knows no id, and wants to know what state the host is in ---

usage() {
  cat <<USAGE
The guard of duo-fleet on this host. It puts back what was before a change that nobody confirmed, by itself. As root:

  sh $HOME_DIR/guard.sh status     what is under way, and how the last transaction ended; touches nothing
  sh $HOME_DIR/guard.sh recover    put back what was left unfinished; what a living run is at is left alone
  sh $HOME_DIR/guard.sh revert     put back now, even what a living run is at

None of them needs a network, PAM or sudo. What happened is in $HOME_DIR/log.
USAGE
}
at_console() { # [WORD]
  TX=$(readlink "$HOME_DIR/active" 2>/dev/null)
  TX=${TX#tx/} T="$HOME_DIR/tx/$TX"
  case ${1:-} in
  status) tell_situation ;;
  recover)
    [ -n "$TX" ] && exec 5>"$HOME_DIR/claim.lock" && {
      flock -w "$CLAIM_WAIT_S" 5 || fail 'a claim or another recovery is under way on this host: try again in a minute'
    }
    case $(held "$T/watch.lock" && state) in
    claimed | armed | staged | activating | activated)
      tell_situation
      exit "$BUSY"
      ;;
    esac
    put_back_for_people
    ;;
  revert) put_back_for_people ;;
  '')
    usage
    say ''
    tell_situation
    ;;
  *)
    usage
    exit "$USAGE"
    ;;
  esac
}
put_back_for_people() {
  code=$OK
  if [ -n "$TX" ]; then
    note 'somebody at this host wants it put back'
    # As it goes; what is for the controller is left out.
    exec 4>&1
    code=$({ { revert; say "$?" >&3; } | sed -u -e '/^#mark /d' -e '/^state /d' -e '/^ended[: ]/d' >&4; } 3>&1)
    if [ ! -L "$HOME_DIR/active" ]; then code=$OK; fi
  fi
  tell_situation
  exit "$code"
}
tell_situation() {
  if [ ! -L "$HOME_DIR/active" ]; then
    say 'Nothing is unfinished on this host.'
    TX=$(tail -n 1 "$HOME_DIR/log" 2>/dev/null | cut -d ' ' -f 2)
    if [ -n "$TX" ]; then
      say "The last transaction was $TX:"
      grep -F " $TX " "$HOME_DIR/log" | sed 's/^\([^ ]*\) [^ ]*/  \1/'
      tell_kept
    fi
    return 0
  fi
  say "The transaction $TX is unfinished on this host. $(in_words "$(state)")"
  sed -n -e 's/^run=/  run  /p' -e 's/^operator=/  by   /p' "$T/owner" 2>/dev/null
  since=$(sed -n 's/^since=//p' "$T/owner" 2>/dev/null)
  [ -z "$since" ] || say "  at   $(date -u -d "@$since" +%Y-%m-%dT%H:%M:%SZ)"
  if held "$T/watch.lock"; then
    deadline=0
    if [ -r "$RUN_DIR/lease" ]; then read -r deadline <"$RUN_DIR/lease"; fi
    left=$((deadline - $(uptime_s)))
    if [ "$left" -ge 0 ]; then
      say "Its guard watches: this host puts itself back in $left s, unless the run that is at it is heard of before."
      say "Not to wait for that: sh $HOME_DIR/guard.sh revert"
    else
      say "Its guard is putting it back. To see how that goes: sh $HOME_DIR/guard.sh recover"
    fi
  else
    say "Nobody watches over it any more. To put it back: sh $HOME_DIR/guard.sh recover"
  fi
}
in_words() { # STATE
  case $1 in
  claimed | armed | staged) say 'Nothing live was changed yet.' ;;
  activating) say 'It is being made live.' ;;
  activated) say 'It is live, and no new login has confirmed it yet.' ;;
  aborting | aborted) say 'It is being given up; nothing live was changed.' ;;
  reverting | reverted) say 'It is being put back.' ;;
  confirmed) say 'It is confirmed, and was not cleared up yet.' ;;
  esac
}
tell_kept() {
  case $(cat "$HOME_DIR/ended/$TX" 2>/dev/null) in
  confirmed*) say "What was before it is kept in $HOME_DIR/snapshots/$TX." ;;
  foreign*)
    say "What this host had before is in $HOME_DIR/kept/$TX/snap, for these files, which were left as somebody else made them:"
    sed 's/^/  /' "$HOME_DIR/kept/$TX/foreign"
    ;;
  esac
}

main() {
  operation=${1:-}
  TX=${2:-}
  [ "$(id -u)" = 0 ] || {
    say 'this must run as root'
    exit "$USAGE"
  }
  if [ "$operation" = kept ]; then
    if [ "$#" -ge 2 ]; then shift 2; else shift "$#"; fi
    kept "$@"
    exit "$OK"
  fi
  case $TX in
  '' | *[!a-z0-9-]*)
    at_console "$operation"
    exit "$OK"
    ;;
  esac
  T="$HOME_DIR/tx/$TX"
  shift 2
  case $operation in
  claim) claim "$@" ;;
  prepare) in_unit prepare ;;
  activate) in_unit activate ;;
  validate) check_live ;;
  confirm) confirm "$@" ;;
  abort | revert) revert ;;
  status) status ;;
  recover)
    exec 5>"$HOME_DIR/claim.lock"
    flock -w "$CLAIM_WAIT_S" 5 || fail 'a claim or another recovery is under way on this host'
    if held "$T/watch.lock"; then
      say "busy $TX $(state)"
      cat "$T/owner" 2>/dev/null
      exit "$BUSY"
    fi
    revert
    ;;
  lease) lease ;;
  rehearse) rehearse "$@" ;;
  look) look ;;
  watch) watch ;;
  boot) boot ;;
  in-namespace) in_namespace "$@" ;;
  do-prepare | do-activate | do-revert) unit_body "${operation#do-}" ;;
  *)
    usage
    exit "$USAGE"
    ;;
  esac
  exit "$?"
}
main "$@"
