#!/bin/sh
# Makes the Debian package: systemd/package.sh amd64|arm64 FOLDER [VERSION]. Either, on a machine of either kind: nothing
# is compiled. WHEELS=FOLDER takes wheels that `install.sh wheelhouse` has collected. Needs debhelper.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
architecture=$1
case $architecture in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) echo "amd64 or arm64?" >&2; exit 2 ;; esac
mkdir -p "$2"
out=$(cd "$2" && pwd)
version=${3:-$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/pyproject.toml")}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/aquacontrol-gateway
mkdir "$stage"
cp -r "$here" "$stage/systemd"
mv "$stage/systemd/debian" "$stage/debian"
cp "$source/requirements.lock" "$stage"
if [ -z "${WHEELS:-}" ]; then "$here/install.sh" wheelhouse "$stage/wheels" "$machine"; else ln -s "$WHEELS" "$stage/wheels"; fi
for script in postinst prerm postrm; do
    sed -i -e "/^#INSTALLATION#/{r $here/installation.sh" -e 'd}' "$stage/debian/$script"
done
cat >"$stage/debian/changelog" <<END
aquacontrol-gateway ($version) stable; urgency=medium

  * See CHANGELOG.md of the project.

 -- AquaControl <gateway@aquacontrol.example>  $(date -R -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
END
(cd "$stage" && dpkg-buildpackage --build=binary --host-arch "$architecture" --no-check-builddeps --unsigned-changes) \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
cp "$work"/*.deb "$out"
ls -sh "$out/aquacontrol-gateway_${version}_$architecture.deb"
