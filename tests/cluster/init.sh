#!/bin/bash
# The first process of a node: makes the namespaces it was started in look like a machine of its own, then starts
# daemons. One line on the FIFO `commands` is one command; a process brought in from outside would stay in its
# caller's cgroup. When this process is killed, the kernel ends everything on the node.
#
#   init.sh NAME FOLDER DISK HIERARCHY...      DISK: the most that pods may write, as 64m, or nothing for no bound;
#                                              cgroups of version 1, each as mount options: memory, name=systemd;
#                                              none: version 2
set -eu
name=$1 folder=$2 disk=$3
shift 3

hostname "$name"
umount -R /sys/fs/cgroup
mount -t sysfs sysfs /sys
if [ $# = 0 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs tmpfs /sys/fs/cgroup
fi
for controller in "$@"; do
    place=/sys/fs/cgroup/${controller#name=}
    mkdir "$place"
    case $controller in name=*) options=none,$controller ;; *) options=$controller ;; esac
    mount -t cgroup -o "$options" cgroup "$place"
done
mount -t tmpfs tmpfs /run

# What the daemons leave in fixed places stays in the node's folder.
for place in /var/lib /var/log; do
    own=$folder/overlay$place
    mkdir -p "$own/upper" "$own/work"
    mount -t overlay overlay -o "lowerdir=$place,upperdir=$own/upper,workdir=$own/work" "$place"
done
for place in /var/lib/kubelet /var/log/pods; do
    mkdir -p "$place" "$folder$place"
    if [ "$disk" ] && [ "$place" = /var/lib/kubelet ]; then
        mount -t tmpfs -o "size=$disk" tmpfs "$folder$place"
    fi
    mount --bind "$folder$place" "$place"
done

# kubelet would set these for the whole machine; it is content when it reads what it wants.
while read -r value setting; do
    printf '%s\n' "$value" >"$folder/${setting##*/}"
    mount --bind "$folder/${setting##*/}" "/proc/sys/$setting"
done <<'SETTINGS'
1 vm/overcommit_memory
10 kernel/panic
1 kernel/panic_on_oops
SETTINGS
mount --make-rshared /
sysctl -q net.ipv4.ip_forward=1
if [ -e /proc/sys/net/bridge ]; then sysctl -q net.bridge.bridge-nf-call-iptables=1; fi

# run NAME COMMAND...: a daemon, with its log, its pid and, once it has ended, its exit status in files
run() {
    local daemon=$1 status=0
    shift
    rm -f "$folder/ended/$daemon"
    "$@" >>"$folder/logs/$daemon.log" 2>&1 </dev/null &
    echo $! >"$folder/pids/$daemon"
    wait $! || status=$?
    echo "$status" >"$folder/ended/$daemon"
}

mkdir -p "$folder/logs" "$folder/pids" "$folder/ended"
mkfifo "$folder/commands"
exec 3<>"$folder/commands"
touch "$folder/booted"
while read -r -u 3 line; do
    (exec 3>&-; eval "$line") &
done
