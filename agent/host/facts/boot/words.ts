/**
 * Splits kernel arguments as the kernel does: at white space outside double quotes, which are taken away. What follows
 * `--` is for init. Source: kernel, lib/cmdline.c `next_arg`.
 */
export function splitKernelArguments(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (const character of `${text} `) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && /\s/.test(character)) {
      if (word === '--') return words;
      if (word !== '') words.push(word);
      word = '';
    } else word += character;
  }
  return word.trim() === '' ? words : [...words, word.trimEnd()];
}
