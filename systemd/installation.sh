# shellcheck shell=sh
# What the install script and the Debian package do alike: where everything goes, the environment, the first
# configuration, the broker. install.sh reads it, and `make deb` puts it into the package's maintainer scripts.
home=/opt/aquacontrol
share=/usr/share/aquacontrol
config=/etc/aquacontrol/gateway.toml
secret=/etc/aquacontrol/mqtt.secret
mosquitto=/etc/mosquitto
unit=aqua-gateway.service

say() { echo "aquacontrol: $*"; }
fail() { echo "aquacontrol: $*" >&2; exit 1; }
systemd_runs() { [ -d /run/systemd/system ]; }

files() {  # FROM [ROOT]: the checkout's systemd folder → the root file system
    install -D -m 644 "$1/aquacontrol.sysusers" "${2:-}/usr/lib/sysusers.d/aquacontrol.conf"
    install -D -m 644 "$1/aquacontrol.tmpfiles" "${2:-}/usr/lib/tmpfiles.d/aquacontrol.conf"
    install -D -m 644 "$1/60-aquacontrol.rules" "${2:-}/usr/lib/udev/rules.d/60-aquacontrol.rules"
    install -D -m 644 "$1/$unit" "${2:-}/usr/lib/systemd/system/$unit"
    for file in mosquitto.conf mosquitto-network.conf mosquitto.acl; do
        install -D -m 644 "$1/$file" "${2:-}$share/$file"
    done
    mkdir -p "${2:-}/usr/bin"
    ln -sfn "$home/bin/aqua-gateway" "${2:-}/usr/bin/aqua-gateway"
}

accounts() {
    systemd-sysusers /usr/lib/sysusers.d/aquacontrol.conf
    systemd-tmpfiles --create /usr/lib/tmpfiles.d/aquacontrol.conf
    if systemd_runs; then
        systemctl daemon-reload
        # Adapters that are plugged in already get their names, too; in a container there is no udev.
        { udevadm control --reload && udevadm trigger --subsystem-match=tty; } 2>/dev/null || true
    fi
}

environment() {  # LOCK PROGRAM [WHEELS]; in place: what was added by hand, such as a client for Kafka, stays
    python3 -m venv "$home" || fail "Python cannot make a virtual environment: apt install python3-venv"
    lock=$1 program=$2
    set -- "$home/bin/python3" -m pip install -q --disable-pip-version-check --no-cache-dir \
        --root-user-action=ignore ${3:+--no-index --find-links "$3"}
    "$@" --require-hashes -r "$lock"
    "$@" --no-deps --force-reinstall "$program"
    "$home/bin/aqua-gateway" --help >/dev/null
}

configuration() {  # an example where there is none, with a password of its own for the local broker
    if [ -e "$config" ]; then
        say "$config is kept; if the gateway does not run: sudo systemctl enable --now aqua-gateway"
        return
    fi
    if [ ! -e "$secret" ]; then
        (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$secret")
        chown aquacontrol "$secret"
        chmod 400 "$secret"
    fi
    "$home/bin/python3" -m agent.config.example "$config"
    chgrp aquacontrol "$config"
    say "wrote $config: an example. Next:
  1. sudo aqua-gateway init                              # asks for tanks, finds probes; or: sudo nano $config
  2. sudo -u aquacontrol aqua-gateway check-config       # every mistake, with what to do about it
  3. sudo systemctl enable --now aqua-gateway"
}

broker() {  # Mosquitto with names, for this machine alone; only where the gateway's configuration has its password
    command -v mosquitto >/dev/null || return 0
    grep -q '^[[:space:]]*password.*"mqtt\.secret"' "$config" 2>/dev/null && [ -s "$secret" ] || return 0
    if [ ! -e $mosquitto/conf.d/aquacontrol.conf ]; then
        set -- $mosquitto/mosquitto.conf
        for file in $mosquitto/conf.d/*.conf; do [ ! -e "$file" ] || set -- "$@" "$file"; done
        words='listener|port|bind_address|allow_anonymous|password_file|acl_file|per_listener_settings|(auth_)?plugin'
        if own=$(grep -lE "^[[:space:]]*($words)[[:space:]]" "$@") || ! grep -q "^include_dir $mosquitto/conf.d" "$1"; then
            say "Mosquitto is configured by ${own:-"$1"} and is left as it is. The gateway is its user \"gateway\" with the
  password in $secret; $share/mosquitto.acl says what it and others may do."
            return
        fi
        install -m 644 "$share/mosquitto.conf" $mosquitto/conf.d/aquacontrol.conf
    fi
    [ -e $mosquitto/aquacontrol.acl ] || install -m 640 -g mosquitto "$share/mosquitto.acl" $mosquitto/aquacontrol.acl
    passwords=$mosquitto/aquacontrol.passwords
    [ -e $passwords ] || install -m 640 -g mosquitto /dev/null $passwords
    if grep -q '^gateway:' $passwords; then return; fi
    new=$(mktemp)  # not on a command line, which every user can see
    echo "gateway:$(cat "$secret")" >"$new"
    mosquitto_passwd -U "$new"
    cat "$new" >>$passwords
    rm "$new"
    ! systemd_runs || systemctl try-restart mosquitto.service
    say "Mosquitto serves this machine alone, and asks for a name. One more, for a person or a display:
  sudo mosquitto_passwd $passwords technician && sudo systemctl reload mosquitto
  What each may do: $mosquitto/aquacontrol.acl. For phones on the network: $share/mosquitto-network.conf"
}

restart_running() {
    if systemd_runs && systemctl is-active -q "$unit"; then
        systemctl restart "$unit"
        say "the gateway runs the new version"
    fi
}

stop_and_forget() {
    ! systemd_runs || systemctl disable --now -q "$unit" 2>/dev/null || true
    rm -rf "$home"
}

forget_everything() {
    rm -rf /etc/aquacontrol /var/lib/aquacontrol
    if [ -e $mosquitto/conf.d/aquacontrol.conf ]; then
        rm -f $mosquitto/conf.d/aquacontrol.conf $mosquitto/aquacontrol.acl $mosquitto/aquacontrol.passwords
        ! systemd_runs || systemctl try-restart mosquitto.service || true
    fi
}
