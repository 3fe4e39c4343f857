/**
 * A JSON object of members that are JSON text already: stored objects go out as they are kept, not parsed and written again.
 */
export function jsonObjectOf(members: Iterable<readonly [name: string, json: string]>): string {
  const parts: string[] = [];
  for (const [name, json] of members) parts.push(`${JSON.stringify(name)}:${json}`);
  return `{${parts.join(',')}}`;
}

/** The same with one more member; `json` is an object without a member of that name. */
export function withMember(json: string, name: string, value: string): string {
  const body = json.slice(0, json.lastIndexOf('}'));
  return `${body}${body.trimEnd() === '{' ? '' : ','}${JSON.stringify(name)}:${value}}`;
}
