/** Map.groupBy, which Node 20 lacks. */
export function groupBy<Key, Row>(rows: Iterable<Row>, keyOf: (row: Row) => Key): ReadonlyMap<Key, readonly Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

export function roomNidOf({ room_nid }: { readonly room_nid: number }): number {
  return room_nid;
}
