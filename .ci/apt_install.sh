# apt_install.sh POLICY PACKAGE...: run as root by .ci/lib.sh. Installs without asking and without
# starting services: a POLICY (policy-rc.d) that forbids it stands there meanwhile, unless the
# machine has one of its own, which is left to decide.
# shellcheck shell=bash
set -u
policy=$1
shift
if [[ ! -e $policy && ! -L $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit
fi
export DEBIAN_FRONTEND=noninteractive
# A third-party source that fails is no reason to stop: the installation shows what is missing.
apt-get update || echo "apt-get update failed, going on with the lists that are there"
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
