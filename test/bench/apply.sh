#!/bin/sh
# The same job as duo-fleet's, as a person writes it who wants it done: `ssh HOST sudo sh -s < apply.sh`, preceded by
# lines that set the variables below. It compares before it writes, checks before it reloads, and has no way back.
set -eu

: "${repo_key:?}" "${repo_url:?}" "${ikey:?}" "${skey:?}" "${api_host:?}" "${ca_file:?}" "${access_group:?}"
: "${sudo_group:?}" "${break_glass:?}" "${sources:?}" "${automation:?}"
module=/usr/lib64/security/pam_duo.so

# install_file PATH MODE [CHECK...]: standard input becomes PATH, if it differs and CHECK agrees; prints what changed.
install_file() {
  path=$1
  mode=$2
  shift 2
  umask 077
  cat >"$path.new~"
  chmod "$mode" "$path.new~"
  if cmp -s "$path" "$path.new~" && [ "$(stat -c %a "$path")" = "$mode" ]; then
    rm "$path.new~"
    return
  fi
  [ $# -eq 0 ] || "$@" "$path.new~" >/dev/null
  mv "$path.new~" "$path"
  echo "$path"
}

# shellcheck source=/dev/null # Every host's own.
. /etc/os-release
case $ID in
ubuntu) distribution=Ubuntu ;;
*) distribution=Debian ;;
esac
printf '%s\n' "$repo_key" | install_file /etc/apt/trusted.gpg.d/duo.asc 644
install_file /etc/apt/sources.list.d/duo.list 644 <<END
deb [arch=amd64] $repo_url/$distribution $VERSION_CODENAME main
END

if ! dpkg-query -W -f '${db:Status-Status}' duo-unix 2>/dev/null | grep -qx installed; then
  # Standard input is this script: nothing that it calls may read from there.
  apt-get -q -q update </dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -q -q -y --purge install duo-unix libpam-duo- login-duo- libduo3- \
    </dev/null >/dev/null
  echo duo-unix
fi

install_file /etc/duo/pam_duo.conf 600 <<END
[duo]
failmode = safe
ikey = $ikey
skey = $skey
host = $api_host
cafile = $ca_file
pushinfo = yes
autopush = yes
prompts = 3
groups = $access_group,$sudo_group
END

install_file /etc/sudoers.d/sudo_timestamp_timeout 440 visudo -cf <<END
Defaults timestamp_timeout=30
END

changed=$(
  install_file /etc/ssh/sshd_config.d/00-duo.conf 644 sshd -t -f <<END
UsePAM yes
KbdInteractiveAuthentication yes
PubkeyAuthentication yes
PasswordAuthentication no
UseDNS no
AuthenticationMethods publickey,keyboard-interactive

Match User $automation
    AuthenticationMethods publickey

Match User $break_glass Address $sources
    PasswordAuthentication yes
    AuthenticationMethods password

Match all
END
)
if [ -n "$changed" ]; then
  echo "$changed"
  systemctl reload ssh
fi

install_file /etc/pam.d/sudo 644 <<END
#%PAM-1.0
session required pam_limits.so
session required pam_env.so readenv=1 user_readenv=0
session required pam_env.so readenv=1 envfile=/etc/default/locale user_readenv=0

auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup $sudo_group
auth requisite $module
@include common-auth
@include common-account
@include common-session-noninteractive
END

install_file /etc/pam.d/sshd 644 <<END
auth [success=3 default=ignore] pam_succeed_if.so quiet user = $break_glass
# Who is in no group of Duo's needs a password. Without this line pam_duo lets them by, and nobody asks for one.
auth [success=2 default=ignore] pam_succeed_if.so quiet user notingroup $access_group user notingroup $sudo_group
auth requisite $module
auth [success=done default=die] pam_permit.so
auth required pam_unix.so

account required pam_nologin.so
@include common-account

session [success=ok ignore=ignore module_unknown=ignore default=bad] pam_selinux.so close
session required pam_loginuid.so
session optional pam_keyinit.so force revoke
@include common-session
session optional pam_motd.so motd=/run/motd.dynamic
session optional pam_motd.so noupdate
session optional pam_mail.so standard noenv
session required pam_limits.so
session required pam_env.so
session required pam_env.so envfile=/etc/default/locale
session [success=ok ignore=ignore module_unknown=ignore default=bad] pam_selinux.so open

@include common-password
END

grep -q pam_duo.so /etc/pam.d/sudo
grep -q pam_duo.so /etc/pam.d/sshd
[ -e "$module" ]
runuser -u "$automation" -- sudo -n true </dev/null
