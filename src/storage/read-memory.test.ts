import { describe, expect, it } from '@jest/globals';
import { ReadMemory } from './read-memory.js';

describe('the memory of what was read', () => {
  it('knows what was kept under a version, and nothing of any other', () => {
    const memory = new ReadMemory<string>(10);
    memory.keep(1, 7, 'seven', 5);
    expect([memory.at(1, 7), memory.at(1, 8), memory.at(2, 7)]).toEqual(['seven', undefined, undefined]);
    memory.keep(1, 8, 'eight', 5);
    expect([memory.at(1, 7), memory.at(1, 8)]).toEqual([undefined, 'eight']);
  });

  it('takes nothing older than it has', () => {
    const memory = new ReadMemory<string>(10);
    memory.keep(1, 8, 'eight', 5);
    memory.keep(1, 7, 'seven', 5);
    expect(memory.at(1, 8)).toBe('eight');
  });

  it('makes room for others, those first that were asked for longest ago, and takes nothing larger than all the room there is', () => {
    const memory = new ReadMemory<string>(10);
    for (const nid of [1, 2]) memory.keep(nid, 7, 'kept', 5);
    memory.at(1, 7);
    memory.keep(3, 7, 'kept', 5);
    expect([1, 2, 3].map((nid) => memory.at(nid, 7))).toEqual(['kept', undefined, 'kept']);
    memory.keep(3, 8, 'too much', 11);
    expect([1, 3].map((nid) => memory.at(nid, 8) ?? memory.at(nid, 7))).toEqual(['kept', undefined]);
    memory.keep(4, 7, 'just fits', 5);
    expect([1, 4].map((nid) => memory.at(nid, 7))).toEqual(['kept', 'just fits']);
  });
});
