import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import {
  anyJson, anyObject, array, boolean, closed, either, integer, natural, noBody, object, oneOf, optional, record, string, text, type Schema, type TypeOf,
} from './schema.js';

function accepts(schema: Schema<unknown>, value: unknown): boolean {
  return new Ajv({ strict: true, allowUnionTypes: true }).compile(schema.json)(value);
}

describe('an object', () => {
  const Invite = object({ user_id: string, reason: optional(string) });

  it('needs what is not optional, and lets pass what it does not name', () => {
    expect(accepts(Invite, { user_id: '@a:b' })).toBe(true);
    expect(accepts(Invite, { user_id: '@a:b', reason: 'x', 'org.example': 1 })).toBe(true);
    expect(accepts(Invite, {})).toBe(false);
    expect(accepts(Invite, { user_id: 1 })).toBe(false);
    // Absent is not null.
    expect(accepts(Invite, { user_id: '@a:b', reason: null })).toBe(false);
    expect(accepts(Invite, ['@a:b'])).toBe(false);
  });

  it('that is closed lets nothing else pass', () => {
    expect(accepts(closed({ a: string }), { a: 'x' })).toBe(true);
    expect(accepts(closed({ a: string }), { a: 'x', b: 1 })).toBe(false);
  });

  it('is known to the compiler by its members', () => {
    const body: TypeOf<typeof Invite> = { user_id: '@a:b' };
    // @ts-expect-error a member is missing
    const without: TypeOf<typeof Invite> = {};
    // @ts-expect-error an optional member of another type
    const other: TypeOf<typeof Invite> = { user_id: '@a:b', reason: 1 };
    expect([body, without, other]).toHaveLength(3);
  });
});

it('text has no NUL, and the limits asked for', () => {
  expect(accepts(string, 'hello 👋')).toBe(true);
  expect(accepts(string, 'line\nline')).toBe(true);
  expect(accepts(string, 'a\0b')).toBe(false);
  expect(accepts(text({ minLength: 1, maxLength: 2 }), '')).toBe(false);
  expect(accepts(text({ minLength: 1, maxLength: 2 }), '👋👋')).toBe(true);
  expect(accepts(text({ minLength: 1, maxLength: 2 }), 'abc')).toBe(false);
});

it('numbers are whole and fit into a JSON number of every client', () => {
  for (const value of [0, -1, 2 ** 53 - 1]) expect(accepts(integer, value)).toBe(true);
  for (const value of [0.5, 2 ** 53, -(2 ** 53), '1', null, true]) expect(accepts(integer, value)).toBe(false);
  expect(accepts(natural, 0)).toBe(true);
  expect(accepts(natural, -1)).toBe(false);
});

it('lists and dictionaries hold what they are said to', () => {
  expect(accepts(array(string, { maxItems: 2 }), ['a', 'b'])).toBe(true);
  expect(accepts(array(string, { maxItems: 2 }), ['a', 'b', 'c'])).toBe(false);
  expect(accepts(array(string, { minItems: 1 }), [])).toBe(false);
  expect(accepts(array(string), [1])).toBe(false);
  expect(accepts(record(natural), { a: 1, 'b c': 2 })).toBe(true);
  expect(accepts(record(natural), { a: '1' })).toBe(false);
});

it('choices are exact', () => {
  const preset = oneOf('private_chat', 'trusted_private_chat');
  expect(accepts(preset, 'private_chat')).toBe(true);
  expect(accepts(preset, 'Private_chat')).toBe(false);
  expect(accepts(either(string, boolean), true)).toBe(true);
  expect(accepts(either(string, boolean), 1)).toBe(false);
});

it('a body of anything is still an object', () => {
  for (const schema of [anyObject, noBody]) {
    expect(accepts(schema, { any: ['thing'] })).toBe(true);
    for (const value of [[], 'x', null, 1]) expect(accepts(schema, value)).toBe(false);
  }
  expect(accepts(anyJson, null)).toBe(true);
});
