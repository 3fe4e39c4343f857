import { describe, expect, it } from '@jest/globals';
import { eachMember, endOfValue } from './json-text.js';

describe('a text of JSON', () => {
  const membersOf = (text: string): readonly (readonly [string, string])[] => {
    const members: [string, string][] = [];
    eachMember(text, 0, (name, at) => {
      const end = endOfValue(text, at);
      members.push([name, text.slice(at, end)]);
      return end;
    });
    return members;
  };

  it('has members, each as it is written', () => {
    const values = ['1', '-1.5E+10', 'true', 'false', 'null', '""', '"}"', '"\\""', '"\\\\"', '[]', '[1,[2,"]"]]', '{}', '{ "a" : {"}":"{"} }'];
    for (const space of ['', ' ', '\n\t\r ']) {
      const text = `${space}{${space}${values.map((value, i) => `"k${i}"${space}:${space}${value}`).join(`${space},${space}`)}${space}}${space}`;
      expect(() => JSON.parse(text) as unknown).not.toThrow();
      expect(membersOf(text)).toEqual(values.map((value, i) => [`k${i}`, value]));
    }
  });

  it('names them as JSON.parse does', () => {
    const text = '{"":1,"a\\"b":2,"\\u0061":3,"\\\\":4,"é😀":5,"{":6,"__proto__":7}';
    expect(membersOf(text).map(([name]) => name)).toEqual(Object.keys(JSON.parse(text) as object));
  });

  it('may have none', () => {
    for (const text of ['{}', ' { } ']) expect(membersOf(text)).toEqual([]);
  });

  it('says where an object within it ends', () => {
    const text = '{"a": {"b":[{}] } ,"c":1}';
    const ends: number[] = [];
    eachMember(text, 0, (_, at) => {
      const end = text.startsWith('{', at) ? eachMember(text, at, (_name, inner) => endOfValue(text, inner)) : endOfValue(text, at);
      ends.push(end);
      return end;
    });
    expect(ends.map((end) => text.slice(0, end))).toEqual(['{"a": {"b":[{}] }', '{"a": {"b":[{}] } ,"c":1']);
  });
});
