/** One line of sshd_config(5): its keyword as written, its arguments, and what stands after the keyword unsplit. */
export type SshdLine = {keyword: string; arguments: string[]; rest: string};

/** Null for blank lines and comments; a problem where sshd refuses the line. Source: OpenSSH's strdelim() and argv_split(). */
export function parseSshdLine(text: string): SshdLine | {problem: string} | null {
  const line = text.replace(/^[ \t\r]+/, '').replace(/[ \t\r\n\f]+$/, '');
  if (line === '' || line.startsWith('#')) return null;
  const found = /^(?:"([^"]*)"[ \t\r\n]*|([^ \t\r\n"=]+)(?:[ \t\r\n]*=?[ \t\r\n]*))/.exec(line);
  if (found === null) return {problem: 'it does not begin with a keyword'};
  const keyword = found[1] ?? (found[2] as string);
  const rest = line.slice(found[0].length);
  if (rest === '') return {problem: `no argument after "${keyword}"`};
  const words = splitArguments(rest);
  return words === null ? {problem: 'a quote is never closed'} : {keyword, arguments: words, rest};
}

/**
 * The words of a line: white space parts them, quotes of both kinds hold them together, a backslash stands before a
 * quote, a backslash or (outside quotes) a blank. A word that begins with `#` ends the line. Null for an open quote.
 */
export function splitArguments(text: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (at >= text.length || text[at] === '#') return words;
    let [word, quote] = ['', ''];
    for (; at < text.length; at++) {
      const character = text[at] as string;
      const next = text[at + 1] ?? '';
      if (character === '\\' && (next === "'" || next === '"' || next === '\\' || (quote === '' && next === ' '))) {
        word += next;
        at++;
      } else if (quote === '' && (character === ' ' || character === '\t')) break;
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else if (quote !== '' && character === quote) quote = '';
      else word += character;
    }
    if (quote !== '') return null;
    words.push(word);
  }
}
