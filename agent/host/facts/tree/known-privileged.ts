/**
 * What Debian's and Ubuntu's packages install, or set right after, with more than ordinary privilege: dpkg keeps no
 * modes of its own. One line a mode and owner; paths are those of merged /usr. Source: the packages' own file lists
 * (dpkg-deb --contents) and maintainer scripts, Debian 11 to 13 and Ubuntu 22.04 to 24.04.
 */
const table = `
  4755 root root /usr/bin/chfn /usr/bin/chsh /usr/bin/gpasswd /usr/bin/mount /usr/bin/newgrp /usr/bin/passwd
    /usr/bin/su /usr/bin/umount /usr/bin/sudo /usr/bin/pkexec /usr/bin/newuidmap /usr/bin/newgidmap
    /usr/bin/fusermount /usr/bin/fusermount3 /usr/bin/ntfs-3g /usr/bin/ksu /usr/bin/doas /usr/bin/nvidia-modprobe
    /usr/bin/ping /usr/bin/vmware-user-suid-wrapper /usr/lib/openssh/ssh-keysign /usr/lib/eject/dmcrypt-get-device
    /usr/lib/policykit-1/polkit-agent-helper-1 /usr/lib/polkit-1/polkit-agent-helper-1
    /usr/libexec/polkit-agent-helper-1 /usr/lib/chromium/chrome-sandbox /usr/lib/qemu/qemu-bridge-helper
    /usr/lib/authbind/helper /usr/sbin/mount.nfs /usr/sbin/mount.cifs /usr/sbin/mount.ecryptfs_private
    /usr/sbin/mount.davfs /usr/sbin/exim4 /usr/lib/snapd/snap-confine
  4754 root messagebus /usr/lib/dbus-1.0/dbus-daemon-launch-helper
  4754 root dip /usr/sbin/pppd
  6755 daemon daemon /usr/bin/at
  6755 root root /usr/lib/xorg/Xorg.wrap
  6755 root mail /usr/bin/procmail
  2755 root shadow /usr/bin/chage /usr/bin/expiry /usr/sbin/unix_chkpwd /usr/sbin/pam_extrausers_chkpwd
  2755 root crontab /usr/bin/crontab
  2755 root _ssh /usr/bin/ssh-agent
  2755 root ssh /usr/bin/ssh-agent
  2755 root tty /usr/bin/wall /usr/bin/write /usr/bin/write.ul /usr/bin/bsd-write
  2755 root mail /usr/bin/dotlockfile /usr/bin/mutt_dotlock /usr/bin/lockfile /usr/bin/mail-lock
    /usr/bin/mail-touchlock /usr/bin/mail-unlock /usr/sbin/ssmtp
  2755 root plocate /usr/bin/plocate
  2755 root mlocate /usr/bin/mlocate
  2755 root utmp /usr/bin/screen
  2555 root postdrop /usr/sbin/postdrop /usr/sbin/postqueue
  2775 root mail /var/mail
  2775 root staff /var/local
  2755 root systemd-journal /var/log/journal
  1777 root root /tmp /var/tmp
`;

const capabilityTable = `
  cap_net_raw=ep /usr/bin/ping /usr/bin/mtr-packet /usr/bin/arping /usr/bin/fping
  cap_net_admin,cap_net_raw=eip /usr/bin/dumpcap
  cap_net_bind_service,cap_net_admin,cap_sys_nice=ep
    /usr/lib/x86_64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper
    /usr/lib/aarch64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper
`;

export type KnownState = {mode: number; owner: string; group: string};

/** By path; one that differs between releases has several. */
export const knownStates: ReadonlyMap<string, KnownState[]> = read(table, ([mode, owner, group]) => ({
  mode: Number.parseInt(mode as string, 8),
  owner: owner as string,
  group: group as string,
}));

export const knownCapabilities: ReadonlyMap<string, string[]> = read(capabilityTable, ([text]) => text as string);

/** Words that are no paths begin a row, the paths that follow belong to it. */
function read<T>(text: string, make: (head: string[]) => T): Map<string, T[]> {
  const rows = new Map<string, T[]>();
  let head: string[] = [];
  let inPaths = true;
  for (const word of text.trim().split(/\s+/)) {
    if (word.startsWith('/')) rows.set(word, [...(rows.get(word) ?? []), make(head)]);
    else head = inPaths ? [word] : [...head, word];
    inPaths = word.startsWith('/');
  }
  return rows;
}
