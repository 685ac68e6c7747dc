/** Arguments that count each time that they are given; of all others the kernel takes the last. */
const repeated =
  /^(?:console|earlycon|earlyprintk|ip|nameserver|dyndbg|memmap|initrd|module_blacklist|(?:rd|systemd|udev)[.-].*|.*\.dyndbg)$/;

const keyOf = (word: string): string => (word.split('=', 1)[0] as string).replaceAll('-', '_');

/** Names of arguments with `-` and `_` are the same to the kernel; values are compared exactly. */
const plain = (word: string): string => `${keyOf(word)}${word.slice(keyOf(word).length)}`;

/** Whether a word is given and no later one with the same name takes its place. */
export function hasArgument(words: string[], wanted: string): boolean {
  const last = words.findLast(word => keyOf(word) === keyOf(wanted));
  if (repeated.test(keyOf(wanted))) return words.some(word => plain(word) === plain(wanted));
  return last !== undefined && plain(last) === plain(wanted);
}

/** Whether a word is given at all. */
export const mentionsArgument = (words: string[], unwanted: string): boolean =>
  words.some(word => plain(word) === plain(unwanted));
