#!/bin/sh
# The Debian packages that tests (and, with "bench", the benchmark) compare reeve with. As root they are installed;
# otherwise the missing ones are named.
set -eu
packages="make gcc libc6-dev
  openssh-server openssh-client sudo cron
  apparmor apparmor-profiles selinux-policy-default checkpolicy policycoreutils
  rpm dnf createrepo-c lz4 xz-utils zstd bzip2
  iproute2 nftables iptables bubblewrap util-linux python3 libfuse3-dev fuse3 pkg-config
  systemd acl libcap2-bin attr openssl procps git
  debootstrap distro-info-data libfaketime chromium"

[ "${1:-}" != bench ] || packages="$packages openscap-scanner ssg-debian lynis time puppet-agent prometheus-node-exporter"

command -v dpkg-query >/dev/null || exit 0
missing=
for package in $packages; do
  case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
    'install ok installed') ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "not installed, so what needs them is left out:$missing" >&2
  exit 0
fi
# The daemons among them are compared with, not run.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq >&2
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
