#!/bin/sh
# Boots systemd as process 1 of namespaces of its own, over an overlay of this machine's root file system; $1 is an empty
# folder. Whatever it does stays in that folder. There is no network but a loopback of its own.
set -eu
stage=$1
mkdir -p "$stage/cgroup"
mount -t cgroup2 cgroup2 "$stage/cgroup"
mkdir "$stage/cgroup/aqua-test-$$"
echo $$ >"$stage/cgroup/aqua-test-$$/cgroup.procs"
exec unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child --propagation private sh -eu -c '
stage=$1 root=$1/root
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs "$stage/layer"
mkdir "$stage/layer/upper" "$stage/layer/work"
mount -t overlay -o "lowerdir=/,upperdir=$stage/layer/upper,workdir=$stage/layer/work" overlay "$root"
hostname aqua-test
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -p "$root/mnt" "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o "newinstance,ptmxmode=0666,mode=0660,gid=$(getent group dialout | cut -d: -f3)" devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for folder in run tmp var/log/journal; do
    mkdir -p "$root/$folder"
    mount -t tmpfs -o mode=1777 tmpfs "$root/$folder"
done
chmod 755 "$root/run"
rm -rf "$root/etc/aquacontrol" "$root/var/lib/aquacontrol" "$root/opt/aquacontrol"
# Not by chroot alone: inside one the kernel makes no user namespaces, which PrivateUsers= takes.
cd "$root"
pivot_root . mnt
umount -l mnt
mount --make-rshared /  # credentials come as a mount
exec env -i container=aqua-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd \
    --system --unit=multi-user.target --log-target=journal --log-level=info --show-status=0
' boot.sh "$stage"
