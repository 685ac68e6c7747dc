/** The order of linux/capability.h. */
const names = `chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
  net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace
  sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control
  setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`
  .trim()
  .split(/\s+/);

/**
 * The value of security.capability as text, e.g. `cap_net_bind_service,cap_net_raw=ep`. Layout: struct vfs_cap_data of
 * linux/capability.h, little-endian: a word of revision and effective bit, then two words of permitted and inheritable
 * sets (one in revision 1), then in revision 3 the uid of the namespace's root.
 */
export function capabilityText(value: Buffer): string {
  const revision = value.length < 4 ? 0 : value.readUInt32LE(0) >>> 24;
  const words = revision === 1 ? 1 : 2;
  if (revision < 1 || revision > 3 || value.length < 4 + words * 8) return 'in a form that reeve does not know';
  const effective = (value.readUInt32LE(0) & 1) === 1;
  const set = (offset: number) => {
    const low = BigInt(value.readUInt32LE(4 + offset));
    return words === 1 ? low : low | (BigInt(value.readUInt32LE(12 + offset)) << 32n);
  };
  const groups = new Map<string, string[]>();
  for (let bit = 0; bit < words * 32; bit++) {
    const permitted = (set(0) >> BigInt(bit)) & 1n;
    const inheritable = (set(4) >> BigInt(bit)) & 1n;
    if (permitted + inheritable === 0n) continue;
    const flags = `${effective ? 'e' : ''}${inheritable ? 'i' : ''}${permitted ? 'p' : ''}`;
    groups.set(flags, [...(groups.get(flags) ?? []), names[bit] === undefined ? String(bit) : `cap_${names[bit]}`]);
  }
  const text = [...groups].map(([flags, members]) => `${members.join(',')}=${flags}`).join(' ') || 'none';
  const root = revision === 3 && value.length >= 24 ? value.readUInt32LE(20) : 0;
  return root === 0 ? text : `${text} [rootid=${root}]`;
}
