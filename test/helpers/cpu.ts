/** CPU time of this process since `before`, in milliseconds: unlike the wall clock, a busy machine does not lengthen it. */
export function cpuMs(before: NodeJS.CpuUsage): number {
  const {user, system} = process.cpuUsage(before);
  return (user + system) / 1000;
}
