import { describe, expect, it } from '@jest/globals';
import { objectIn, parseJson, writeJson } from './exact-json.js';

describe('JSON', () => {
  it.each(['1.0', '1e3', '-0', '9007199254740993', '1E400', '123456789012345678901234567890'])('keeps the number %s as it was written', (number) => {
    const text = `{"a":${number},"b":[${number},1,"${number}"],"c":"say \\"${number}\\""}`;
    expect(writeJson(parseJson(text) ?? null)).toBe(text);
  });

  it.each(['', '{', '{"a":01}x', 'null x', '{"a":NaN}'])('is not %j', (text) => {
    expect(parseJson(text)).toBeUndefined();
  });
});

describe('The object in a body', () => {
  it.each(['', '"text"', '[]', 'null', '7', '{"a":'])('is absent of %j', (text) => {
    expect(objectIn(Buffer.from(text))).toBeUndefined();
  });

  it('is absent where bytes are no UTF-8', () => {
    expect(objectIn(Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]))).toBeUndefined();
  });

  it('may have a member of any name', () => {
    expect(writeJson(objectIn(Buffer.from('{"__proto__":{"a":1},"":2}')) ?? null)).toBe('{"__proto__":{"a":1},"":2}');
  });
});
