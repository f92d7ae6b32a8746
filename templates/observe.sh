#!/bin/sh
# Reads one host in one round trip, as root, and changes nothing on it: no temporary file, no lock, no login, no cache.
#
# src/remote/observe.ts puts assignments before this text (nonce, repository, module, guard_home, census, drop_in,
# digest_only, text_max, digest_max, and the with_* functions, which call their arguments with the asked-for words added) and parses what comes out.
# Every line it prints is one of
#   #NONCE SECTION WORDS   a header; the nonce is new for each session, so that no content can look like one
#   |CONTENT               a line of raw content, secrets masked
#   (nothing)              the end of raw content; missing when the content's last line had no line feed
# and the last one is `#NONCE end`. What could not be read leaves its section out, and the parser says so.
#
# The cost is processes, about a millisecond each: one call reads all packages, one all files' modes, one all digests.
# Three branches run side by side; a pipe holds what the others print until its turn comes.
# POSIX sh: dash, busybox and bash. Comments are left out before it is sent, so that it fits TCP's first flight.
# The variables come from the assignments before; single quotes hold what sed and awk shall see:
# shellcheck disable=SC2016,SC2154

PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset POSIXLY_CORRECT GREP_OPTIONS LD_PRELOAD APT_CONFIG
umask 077

header() { printf '#%s %s\n' "$nonce" "$*"; }
raw() {
  sed 's/^/|/'
  echo
}
block() { # LINES: raw content whose lines have their mark already
  [ -z "$1" ] || printf '%s\n' "$1"
  echo
}
want() { # KIND WORD...: repeats the request, which the parser has not seen
  kind=$1
  shift
  for word; do header "want $kind $word"; done
}

# The value of skey, and of its continuation lines, as pam_duo's parser sees them (an indented line continues the value
# before it); passwords in URLs and proxies. A line with a NUL is no text: it comes as `!`.
mask='
/\x00/{
s/.*/!/
b
}
s,://[^[:space:]]*@,://[secret]@,g
s/\([pP][rR][oO][xX][yY]"\{0,1\}[[:space:]]*[=:]\).*@/\1 [secret]@/
s/\([sS][kK][eE][yY]"\{0,1\}[[:space:]]*[=:][[:space:]]*\)[^[:space:]].*/\1[secret]/
s/\([sS][kK][eE][yY][[:space:]][[:space:]]*\)[^[:space:]=:].*/\1[secret]/
/^[[:space:]]*$/b out
/^[[:space:]]*[#;]/b out
/^[[:space:]]/{
x
/S/{
x
s/^\([[:space:]]*\).*/\1[secret]/
b out
}
x
}
/[sS][kK][eE][yY]"\{0,1\}[[:space:]]*[=:]/b secret
/[pP][rR][oO][xX][yY]"\{0,1\}[[:space:]]*=/b secret
/^[^[:space:]]/{
x
s/.*//
x
}
b out
:secret
x
s/.*/S/
x
:out
s/^/|/
'
masked() { # FILE
  sed "$mask" "$1"
  echo
}
# As many files with one process: GNU sed names each before its first line (F), and our lines begin with no slash. An empty file is
# left out, and a last line feed that lacks is added: the parser knows the sizes.
masked_files() { # FILE...
  [ "$#" -gt 0 ] || return 0
  sed -s "1{
x
s/.*//
x
F
}
$mask" -- "$@" 2>/dev/null | sed "s,^/,#$nonce text /,"
  echo
}

# The version, and of sudoers' defaults those that say whether, how often and through which PAM service sudo asks.
sudo_lines='
/^Sudo version /b show
/^sudo-rs /b show
/^Require users to authenticate/b show
/^Authentication timestamp timeout/b show
/^PAM service name/b show
b
:show
s/^/|/p
'

system() {
  header os
  raw </etc/os-release
  header clock "$now"
  if [ -d /run/systemd/system ]; then
    header systemd yes
    header units
    timeout 10 systemctl show -p Id -p LoadState -p ActiveState -p ExecStart -p Environment -p EnvironmentFiles \
      ssh.service sshd.service ssh.socket sshd.socket ssh@duo-fleet.service 2>/dev/null | raw
  else
    header systemd no
  fi
  if command -v sudo >/dev/null; then
    header sudo yes
    # sudo-rs tells its version on standard error, where sudo says what it complains of.
    timeout 10 sudo -V 2>&1 </dev/null | sed -n "$sudo_lines"
  else
    header sudo no
  fi
  echo
}

packages() {
  header packages
  query='|${Package} ${Architecture} ${db:Status-Status} ${Version}\n'
  # The first two are for us: the architecture and systemd's version cost no process of their own this way.
  known=$(with_packages dpkg-query -W -f "$query" dpkg systemd 2>/dev/null)
  block "$known"
  header audit
  if command -v dpkg >/dev/null; then timeout 20 dpkg --audit 2>&1 | sed -n '1,20s/^/|/p'; fi
  echo
  # Every system has such scripts; access(2) denies their execution where /var is mounted noexec.
  scripts=yes
  for path in /var/lib/dpkg/info/*.postinst; do
    if [ -e "$path" ] && [ ! -x "$path" ]; then scripts=no; fi
    break
  done
  header scripts "$scripts"
  sources "$known"
}

# Source files that name Duo's repository, and what they say of the installed version. apt sees only those files and
# keeps its cache in memory: it would write its cache otherwise, and take half a second for the whole distribution.
sources() { # KNOWN
  duo_packages=$(printf '%s\n' "$1" | while read -r name _ status _; do
    case "$status $name" in 'installed '*duo*) printf ' %s' "${name#|}" ;; esac
  done)
  set --
  for path in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [ -f "$path" ]; then set -- "$@" "$path"; fi
  done
  header sources
  [ "$#" -gt 0 ] || return 0
  grep -liF -D skip -e "$repository" -e pkg.duosecurity.com -- "$@" | while IFS= read -r path; do
    header "source $path"
    masked "$path"
    [ -n "$duo_packages" ] || continue
    header "policy $path"
    # Split on purpose: package names hold no blanks.
    # shellcheck disable=SC2086
    timeout 10 apt-cache policy -o Dir::Etc::SourceList="$path" -o Dir::Etc::SourceParts=/dev/null \
      -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= $duo_packages 2>/dev/null </dev/null | sed "$mask"
    echo
  done
}

# The files that the stacks of these services include, as far as nobody asked for them by name: libpam looks in
# /usr/lib/pam.d where /etc/pam.d has no such file (pam.d(5)). Only regular files of these folders are looked into.
pam_includes='
$0 == "-" { second = 1; next }
second { plain[$0] = 1; next }
{ asked[$0] = 1 }
END {
  n = split("sshd sudo sudo-i other", todo)
  for (i = 1; i <= n && i <= 60; i++) {
    path = todo[i] ~ /^\// ? todo[i] : "/etc/pam.d/" todo[i]
    if (todo[i] == "" || path in seen || path ~ /[^A-Za-z0-9_.\/-]/) continue
    seen[path] = 1
    if (!(path in asked)) print path
    if (!(path in plain)) {
      if (todo[i] !~ /^\//) todo[++n] = "/usr/lib/pam.d/" todo[i]
      continue
    }
    lines = 0
    while ((getline line < path) > 0 && ++lines < 2000) {
      if (line ~ /^[ \t]*#/) continue
      split(tolower(line), word)
      split(line, name)
      if (word[1] == "@include") todo[++n] = name[2]
      if (word[2] == "include" || word[2] == "substack") todo[++n] = name[3]
    }
    close(path)
  }
}'
pam() {
  nologin=no
  if [ -e /etc/nologin ] || [ -e /run/nologin ]; then nologin=yes; fi
  header "pam $nologin"
  # Debian builds libpam to look in these two; on other architectures this program does not work.
  for path in /lib/x86_64-linux-gnu/security/* /lib/security/*; do
    case ${path##*/} in
    *[!A-Za-z0-9_.+-]*) ;;
    *) echo "|${path##*/}" ;;
    esac
  done
  echo
}

# with_drop_ins COMMAND... PATH...: sshd reads every drop-in of its folder, so each counts, whatever its name. One whose name
# holds a blank or another sign of that kind is not read: it comes with `?` in their place, as a file that is not there.
with_drop_ins() {
  for path in /etc/ssh/sshd_config.d/*.conf; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    case $path in *[!A-Za-z0-9._/-]*) path=$(printf %s "$path" | tr -c 'A-Za-z0-9._/-' '?') ;; esac
    [ "$path" != "$drop_in" ] || continue
    set -- "$@" "$path"
  done
  # Split on purpose: these paths hold no blanks.
  # shellcheck disable=SC2086
  "$@" $pam_paths
}
files() {
  known=$(with_files with_drop_ins stat -c '|%f:%s:%U:%G:%n' -- 2>/dev/null)
  header stat
  block "$known"
  printf '%s\n' "$known" | {
    set --
    texts=
    while IFS=: read -r mode size _ _ path; do
      case ${mode#|} in
      8*)
        [ "$size" -le "$digest_max" ] || continue
        set -- "$@" "$path"
        case "$digest_only" in *" $path "*) continue ;; esac
        [ "$size" -le "$text_max" ] || continue
        texts="$texts$newline$path"
        ;;
      a*)
        header "link $path"
        readlink "$path" | raw
        ;;
      esac
    done
    with_lines "$texts" masked_files
    header digests
    if [ "$#" -gt 0 ]; then sha256sum -- "$@" 2>/dev/null | raw; fi
  }
}

space() { # PATH...: a path that is not there yet lies where its nearest parent does
  for path; do
    there=$path
    while [ ! -e "$there" ]; do
      there=${there%/*}
      there=${there:-/}
    done
    # access(2) as root says no on a read-only file system, and only there.
    access=rw
    [ -w "$there" ] || access=ro
    header "space $access $(stat -f -c '%a %S %c %d' "$there" 2>/dev/null) $path"
  done
}

# Whoever has one of the package managers' lock files open and holds a POSIX write lock. Inode numbers are not compared:
# on overlayfs /proc/locks and stat differ.
package_lock() {
  set --
  while read -r _ class _ mode pid _; do
    case "$class $mode $pid" in
    *[!A-Za-z0-9\ ]*) ;;
    'POSIX WRITE '*) if [ -d "/proc/$pid/fd" ]; then set -- "$@" "/proc/$pid/fd"; fi ;;
    esac
  done </proc/locks
  holder=
  if [ "$#" -gt 0 ]; then
    holder=$(find "$@" -maxdepth 1 \( -lname '/var/lib/dpkg/lock*' -o -lname /var/lib/apt/lists/lock -o \
      -lname /var/cache/apt/archives/lock \) 2>/dev/null)
  fi
  case $holder in
  '') header lock ;;
  *)
    pid=${holder#/proc/}
    pid=${pid%%/*}
    comm=
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null
    header "lock $pid $comm"
    ;;
  esac
}

# The guard's own record of an unfinished transaction.
pending() {
  if [ ! -L "$guard_home/active" ]; then
    header pending no
    return
  fi
  alive=dead
  if [ -e "$guard_home/active/watch.lock" ]; then
    # A shared probe, as the guard does it itself: two who ask do not see each other. Opened by the shell, since
    # flock would make the file if it went away meanwhile.
    { flock -n -s -E 9 8 8<"$guard_home/active/watch.lock"; } 2>/dev/null
    [ "$?" -ne 9 ] || alive=alive
  fi
  header "pending $alive"
  {
    printf 'active=%s\nstate=' "$(readlink "$guard_home/active")"
    cat "$guard_home/active/state" || echo
    cat "$guard_home/active/owner"
  } 2>/dev/null | raw
}

# ld.so says why it cannot load the module, the libraries that it lacks included; PAM would only say "Module is unknown".
module_loads() {
  if [ ! -f "$module" ]; then
    header module absent
    return
  fi
  header module present
  {
    LD_BIND_NOW=1 LD_PRELOAD="$module" /bin/true 2>&1
    echo "exit $?"
  } | raw
}

ssh_server() {
  header ssh-version
  sshd -V 2>&1 </dev/null | sed -n 's/.*OpenSSH_\([^ ,]*\).*/|\1/p'
  echo
  # The address and port that we came in by, for Match LocalAddress and LocalPort: sudo dropped SSH_CONNECTION from our
  # environment, but its own still has it.
  local_end=$({
    [ -z "${SSH_CONNECTION:-}" ] || echo "SSH_CONNECTION=$SSH_CONNECTION"
    tr '\000' '\n' <"/proc/$PPID/environ"
  } 2>/dev/null | sed -n '/^SSH_CONNECTION=/{
s/^SSH_CONNECTION=[0-9a-fA-F.:]* [0-9]* \([0-9a-fA-F.:]*\) \([0-9]*\)$/,laddr=\1,lport=\2/p
q
}')
  # Kept, since the accounts' key files are looked for where these answers say.
  answers=$(with_connections connections 0)
  [ -z "$answers" ] || block "$answers"
}
connections() { # INDEX SPEC...: all at once, printed in order
  index=$1
  shift
  case $# in
  0) ;;
  1) connection "$index" "$1" ;;
  *)
    spec=$1
    shift
    connections $((index + 1)) "$@" | {
      connection "$index" "$spec"
      cat
    }
    ;;
  esac
}
connection() { # INDEX SPEC
  header "sshd $1"
  if sshd -T -C "$2$local_end" 2>/dev/null </dev/null; then
    echo +
  else
    echo -
    sshd -T -C "$2$local_end" 2>&1 >/dev/null </dev/null
  fi | raw
}

# Whether users and groups come from elsewhere than local files. If not, reading the files is the whole truth and far
# cheaper than asking for each name. What is not understood counts as elsewhere.
directory_service() {
  [ -r /etc/nsswitch.conf ] || return 0
  while read -r database services; do
    case $database in passwd:* | group:* | initgroups:*) ;; *) continue ;; esac
    services="${database#*:} $services"
    # Split on purpose, into words.
    # shellcheck disable=SC2086
    set -f -- ${services%%#*}
    set +f
    for service; do
      case $service in files | systemd | mymachines) ;; *) return 0 ;; esac
    done
  done </etc/nsswitch.conf
  return 1
}

# name:uid:gid:home:shell:password[ expired]:KEYFILE..., for every local account and those that the directory told. The password
# itself stays here, its state goes. AuthorizedKeysFile is sshd's own answer and whatever a Match block may add.
account_table='
function state(hash) {
  if (hash == "") return "empty"
  if (hash ~ /^[!*]/ || (hash !~ /^[$_]/ && length(hash) < 13)) return "locked"
  return "set"
}
function is_member(a, g) { return (g in gid_of && gid[a] == gid_of[g]) || index(members[g], "," a ",") }
function has_password(a) { return a in hash && hash[a] == "set" }
function is_person(a) { return uid[a] >= 1000 && uid[a] < 65534 && shell[a] !~ /\/(nologin|false)$/ }
# Who is in as few of the groups as can be, and best has a password: of the group g, or of none where g is empty.
function pick(g,   i, j, a, n, score, best, found) {
  for (i = 1; i <= names; i++) {
    a = name[i]
    if (a in asked) continue
    n = 0
    for (j = 1; j in group; j++) n += is_member(a, group[j]) ? 1 : 0
    if (g == "" ? n > 0 || !is_person(a) : !is_member(a, g)) continue
    score = 2 * n + !has_password(a)
    if (found == "" || score < best) { best = score; found = a }
  }
  return found
}
function sudo(a) { if (a in uid && a != "root" && !(a in told) && sudos++ < 40) { told[a] = 1; print "|sudo " a } }
BEGIN {
  split(ENVIRON["groups"], group, "\n")
  n = split(ENVIRON["asked"], word, "\n")
  for (i = 1; i <= n; i++) asked[word[i]] = 1
}
FILENAME ~ /^\/etc\/ssh/ && FILENAME != ENVIRON["drop_in"] && tolower($1) ~ /^"?(match|include)/ {
  if (tolower($0) !~ /^[ \t]*include[ \t=]+"?\/etc\/ssh\/sshd_config\.d\/\*\.conf"?[ \t]*$/) match_ = 1
  next
}
FILENAME ~ /ssh/ || /^\|authorizedkeysfile / {
  sub(/^\|/, "")
  if (tolower($0) !~ /^[ \t]*authorizedkeysfile[ \t=]/) next
  line = $0
  gsub(/"/, "", line)
  n = split(line, word, /[ \t=]+/)
  for (i = 1; i <= n; i++) {
    if (word[i] == "" || tolower(word[i]) == "authorizedkeysfile" || tolower(word[i]) == "none") continue
    if (word[i] ~ /^#/) break
    if (!(word[i] in seen)) { seen[word[i]] = 1; pattern[++patterns] = word[i] }
  }
  next
}
# Rules by which sudo asks nobody, but for those of one account that is asked about anyway.
FILENAME ~ /^\/etc\/sudoers/ {
  if ($1 ~ /^[@#]include/ ? $2 !~ /^"?\/etc\/sudoers\.d"?$/ : $1 !~ /^#/ && /NOPASSWD|!authenticate|exempt_group|\\$/ && !($1 in asked)) silent = 1
  next
}
FILENAME == "/etc/nsswitch.conf" { if (/^sudoers:.*(sss|ldap)/) silent = 1; next }
FILENAME == "/etc/shadow" { split($0, f, ":"); if (!(f[1] in hash)) { hash[f[1]] = state(f[2]); gone[f[1]] = f[8] != "" && f[8] + 0 <= today ? " expired" : "" } next }
{
  n = split($0, f, ":")
  # getent tells groups with our mark before them, last, and knows best; of two local lines the first counts.
  if (n == 4 && (sub(/^\|/, "", f[1]) || (FILENAME == "/etc/group" && !(f[1] in gid_of)))) { gid_of[f[1]] = f[3]; members[f[1]] = "," f[4] "," }
  if (n != 7 || f[1] ~ /^([+|-]|$)/ || f[1] in uid || f[3] !~ /^[0-9]+$/ || f[4] !~ /^[0-9]+$/) next
  name[++names] = f[1]; uid[f[1]] = f[3]; gid[f[1]] = f[4]; home[f[1]] = f[6]; shell[f[1]] = f[7]; inline[f[1]] = f[2]
  # A directory shows no password: what stands there means nothing.
  if (FILENAME != "/etc/passwd") inline[f[1]] = "x"
}
END {
  print match_ ? "|match" : "|plain"
  for (a in asked) sudo(a)
  n = split(ENVIRON["personas"], word, "\n")
  for (i = 1; i <= n; i++) {
    split(word[i], f, " ")
    who = word[i]
    sub(/^[^ ]* [^ ]* [^ ]* ?/, "", who)
    if (f[3] != "account") who = pick(who)
    if (!(who in uid)) continue
    print "|user " f[1] " " f[2] " " who
    sudo(who)
  }
  for (i = 1; i <= names && silent; i++) {
    a = name[i]
    for (j = 1; j in group; j++) if (is_member(a, group[j])) sudo(a)
    if (is_person(a) || has_password(a)) sudo(a)
  }
  print ""
  for (i = 1; i <= names; i++) {
    a = name[i]
    password = inline[a] != "x" ? state(inline[a]) : (a in hash ? hash[a] : "none")
    printf "|%s:%s:%s:%s:%s:%s%s", a, uid[a], gid[a], home[a], shell[a], password, gone[a]
    for (p = 1; p <= patterns && ENVIRON["census"] == "yes"; p++) {
      rest = pattern[p]; path = ""
      while ((at = index(rest, "%")) > 0) {
        c = substr(rest, at + 1, 1)
        path = path substr(rest, 1, at - 1) (c == "h" ? home[a] : c == "u" ? a : c == "U" ? uid[a] : c == "%" ? "%" : "")
        rest = substr(rest, at + 2)
      }
      path = path rest
      if (path !~ /^\//) path = home[a] "/" path
      if (path ~ /^\// && path !~ /:/) printf ":%s", path
    }
    printf "\n"
  }
}'

accounts() {
  elsewhere=no
  told=
  if directory_service; then
    elsewhere=yes
    told=$(with_groups directory_group)
  fi
  set -- /etc/group /etc/passwd
  for path in /etc/shadow /etc/nsswitch.conf /etc/sudoers /etc/sudoers.d/* /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
    if [ -f "$path" ] && [ -r "$path" ]; then set -- "$@" "$path"; fi
  done
  table=$({
    printf '%s\n' "$answers" "$told"
    if [ "$elsewhere" = yes ]; then directory_accounts; fi
  } | groups=$(with_groups printf '%s\n') asked=$(with_accounts printf '%s\n') personas=$(with_personas printf '%s\n') \
    census=$census drop_in=$drop_in awk -v today="$((now / 86400))" "$account_table" "$@" -)
  people=${table%%"$blank"*}
  table=${table#*"$blank"}
  header people
  block "$people"
  header accounts
  block "$table"
  keys=
  if [ "$census" = yes ]; then
    # Only regular files are opened, and not for long: what lies there is the users', who may have put a pipe or a
    # file without end. /etc/passwd among the answers shows that grep did its work.
    keys=$(
      # Not in POSIX, but all three shells have it; without it the rest still holds.
      # shellcheck disable=SC3045
      ulimit -v 1048576 2>/dev/null
      printf '%s\n' "$table" | awk -F: '{ for (i = 7; i <= NF; i++) print $i }' |
        timeout 10 xargs -d '\n' grep -a -s -c -H -d skip -D skip -P -e "$key_line" -- /etc/passwd 2>/dev/null
      echo "exit $?"
    )
  fi
  header keys
  printf '%s\n' "$keys" | raw
  header groups
  awk -F: '/^[^#+-]/ && NF >= 4 { print "|" $1 ":" $3 ":" $4 }' /etc/group
  echo
  header "directory $elsewhere"
  if [ "$elsewhere" = yes ]; then directory_groups; fi
  persons
}
# A key's type and the beginning of its blob, behind options or none. cloud-init's entry for root (its disable_root_opts)
# ends with exit 142 and lets nobody in.
key_line='^[ \t]*+(?!#)(?!.* rather than the user .*;exit 142")(?:.*[ \t])?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[a-z0-9-]+@openssh\.com|[a-z0-9-]+-cert-v01@openssh\.com)[ \t]+AAAA'

# Words of $1, a line each, are handed to the other arguments: a directory's names may hold blanks.
with_lines() { # LINES COMMAND...
  lines=$1
  shift
  IFS='
'
  set -f
  # Split on purpose, at line feeds only.
  # shellcheck disable=SC2086
  set -- "$@" $lines
  set +f
  IFS=' 	
'
  "$@"
}

# Asked-for accounts, some members of each asked-for group, and whoever owns keys under /home without being in the local file.
directory_accounts() {
  owners=$(printf '%s\n' "$told" | awk -F: '/^\|/ && NF == 4 { n = split($4, m, ","); for (i = 1; i <= n && i <= 10; i++) print m[i] }')
  if [ "$census" = yes ]; then
    set --
    for path in /home/*/.ssh/authorized_keys /home/*/*/.ssh/authorized_keys; do
      if [ -f "$path" ] && [ "$#" -lt 500 ]; then set -- "$@" "$path"; fi
    done
    if [ "$#" -gt 0 ]; then
      owners="$owners
$(stat -L -c %U -- "$@" 2>/dev/null)"
    fi
  fi
  with_lines "$owners" with_accounts timeout 10 getent passwd root 2>/dev/null
}
directory_groups() {
  [ -z "$told" ] || block "$told"
  # `with keys` is known from the counts: name of each account whose file has at least one. Before them, whom sudo is asked about.
  names=$(printf '%s\n' "$people" | sed -n 's/^|sudo //p'
    printf '%s\n-\n%s\n' "$keys" "$table" | awk -F: '
    $0 == "-" { second = 1; next }
    !second { if ($NF + 0 > 0) { sub(/:[0-9]+$/, ""); found[$0] = 1 } next }
    { for (i = 7; i <= NF; i++) if ($i in found) { if (++n <= 200) print substr($1, 2); next } }')
  with_lines "$names" with_accounts memberships
}
directory_group() {
  for name; do
    header "group $name"
    {
      timeout 10 getent group "$name" 2>/dev/null
      echo "exit $?"
    } | raw
  done
}
memberships() {
  for name; do
    header "member $name"
    {
      timeout 10 id -Gnz -- "$name" 2>/dev/null
      echo "exit $?"
    } | tr '\000' '\n' | raw
  done
}

# What sshd and sudo say of people whom nobody named: `people` has lines `|user LABEL ADDRESS NAME` and `|sudo NAME`.
persons() {
  with_lines "$people" person_connections
  # A pipe, since sudo breaks lines for anything else (display_privs in plugins/sudoers/display.c). Of its children timeout
  # gets the nonce in the environment, which only root can see, and not in words.
  command -v sudo >/dev/null || return 0
  with_lines "$(printf '%s\n' "$people" | sed -n 's/^|sudo //p')" rights | sed "/^#$nonce /b
s/^/|/"
}
person_connections() {
  case $1 in '|match') ;; *) return 0 ;; esac
  for line; do
    case $line in '|user '*) ;; *) continue ;; esac
    line=${line#|user }
    label=${line%% *}
    line=${line#* }
    address=${line%% *}
    name=${line#* }
    # What sshd -T -C could not take; the parser misses the answer and says so.
    case $name in *[!A-Za-z0-9._@\\$-]*) continue ;; esac
    connection "$label" "user=$name,host=$address,addr=$address"
  done
}
rights() { # NAME...
  [ "$#" -gt 0 ] || return 0
  N=$nonce timeout 10 sh -c 'for name; do
echo "#$N rights $name"
sudo -l -U "$name" 2>&1 </dev/null
echo "exit $?"
done' sh "$@"
}

# Who logged in by key of late, as sshd tells the journal, and syslog where it lies in files: day since the epoch, name.
key_logins() {
  # Where our settings are live already there is nothing to lose any more, and large logs take time.
  if [ "$census" = no ] || [ -e "$drop_in" ]; then return; fi
  logins=$({
    timeout 10 journalctl -q --no-pager -r -o short-unix -t sshd -t sshd-session --since=-90d _UID=0
    echo "exit $?"
    timeout 10 find /var/log -maxdepth 1 -name 'auth.log*' -mtime -90 -exec gzip -cdf {} +
    echo "exit $?"
  } 2>/dev/null </dev/null | awk -v now="$now" "$login_days")
  header logins
  block "$logins"
  if directory_service; then
    names=$(printf '%s\n' "$logins" | sed -n 's/^|[0-9]* \([^-]\)/\1/p')
    header login-accounts
    with_lines "$names" timeout 10 getent passwd root 2>/dev/null | awk -F: 'NF == 7 { print $1 ":" $3 ":" $4 ":" $6 ":" $7 ":none" }' | raw
    with_lines "$names" memberships
  fi
}
login_days='
function day_of(y, m, d) {
  m += 0
  if (m < 3) { y--; m += 12 }
  return int(365.25 * y) + int(30.6001 * (m + 1)) + d - 719606
}
BEGIN { today = int(now / 86400); year = 1970 + int(today / 365.2425) }
/^exit 124$/ { print "|cut" }
{
  # The first such mark is that of syslog; further ones may be in what somebody called himself.
  if (!match($0, / sshd(-session)?\[[0-9]+\]: /)) next
  name = substr($0, RSTART + RLENGTH)
  if (!sub(/^Accepted publickey for /, "", name)) next
  if (!sub(/ from [^ ]+ port [0-9]+.*/, "", name)) next
  if ($1 ~ /^[0-9.]+$/) day = int($1 / 86400)
  else if ($1 ~ /^[0-9]+-[0-9]+-[0-9]+T/) day = day_of(substr($1, 1, 4), substr($1, 6, 2), substr($1, 9, 2))
  else {
    month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3
    day = day_of(year, month, $2)
    if (day > today + 1) day = day_of(year - 1, month, $2)
  }
  if (day > today) day = today
  if (day < today - 90 || (!(name in last) && ++names > 300)) next
  if (day > last[name]) last[name] = day
}
END {
  if (names > 300) print "|cut"
  for (name in last) print "|" last[name] " " name
}'

header begin 1
newline='
'
blank=$newline$newline
now=$(date +%s)
pam_paths=$({
  with_files printf '%s\n'
  echo -
  for path in /etc/pam.d/* /usr/lib/pam.d/*; do
    if [ -f "$path" ]; then printf '%s\n' "$path"; fi
  done
} | awk "$pam_includes")
want repository "$repository"
with_files with_drop_ins want file
with_groups want group
with_accounts want account
with_labels want connection
with_spaces want space
{
  ssh_server
  accounts
} | {
  {
    packages
    key_logins
  } | {
    system
    pam
    files
    with_spaces space
    package_lock
    pending
    module_loads
    cat
  }
  cat
}
header end
