/**
 * The fixed text that everything a regular expression matches from the beginning begins with; empty when it cannot be told.
 * No two expressions whose fixed texts part ways match the same.
 */
export function fixedPrefix(regex: string): string {
  if (hasAlternatives(regex)) return '';
  const body = regex.replace(/^\^/, '');
  let prefix = '';
  for (let i = 0; i < body.length; i += 1) {
    const char = body[i] ?? '';
    // What may be repeated zero times is not fixed.
    if ('*?{'.includes(char)) return prefix.slice(0, -1);
    if ('.[]()}|+^$'.includes(char)) return prefix;
    if (char !== '\\') {
      prefix += char;
      continue;
    }
    const escaped = body[(i += 1)] ?? '';
    if (!/[^A-Za-z0-9]/.test(escaped)) return prefix;
    prefix += escaped;
  }
  return prefix;
}

/** Whether the expression as a whole is one thing or another. */
function hasAlternatives(regex: string): boolean {
  let depth = 0;
  let isInClass = false;
  for (let i = 0; i < regex.length; i += 1) {
    const char = regex[i];
    if (char === '\\') i += 1;
    else if (isInClass) isInClass = char !== ']';
    else if (char === '[') isInClass = true;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}

/** False only if no text is in both. */
export function mayOverlap(one: string, other: string): boolean {
  const [a, b] = [fixedPrefix(one), fixedPrefix(other)];
  return a.startsWith(b) || b.startsWith(a);
}
