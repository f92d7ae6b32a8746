#!/bin/sh
# Makes the files that a host of the lab lacks for Ansible: python-layer.sh ROOT RELEASE MIRROR TARGET
#
# ROOT is the release's base and is not changed. TARGET becomes a tar archive to be unpacked over a host's root: Python
# and python3-apt, installed as apt does it. The base itself has no Python on purpose: duo-fleet needs none, and a
# lab that had one could not tell. About 10 s and 45 MB, once.
set -eu

root=$1
release=$2
mirror=$3
[ -n "$mirror" ] || { echo 'no Debian mirror is known here: name one in DUO_FLEET_LAB_MIRROR' >&2; exit 1; }
target=$4

# Two benches may start at once: who waited for the lock finds the work done.
[ ! -e "$target" ] || exit 0
work=$(mktemp -d)
cleanup() {
  status=$?
  umount "$work/merged" 2>/dev/null || true
  umount "$work"
  rmdir "$work"
  exit "$status"
}
# In memory, because an overlay cannot stand on an overlay, which / often is in CI.
mount -t tmpfs -o mode=0755 python-layer "$work"
trap cleanup EXIT
mkdir "$work/upper" "$work/work" "$work/merged"
mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" python-layer "$work/merged"

printf 'deb %s %s main\n' "$mirror" "$release" >"$work/merged/etc/apt/sources.list"
cat /etc/resolv.conf >"$work/merged/etc/resolv.conf"
# The base resolves names from files only; this one time a mirror is asked for.
printf 'hosts: files dns\n' >"$work/merged/etc/nsswitch.conf"
install_python='apt-get -q -q update && apt-get -q -q -y --no-install-recommends \
  -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Use-Pty=0 install python3 python3-apt'
if ! DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$work/merged" sh -c "$install_python" \
  </dev/null >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi

umount "$work/merged"
# Only what the packages brought: the rest is how they got here.
tar -C "$work/upper" --xattrs --exclude=./etc/apt --exclude=./etc/resolv.conf --exclude=./etc/nsswitch.conf \
  --exclude=./var/lib/apt --exclude=./var/cache --exclude=./var/log --exclude=./tmp -cf "$target.new" .
mv "$target.new" "$target"
