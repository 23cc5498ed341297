#!/bin/sh
# Installs the AquaControl gateway, or upgrades it; run it again as often as you like.
#
#   sudo systemd/install.sh                        with packages from the registry
#   sudo systemd/install.sh --wheelhouse FOLDER    offline; see "wheelhouse" below
#   systemd/install.sh wheelhouse FOLDER           on a machine with a network: collects what --wheelhouse needs
#   sudo systemd/install.sh remove                 keeps configuration and data
#   sudo systemd/install.sh purge                  removes them, too
#
# The program is in /opt/aquacontrol, the configuration in /etc/aquacontrol, the data in /var/lib/aquacontrol.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
home=/opt/aquacontrol
config=/etc/aquacontrol/gateway.toml
unit=aqua-gateway.service

say() { echo "install.sh: $*"; }
fail() { echo "install.sh: $*" >&2; exit 1; }
as_root() { [ "$(id -u)" -eq 0 ] || fail "this changes the system: run it with sudo"; }
systemd_runs() { [ -d /run/systemd/system ]; }

wheelhouse() {
    [ -n "${1:-}" ] || fail "name the folder: systemd/install.sh wheelhouse FOLDER"
    python3 -m venv "$1/tools"
    "$1/tools/bin/pip" download -q --disable-pip-version-check --require-hashes -d "$1" -r "$source/requirements.lock"
    "$1/tools/bin/pip" wheel -q --disable-pip-version-check --no-deps -w "$1" "$source"
    rm -r "$1/tools"
    say "$1 has all that an installation needs, for machines of this kind ($(uname -m), $(python3 -V))"
}

environment() {  # in place: what was added to it by hand, such as a client for Kafka, stays
    python3 -m venv "$home" || fail "Python cannot make a virtual environment: apt install python3-venv"
    set -- "$home/bin/pip" install -q --disable-pip-version-check ${1:+--no-index --find-links "$1"}
    "$@" --require-hashes -r "$source/requirements.lock"
    "$@" --no-deps --force-reinstall "$program"
    "$home/bin/aqua-gateway" --help >/dev/null
}

files() {
    install -D -m 644 "$here/aquacontrol.sysusers" /usr/lib/sysusers.d/aquacontrol.conf
    install -D -m 644 "$here/aquacontrol.tmpfiles" /usr/lib/tmpfiles.d/aquacontrol.conf
    install -D -m 644 "$here/60-aquacontrol.rules" /usr/lib/udev/rules.d/60-aquacontrol.rules
    install -D -m 644 "$here/$unit" "/usr/lib/systemd/system/$unit"
    install -D -m 644 "$here/gateway.toml" /usr/share/aquacontrol/gateway.toml
    mkdir -p /usr/local/bin
    ln -sfn "$home/bin/aqua-gateway" /usr/local/bin/aqua-gateway
    systemd-sysusers /usr/lib/sysusers.d/aquacontrol.conf
    systemd-tmpfiles --create /usr/lib/tmpfiles.d/aquacontrol.conf
    if systemd_runs; then
        systemctl daemon-reload
        ! command -v udevadm >/dev/null || udevadm control --reload 2>/dev/null || true  # no udev in a container
    fi
}

put() {
    as_root
    wheels="" program=$source
    if [ "${1:-}" = --wheelhouse ]; then
        [ -d "${2:-}" ] || fail "there is no folder ${2:-named}: systemd/install.sh wheelhouse FOLDER makes one"
        wheels=$2 program=aquacontrol-gateway
    fi
    environment "$wheels"
    files
    if [ ! -e "$config" ]; then
        install -m 640 -o root -g aquacontrol /usr/share/aquacontrol/gateway.toml "$config"
        say "wrote $config: an example. Next:
  1. sudo nano $config                                   # your tanks, lines and probes
  2. sudo -u aquacontrol aqua-gateway check-config       # every mistake, with what to do about it
  3. sudo systemctl enable --now aqua-gateway"
        return
    fi
    say "$config is kept"
    if systemd_runs && systemctl is-active -q "$unit"; then
        systemctl restart "$unit"
        say "the gateway runs the new version"
    fi
}

remove() {
    as_root
    ! systemd_runs || systemctl disable --now -q "$unit" 2>/dev/null || true
    rm -rf "$home" /usr/share/aquacontrol
    rm -f /usr/local/bin/aqua-gateway "/usr/lib/systemd/system/$unit" /usr/lib/udev/rules.d/60-aquacontrol.rules \
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
        rm -rf /etc/aquacontrol /var/lib/aquacontrol
        say "configuration and data are gone"
        ;;
    *) fail "unknown: $1. See the first lines of $0" ;;
esac
