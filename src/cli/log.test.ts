import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { linesTogether } from './log.js';

describe('lines of the log', () => {
  let written: string[];
  let output: PassThrough;
  const known = process.listeners('exit');
  beforeEach(() => {
    jest.useFakeTimers();
    written = [];
    output = new PassThrough();
    output.on('data', (chunk: Buffer) => { written.push(chunk.toString()); });
  });
  afterEach(() => {
    jest.useRealTimers();
    for (const listener of process.listeners('exit')) if (!known.includes(listener)) process.off('exit', listener);
  });

  const open = (): ReturnType<typeof linesTogether> => linesTogether(output as unknown as NodeJS.WriteStream);

  it('are written together, a quarter of a second after the first of them', () => {
    const lines = open();
    lines.write('one\n');
    jest.advanceTimersByTime(200);
    lines.write('two\n');
    expect(written).toEqual([]);
    jest.advanceTimersByTime(50);
    expect(written).toEqual(['one\ntwo\n']);
    jest.advanceTimersByTime(1000);
    expect(written).toHaveLength(1);
  });

  it('are written at once when they are many', () => {
    const lines = open();
    lines.write(`${'x'.repeat(4095)}\n`);
    expect(written).toHaveLength(1);
    lines.write('rest\n');
    jest.advanceTimersByTime(250);
    expect(written.at(-1)).toBe('rest\n');
  });

  it('are written before the process ends', () => {
    const lines = open();
    lines.write('the last\n');
    for (const listener of process.listeners('exit')) if (!known.includes(listener)) listener.call(process, 0);
    expect(written).toEqual(['the last\n']);
  });

  it('stop nothing when nobody reads them any more', () => {
    open().write('unheard\n');
    expect(() => output.emit('error', new Error('EPIPE'))).not.toThrow();
  });
});
