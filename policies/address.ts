/** Whether an address as the kernel's tables have it only reaches this machine: 127/8, ::1, and 127/8 inside IPv6. */
export const isLoopback = (address: string): boolean => address === '::1' || /^(?:::ffff:)?127\./.test(address);

/** RFC 5952 text of a 16-byte address. */
export function formatIpv6(bytes: Uint8Array): string {
  const words = Array.from(
    {length: 8},
    (_, index) => ((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number),
  );
  if (words.slice(0, 5).every(word => word === 0) && words[5] === 0xffff) return `::ffff:${bytes.slice(12).join('.')}`;
  let best = {from: 0, length: 1};
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (words[from + length] === 0) length++;
    if (length > best.length) best = {from, length};
  }
  const text = (part: number[]) => part.map(word => word.toString(16)).join(':');
  if (best.length < 2) return text(words);
  return `${text(words.slice(0, best.from))}::${text(words.slice(best.from + best.length))}`;
}
