/** Whether `*` (any run) and `?` (any one character) in `pattern` cover the whole of `text`. Time: the product of both lengths. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[token] === '*') {
      star = token++;
      starAt = at;
    } else if (token < pattern.length && (pattern[token] === '?' || pattern[token] === text[at])) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[token] === '*') token++;
  return token === pattern.length;
}

/** As {@link matchesPattern}, component by component: no `*` reaches over a `/`. */
export function matchesPath(pattern: string, path: string): boolean {
  const [wanted, found] = [pattern.split('/'), path.split('/')];
  return wanted.length === found.length && wanted.every((part, index) => matchesPattern(part, found[index] as string));
}
