#!/bin/sh
# Builds the root file system that every host of one Debian release shares: lab-base.sh RELEASE MIRROR TARGET
#
# Accounts come on standard input, one a line:
#   group NAME GID | user NAME UID GROUP,GROUP|- PASSWORD|- | sudoers NAME RULE
# TARGET is a folder, and nothing is done when it exists; it gets `root` (the file system, never to be changed afterwards) and
# `packages` (Debian's own .deb files of Duo's module, which the lab's duo-unix package is made from).
# About 30 s and 350 MB for each release. Everything comes from MIRROR (or, where it is empty, from the mirror that mmdebstrap
# knows) and is verified by apt.
set -eu

release=$1
mirror=$2
target=$3

# The rewrite of sudo lies beside it: a host that uses it is furnished so.
more=
case $release in
bullseye | bookworm) libduo=libduo3 ;;
trixie) libduo=libduo3t64 more=,sudo-rs ;;
*)
  echo "lab-base: no base for release '$release' (known: bullseye, bookworm, trixie)" >&2
  exit 2
  ;;
esac

# What a small server has, what Duo's packages depend on (so that installing them needs no mirror), the legacy
# packages that the product has to remove, and the tools that a person who looks into a host misses first.
packages=systemd,systemd-sysv,dbus,openssh-server,openssh-client,openssh-sftp-server,sudo,procps,iproute2
packages=$packages,ca-certificates,gpgv,adduser,passwd,libpam-modules,libpam-runtime,attr,less
packages=$packages,libpam-duo,login-duo,$libduo$more

# Units that slow a boot down or fail in a container, and would make `systemctl is-system-running` say degraded.
# Two of them matter beyond that: update-done and ldconfig run only on a first boot, which an overlay looks like.
masked='console-getty.service getty@.service container-getty@.service getty.target systemd-logind.service
  apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service fstrim.timer
  e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer systemd-update-utmp.service
  systemd-update-utmp-runlevel.service systemd-firstboot.service systemd-update-done.service ldconfig.service
  systemd-journal-catalog-update.service systemd-hwdb-update.service systemd-machine-id-commit.service
  systemd-network-generator.service systemd-networkd.service systemd-networkd.socket
  systemd-networkd-wait-online.service systemd-resolved.service systemd-timesyncd.service'

# Two suites may start at once: who waited for the lock finds the work done.
[ ! -e "$target" ] || exit 0
built=$target.building
rm -rf "$built"
mkdir -p "$built/packages"
cleanup() {
  status=$?
  [ "$status" -eq 0 ] || rm -rf "$built"
  exit "$status"
}
trap cleanup EXIT

# dpkg's and apt's fsyncs cost more than everything else here, and a half-built base is thrown away anyway.
mmdebstrap --quiet --variant=minbase --mode=root --format=directory --include="$packages" \
  --dpkgopt='force-unsafe-io' \
  --customize-hook="chroot \"\$1\" sh -c 'cd /var/tmp && apt-get -q download libpam-duo login-duo $libduo'" \
  --customize-hook="sh -c 'mv \"\$1\"/var/tmp/*.deb \"$built/packages/\"' sh \"\$1\"" \
  "$release" "$built/root" ${mirror:+"$mirror"} </dev/null

root=$built/root

# No mirror at run time: hosts have no network but the lab's. apt's lists are empty and consistent.
rm -rf "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id"
rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
# Name lookups go to files only; a host that asked a name server would wait for one that is not there.
printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' 'gshadow: files' 'hosts: files' \
  'services: files' 'protocols: files' >"$root/etc/nsswitch.conf"
: >"$root/etc/resolv.conf"

for unit in $masked; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# The journal is kept, so that a test can read what a host did before it lost power.
mkdir -p "$root/var/log/journal"

while read -r kind name rest; do
  case $kind in
  group) chroot "$root" groupadd -g "$rest" "$name" ;;
  user)
    # shellcheck disable=SC2086 # Three words, none of which holds a blank.
    set -- $rest
    [ "$1" -eq 0 ] || chroot "$root" useradd -m -s /bin/bash -u "$1" "$name"
    [ "$2" = - ] || chroot "$root" usermod -a -G "$2" "$name"
    [ "$3" = - ] || printf '%s:%s\n' "$name" "$3" | chroot "$root" chpasswd
    ;;
  sudoers)
    printf '%s\n' "$rest" >"$root/etc/sudoers.d/$name"
    chmod 0440 "$root/etc/sudoers.d/$name"
    ;;
  '') ;;
  *)
    echo "lab-base: cannot read '$kind $name $rest'" >&2
    exit 2
    ;;
  esac
done

# Last, so that a folder of this name is always a whole base.
mv "$built" "$target"
