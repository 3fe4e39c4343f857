import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JsonText } from '../matrix/reply.js';
import { AnswerMemory } from './answer-memory.js';
import { sendReply } from './answer.js';

describe('an answer of stored texts', () => {
  let parts: readonly string[] = [];
  let server: Server;
  beforeAll(async () => {
    const memory = new AnswerMemory();
    server = createServer((_, res) => { void sendReply(res, new JsonText(parts), memory); });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  });

  // Small ones are handed over as text, larger ones written into memory that is used again, the largest into their own.
  it.each([10, 5_000, 15_000, 30_000, 300_000, 500_000])('goes out as it is, byte by byte: %i of each letter', async (count) => {
    for (const letter of ['a', 'é', '…', '😀']) {
      parts = ['["', letter.repeat(count), '","', 'z'.repeat(count), '"]'];
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.equals(Buffer.from(parts.join('')))).toBe(true);
      expect(answer.headers.get('Content-Length')).toBe(String(bytes.length));
    }
  });
});
