import { EventEmitter } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { AnswerMemory } from './answer-memory.js';

const answer = (): ServerResponse => new EventEmitter() as ServerResponse;

it('uses memory again when an answer has been handed over, and not before', () => {
  const memory = new AnswerMemory();
  const [first, second] = [answer(), answer()];
  const lent = memory.lend(first, 20_000, () => 20_000);
  expect(memory.lend(second, 20_000, () => 20_000)).not.toBe(lent);
  first.emit('finish');
  first.emit('close');
  expect(memory.lend(answer(), 30_000, () => 30_000)).toBe(lent);
});

it('never uses memory again whose answer was cut off', () => {
  const memory = new AnswerMemory();
  const broken = answer();
  const lent = memory.lend(broken, 20_000, () => 20_000);
  broken.emit('close');
  for (let i = 0; i < 20; i += 1) expect(memory.lend(answer(), 20_000, () => 20_000)).not.toBe(lent);
});

it('keeps no more than a few pieces, and gives every answer enough', () => {
  const memory = new AnswerMemory();
  const sizes = Array.from({ length: 20 }, () => memory.lend(answer(), 20_000, () => 20_000).length);
  expect(sizes.filter((size) => size > 20_000)).toHaveLength(8);
  expect(Math.min(...sizes)).toBe(20_000);
  expect(memory.lend(answer(), 5_000_000, () => 4_000_000)).toHaveLength(4_000_000);
});

it('mixes no answers up, however slowly they are read', async () => {
  const memory = new AnswerMemory();
  const size = 900_000;
  const server = createServer((req, res) => {
    const bytes = memory.lend(res, size, () => size).fill(req.url?.at(-1) ?? '', 0, size);
    res.writeHead(200, { 'Content-Length': size }).end(bytes.subarray(0, size));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Nobody reads a body until all have been answered, so that most of them wait in the memory they were written into.
  for (const round of ['abcdefgh', 'ijklmnop']) {
    const answers = await Promise.all([...round].map((letter) => fetch(`${url}/${letter}`)));
    const texts = await Promise.all(answers.map((each) => each.text()));
    expect(texts.map((text) => new Set(text))).toEqual([...round].map((letter) => new Set([letter])));
  }
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
});
