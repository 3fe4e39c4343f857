import { describe, expect, it } from '@jest/globals';
import { privateContent, privateCreation } from './creation.js';

const joinRule = (join_rule: string) => ({ type: 'm.room.join_rules', state_key: '', content: { join_rule } });

describe('A wish for a room', () => {
  it.each([{ preset: 'public_chat' }, { visibility: 'public' }, { preset: 'public_chat', visibility: 'private' }])('that is public becomes private: %j', (wish) => {
    const { body, isPublic } = privateCreation({ ...wish, name: 'Hall' });
    expect([body, isPublic]).toEqual([expect.objectContaining({ preset: 'private_chat', name: 'Hall', power_level_content_override: { invite: 50 } }), true]);
    expect(body['visibility']).not.toBe('public');
  });

  it('keeps the levels it states itself', () => {
    const override = (given: object) => privateCreation({ preset: 'public_chat', power_level_content_override: given as never }).body['power_level_content_override'];
    expect([override({ invite: 0, ban: 10 }), override([])]).toEqual([{ invite: 0, ban: 10 }, []]);
  });

  it.each([{}, { preset: 'private_chat', room_version: 7 }, { preset: 'trusted_private_chat', visibility: 'private' }, { preset: 8, initial_state: [7] }])('that is not public stays as it is: %j', (wish) => {
    expect(privateCreation(wish as never)).toEqual({ body: wish, isPublic: false });
  });

  it('to be listed only, is not listed and lets nobody in', () => {
    expect(privateCreation({ preset: 'private_chat', visibility: 'public' })).toEqual({ body: { preset: 'private_chat', visibility: 'private' }, isPublic: false });
  });

  it('goes by the join rule it states, whatever its preset', () => {
    expect(privateCreation({ preset: 'public_chat', initial_state: [joinRule('restricted')] }).isPublic).toBe(false);
    const opened = privateCreation({ initial_state: [joinRule('public'), { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }] });
    expect(opened).toEqual({ isPublic: true, body: { initial_state: [joinRule('invite'), { type: 'm.room.history_visibility', content: { history_visibility: 'shared' } }] } });
  });
});

it('leaves other state alone', () => {
  const content = { join_rule: 'public' };
  expect(privateContent('org.example', content)).toBe(content);
});
