import type { ReceiptRow } from '../rooms/receipts-store.js';

export interface Ephemeral {
  readonly texts: ReadonlyMap<number, readonly string[]>;
  /** The rooms in which the reader's own receipts moved, and with them the counts. */
  readonly read: ReadonlySet<number>;
}

export const NO_EPHEMERAL: Ephemeral = { texts: new Map(), read: new Set() };

/** Receipts and typing of each room as events. https://spec.matrix.org/v1.19/client-server-api/#receipts */
export function ephemeralOf(
  receipts: readonly ReceiptRow[],
  typing: readonly { room_nid: number; user_id: string | null }[],
  { fresh, told }: { fresh: ReadonlySet<number>; told: ReadonlySet<number> },
): Ephemeral['texts'] {
  const texts = new Map<number, string[]>();
  const add = (nid: number, event: object): void => {
    if (!told.has(nid)) return;
    const of = texts.get(nid);
    if (of === undefined) texts.set(nid, [JSON.stringify(event)]);
    else of.push(JSON.stringify(event));
  };
  for (const [nid, content] of receiptContents(receipts)) add(nid, { type: 'm.receipt', content });
  for (const [nid, userIds] of typingLists(typing)) {
    // To a client that knows nothing of the room yet, nobody typing is no news.
    if (userIds.length > 0 || !fresh.has(nid)) add(nid, { type: 'm.typing', content: { user_ids: userIds } });
  }
  return texts;
}

type ReceiptContent = Record<string, Record<string, Record<string, { ts: number; thread_id?: string }>>>;

/**
 * One place holds one receipt of a person, type and event. Where a threaded and an unthreaded one meet on the same event, the
 * unthreaded one is told, for it says more. https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
function receiptContents(receipts: readonly ReceiptRow[]): ReadonlyMap<number, ReceiptContent> {
  const contents = new Map<number, ReceiptContent>();
  for (const { room_nid, user_id, receipt_type, thread_id, event_id, ts } of receipts) {
    const content = contents.get(room_nid) ?? {};
    contents.set(room_nid, content);
    const people = ((content[event_id] ??= {})[receipt_type] ??= {});
    if (people[user_id] !== undefined && thread_id !== '') continue;
    people[user_id] = thread_id === '' ? { ts } : { ts, thread_id };
  }
  return contents;
}

function typingLists(typing: readonly { room_nid: number; user_id: string | null }[]): ReadonlyMap<number, readonly string[]> {
  const lists = new Map<number, string[]>();
  for (const { room_nid, user_id } of typing) {
    const list = lists.get(room_nid) ?? [];
    lists.set(room_nid, list);
    if (user_id !== null) list.push(user_id);
  }
  return lists;
}
