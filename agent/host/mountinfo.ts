import type {MountFact} from '../../policies/facts/mounts.ts';
import {decodeName} from './names.ts';

/** The lines of proc_pid_mountinfo(5), in the kernel's order. Lines that are not as that page says are left out. */
export function parseMountinfo(text: Uint8Array): MountFact[] {
  const lines = Buffer.from(text).toString('latin1').split('\n');
  return lines.flatMap(line => {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const [id, parent, device, root, point, options] = fields;
    const [fstype, source, superOptions] = fields.slice(dash + 1);
    if (dash < 0 || superOptions === undefined || !/^\d+$/.test(id as string) || !/^\d+$/.test(parent as string))
      return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device: device as string,
        root: unescaped(root as string),
        point: unescaped(point as string),
        options: (options as string).split(','),
        fstype: unescaped(fstype as string),
        source: unescaped(source as string),
        superOptions: superOptions.split(','),
      },
    ];
  });
}

/** The kernel writes space, tab, line feed and backslash as three octal digits. */
function unescaped(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
  return decodeName(Buffer.from(bytes, 'latin1'));
}

/**
 * Who answers when a file system is asked. `local`: this kernel, from a disk or memory. `kernel`: this kernel, about
 * itself. `elsewhere`: a server or a user's program, which may never answer; so is every type that is not known.
 */
export function servedBy(fstype: string): 'local' | 'kernel' | 'elsewhere' {
  return local.has(fstype) ? 'local' : kernel.has(fstype) ? 'kernel' : 'elsewhere';
}

const words = (text: string) => new Set(text.trim().split(/\s+/));

const local = words(`
  affs aufs bcachefs btrfs cramfs ecryptfs erofs exfat ext2 ext3 ext4 f2fs hfs hfsplus iso9660 jffs2 jfs minix msdos
  nilfs2 ntfs3 overlay ramfs reiserfs romfs rootfs squashfs tmpfs ubifs udf ufs vfat xfs zfs
`);
const kernel = words(`
  binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nfsd nsfs
  proc pstore resctrl rpc_pipefs securityfs selinuxfs smackfs sysfs tracefs
`);
