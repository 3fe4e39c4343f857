import { describe, expect, it } from '@jest/globals';
import { fixedPrefix, mayOverlap } from './namespaces.js';

describe('what everything in a namespace begins with', () => {
  it.each([
    ['@_irc_.*', '@_irc_'],
    ['^@_irc_.*:shard\\.example$', '@_irc_'],
    ['@bridge:shard\\.example', '@bridge:shard.example'],
    ['@bridges?', '@bridge'],
    ['@bridg\\.*', '@bridg'],
    ['@a{0,3}', '@'],
    ['@a+b', '@a'],
    ['@_(irc|xmpp)_.*', '@_'],
    ['@_[a|b]_.*', '@_'],
    ['@_a.*|@_b.*', ''],
    ['@_a\\|b', '@_a|b'],
    ['@\\w+', '@'],
    ['.*', ''],
  ])('%s: %s', (regex, prefix) => {
    expect(fixedPrefix(regex)).toBe(prefix);
  });

  it('tells namespaces apart only if they can have nothing in common', () => {
    expect(mayOverlap('@_irc_.*', '@_xmpp_.*')).toBe(false);
    expect(mayOverlap('@_irc_.*', '@_irc_away_.*')).toBe(true);
    expect(mayOverlap('@_(irc|xmpp)_.*', '@_xmpp_.*')).toBe(true);
    expect(mayOverlap('@_irc_.*|@_b', '@_xmpp_.*')).toBe(true);
  });
});
