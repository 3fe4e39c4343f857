import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { OWN_INVITATION, revealed } from './answers.js';
import type { JsonObject } from './exact-json.js';
import { sealMessage } from './message.js';

const key = randomBytes(32);
const said = { body: 'hello' };
const sealedEvent = (more: JsonObject = {}): JsonObject => ({ type: 'm.room.encrypted', event_id: '$e', content: sealMessage(key, '!r', 'm.room.message', said, JSON.stringify(said)), ...more });
const plain = { type: 'm.room.message', event_id: '$e', content: said };
const invitation = (reason: string): JsonObject => ({ type: 'm.room.member', state_key: '@bob:hs1', content: { membership: 'invite', reason } });

describe('Sealed events are opened', () => {
  it('in a timeline, with all that stands beside their content', () => {
    const unsigned = { transaction_id: 'txn', membership: 'join' };
    const answer = { rooms: { join: { '!r': { timeline: { events: [sealedEvent({ unsigned }), { type: 'm.room.name', state_key: '', content: {} }] } } } } };
    expect(revealed(key, answer)).toEqual({ rooms: { join: { '!r': { timeline: { events: [{ ...plain, unsigned }, { type: 'm.room.name', state_key: '', content: {} }] } } } } });
  });

  it('inside of one another: the newest of a thread, an edit, what an answer consists of', () => {
    expect(revealed(key, sealedEvent({ unsigned: { 'm.relations': { 'm.thread': { latest_event: sealedEvent(), count: 1 }, 'm.replace': sealedEvent() } } }))).toEqual({
      ...plain, unsigned: { 'm.relations': { 'm.thread': { latest_event: plain, count: 1 }, 'm.replace': plain } },
    });
  });

  it('unless somebody else sealed them, or they were redacted', () => {
    const foreign = sealedEvent({ content: { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: randomBytes(300).toString('base64') } });
    const redacted = sealedEvent({ content: {}, unsigned: { redacted_because: { type: 'm.room.redaction', content: {} } } });
    const answer = { chunk: [foreign, redacted] };
    expect(revealed(key, answer)).toBe(answer);
  });

  it('but not within what somebody wrote', () => {
    const quoting = { type: 'org.example', content: { quoted: sealedEvent() } };
    expect(revealed(key, quoting)).toBe(quoting);
  });
});

describe('Invitations of the proxy', () => {
  it('are left out of timelines and states, those of people are not', () => {
    expect(revealed(key, { chunk: [invitation(OWN_INVITATION), invitation('Come in')] })).toEqual({ chunk: [invitation('Come in')] });
  });

  it('bring no room', () => {
    const rooms = (reason: string): JsonObject => ({ '!a': { invite_state: { events: [invitation(reason)] } }, '!b': { invite_state: [invitation(reason)] } });
    expect(revealed(key, { invite: rooms(OWN_INVITATION) })).toEqual({ invite: {} });
    expect(revealed(key, { invite: rooms('Come in') })).toEqual({ invite: rooms('Come in') });
  });

  it('are no past of the join that followed', () => {
    const join = { type: 'm.room.member', content: { membership: 'join' } };
    const before = invitation(OWN_INVITATION)['content'] ?? null;
    expect(revealed(key, { ...join, unsigned: { age: 1, prev_content: before, prev_sender: '@alice:hs1', replaces_state: '$i' } })).toEqual({ ...join, unsigned: { age: 1 } });
  });
});
