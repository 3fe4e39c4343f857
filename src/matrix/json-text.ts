/** Where things stand in a text that JSON.parse has accepted: what is passed on as it came need not be written again. */
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const SPACE = 0x20;
/** A number, true, false or null. */
const PLAIN = /[-+.\w]+/y;

/**
 * Goes through the members of the object at `start`, and resumes each time where `member`, told the name and where the value begins, says
 * that the value ends. Returns where the object ends.
 */
export function eachMember(text: string, start: number, member: (name: string, at: number) => number): number {
  let at = afterSpace(text, afterSpace(text, start) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const end = endOfString(text, at);
    const colon = afterSpace(text, end + 1);
    at = afterSpace(text, member(stringIn(text, at, end), afterSpace(text, colon + 1)));
    if (text.charCodeAt(at) === COMMA) at = afterSpace(text, at + 1);
  }
  return at + 1;
}

/** Where the value that begins at `start` ends. */
export function endOfValue(text: string, start: number): number {
  PLAIN.lastIndex = start;
  if (PLAIN.test(text)) return PLAIN.lastIndex;
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === OPEN_OBJECT || char === OPEN_ARRAY) level += 1;
    else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) level -= 1;
    if (level === 0) return at + 1;
  }
  return text.length;
}

/** Where the closing quote of the string that begins at `start` is. Most of a text is in strings, and `indexOf` is faster than looking at every character. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

function stringIn(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end);
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return at;
}
