#!/bin/sh
# Installs the AquaControl gateway, or upgrades it; run it again as often as you like.
#
#   sudo systemd/install.sh                        with packages from the registry
#   sudo systemd/install.sh --wheelhouse FOLDER    offline; see "wheelhouse" below
#   systemd/install.sh wheelhouse FOLDER [MACHINE] on a machine with a network: collects what --wheelhouse needs, for
#                                                  machines of this kind, or of another: x86_64, aarch64
#   sudo systemd/install.sh remove                 keeps configuration and data
#   sudo systemd/install.sh purge                  removes them, too
#
# The program is in /opt/aquacontrol, the configuration in /etc/aquacontrol, the data in /var/lib/aquacontrol.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
. "$here/installation.sh"

as_root() { [ "$(id -u)" -eq 0 ] || fail "this changes the system: run it with sudo"; }

wheelhouse() {  # for every Python that is supported: who knows which one the other machine has
    [ -n "${1:-}" ] || fail "name the folder: systemd/install.sh wheelhouse FOLDER"
    folder=$1 machine=${2:-$(uname -m)}
    python3 -m venv "$folder/tools"
    set -- --platform "manylinux2014_$machine"
    for minor in $(seq 17 36); do set -- --platform "manylinux_2_${minor}_$machine" "$@"; done  # up to Debian 12's glibc
    for python in 3.11 3.12 3.13; do
        "$folder/tools/bin/pip" download -q --disable-pip-version-check --only-binary=:all: --no-deps --require-hashes \
            --implementation cp --python-version "$python" "$@" -d "$folder" -r "$source/requirements.lock"
    done
    "$folder/tools/bin/pip" wheel -q --disable-pip-version-check --no-deps -w "$folder" "$source"
    rm -r "$folder/tools"
    say "$folder has all that an installation needs, for $machine and Python 3.11 to 3.13"
}

put() {
    as_root
    [ ! -e /usr/lib/aquacontrol ] || fail "the Debian package is installed: upgrade that, or first remove it"
    wheels="" program=$source
    if [ "${1:-}" = --wheelhouse ]; then
        [ -d "${2:-}" ] || fail "there is no folder ${2:-named}: systemd/install.sh wheelhouse FOLDER makes one"
        wheels=$2 program=aquacontrol-gateway
    fi
    environment "$source/requirements.lock" "$program" "$wheels"
    files "$here"
    accounts
    configuration
    broker
    restart_running
}

remove() {
    as_root
    [ ! -e /usr/lib/aquacontrol ] || fail "the Debian package is installed: apt remove aquacontrol-gateway"
    stop_and_forget
    rm -rf "$share"
    rm -f /usr/bin/aqua-gateway "/usr/lib/systemd/system/$unit" /usr/lib/udev/rules.d/60-aquacontrol.rules \
        /usr/lib/tmpfiles.d/aquacontrol.conf /usr/lib/sysusers.d/aquacontrol.conf
    ! systemd_runs || systemctl daemon-reload
    say "removed; /etc/aquacontrol and /var/lib/aquacontrol are kept"
}

case "${1:-}" in
    "" | --wheelhouse) put "$@" ;;
    wheelhouse) shift; wheelhouse "$@" ;;
    remove) remove ;;
    purge)
        remove
        forget_everything
        say "configuration and data are gone"
        ;;
    *) fail "unknown: $1. See the first lines of $0" ;;
esac
