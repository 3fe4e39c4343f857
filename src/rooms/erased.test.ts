import { describe, expect, it } from '@jest/globals';
import { sightOf } from './erased.js';
import type { EventRow } from './events-store.js';
import type { StateStretch } from './state-store.js';

const row = (seq: number, more: Partial<EventRow> = {}): EventRow => ({
  room_nid: 1, seq, state_type: null, state_key: null, sender_nid: 7, origin_server_ts: 1, device_nid: null, txn_id: null,
  asides: null, ...more,
  json: JSON.stringify({ content: { ciphertext: 'x', membership: 'join' }, event_id: '$e', origin_server_ts: 1, sender: '@gone:x', type: more.state_type ?? 'm.room.encrypted' }),
});
const stretch = (type: string, content: object, since_seq: number, until_seq: number | null): StateStretch =>
  ({ room_nid: 1, type, content: JSON.stringify(content), since_seq, until_seq });
const member = (membership: string, since: number, until: number | null) => stretch('m.room.member', { membership }, since, until);
const history = (value: string) => stretch('m.room.history_visibility', { history_visibility: value }, 1, null);
const ERASED = [{ room_nid: 1, room_version: '11', user_nid: 7, erased_seq: 50 }];
/** Which of some events of the erased person somebody sees redacted. */
const redacted = (stretches: readonly StateStretch[], seqs: readonly number[]) => seqs.filter((seq) => sightOf(stretches, ERASED).erasedText?.(row(seq)) !== undefined);

describe('what an erased person sent', () => {
  it('is redacted for who joined later, and not for who was there or could see it when they were', () => {
    expect(redacted([history('shared'), member('join', 60, null)], [10, 40])).toEqual([10, 40]);
    expect(redacted([history('shared'), member('join', 30, null)], [10, 40])).toEqual([]);
    expect(redacted([history('shared'), member('join', 20, 30), member('leave', 30, 60), member('join', 60, null)], [10, 25, 40])).toEqual([40]);
    expect(redacted([history('shared'), member('invite', 45, 60), member('join', 60, null)], [10, 47])).toEqual([10, 47]);
  });

  it('is theirs alone: events of others and the state of the room are shown as they are', () => {
    const { erasedText } = sightOf([history('shared'), member('join', 60, null)], ERASED);
    expect(erasedText?.(row(10, { sender_nid: 8 }))).toBeUndefined();
    expect(erasedText?.(row(10, { state_type: 'm.room.encryption', state_key: '' }))).toBeUndefined();
    expect(JSON.parse(erasedText?.(row(10, { state_type: 'm.room.member', state_key: '@gone:x' })) ?? '{}')).toMatchObject({ content: { membership: 'join' }, type: 'm.room.member' });
    expect(JSON.parse(erasedText?.(row(10)) ?? '{}')).toEqual({ content: {}, event_id: '$e', origin_server_ts: 1, sender: '@gone:x', type: 'm.room.encrypted' });
  });
});
