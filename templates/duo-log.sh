#!/bin/sh
# What Duo's module writes to the log of logins: where the log ends now, and what came after. It writes nothing.
# Before it stand `what`, `since` and `user`, set by the caller:
#   what=mark           prints one line: where the journal and the log files end
#   what=since          prints the module's lines after the mark `since`: those about `user`, and about its settings
# Lines of the journal are taken only from root's processes, as sshd is while it asks PAM: anybody may write a line that
# looks like the module's. In a plain file nobody can tell any more who wrote a line.
# shellcheck disable=SC2154

LC_ALL=C
export LC_ALL
WAIT_S=10
LINES_MAX=200

uptime_s() {
  read -r up _ </proc/uptime
  printf '%s\n' "${up%%.*}"
}
log_files() {
  for file in /var/log/auth.log /var/log/secure /var/log/messages /var/log/syslog; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}
mark() {
  # Of root's own lines: behind another one's cursor systemd 252 passes over the first of root's that follows.
  cursor=$(timeout 10 journalctl -q -n 1 -o cat --show-cursor _UID=0 2>/dev/null | sed -n 's/^-- cursor: //p')
  printf 'journal:%s' "$cursor"
  log_files | while read -r file; do printf ' %s:%s' "$(stat -c '%i:%s' "$file")" "$file"; done
  printf '\n'
}
journal_since() {
  cursor=${since%% *}
  cursor=${cursor#journal:}
  timeout 10 journalctl --sync 2>/dev/null
  if [ -n "$cursor" ]; then
    timeout 10 journalctl -q -o cat --after-cursor="$cursor" _UID=0 2>/dev/null
  else
    timeout 10 journalctl -q -o cat -b _UID=0 2>/dev/null
  fi
}
files_since() {
  log_files | while read -r file; do
    inode=$(stat -c %i "$file") start=0
    for part in $since; do
      # A file that was rotated since has another inode, and all of it is new.
      case $part in "$inode:"*":$file") start=${part#*:} start=${start%%:*} ;; esac
    done
    tail -c "+$((start + 1))" "$file"
  done
}
# The module's own sentences; the program that reads them knows what each means. Not those inside of other lines: whoever
# reaches sshd writes to its log by the name he asks for, and many of them would push out the module's.
BEFORE='^([A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [^ ]+ |[0-9]{4}-[^ ]+ [^ ]+ )?([A-Za-z0-9_./-]+\[[0-9]+\]: )?'
of_module() {
  grep -F -e "Duo login for '$user'" -e "User $user bypassed Duo" -e "Couldn't get groups for '$user'" \
    -e "Couldn't open " -e 'Parse error in ' -e 'Missing host, ikey' -e 'must be readable only by user' \
    -e 'Invalid pam_duo option' |
    grep -E -e "${BEFORE}(Successful|Skipped|Failsafe|Failsecure|Aborted|Failed|Error in) Duo login for '" \
      -e "${BEFORE}(User |Couldn't |Parse error|Missing host|/[^ ]+ must|Invalid pam_duo)" | tail -n "$LINES_MAX"
}
# Where there is a journal, everything is in it, with its sender; files count only where there is none.
found() {
  if [ -d /run/log/journal ] || [ -d /var/log/journal ]; then journal_since; else files_since; fi | of_module
}
about_user() {
  case $lines in *"Duo login for '$user'"* | *"User $user bypassed Duo"*) true ;; *) false ;; esac
}

if [ "$what" = mark ]; then
  mark
else
  # A logger may lag behind the login, on a busy host by seconds.
  until_s=$(($(uptime_s) + WAIT_S))
  lines=$(found)
  until about_user || [ "$(uptime_s)" -ge "$until_s" ]; do
    sleep 0.1
    lines=$(found)
  done
  printf '%s\n' "$lines"
fi
