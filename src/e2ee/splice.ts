/**
 * A JSON object of members that are JSON text already: stored objects go out as they are kept, not parsed and written again.
 */
export function jsonObjectOf(members: Iterable<readonly [name: string, json: string]>): string {
  let text = '';
  for (const [name, json] of members) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${json}`;
  return `{${text}}`;
}

/** The same with one more member; `json` is an object without a member of that name. */
export function withMember(json: string, name: string, value: string): string {
  const body = json.slice(0, json.lastIndexOf('}'));
  return `${body}${body.trimEnd() === '{' ? '' : ','}${JSON.stringify(name)}:${value}}`;
}
