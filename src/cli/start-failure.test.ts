import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { explainFailure } from './start-failure.js';

describe('a failure to start', () => {
  it('names the address that is in use', async () => {
    const first = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => first.once('listening', done));
    const { port } = first.address() as AddressInfo;
    const failure = await new Promise((failed) => createServer().once('error', failed).listen(port, '127.0.0.1'));
    await new Promise((done) => first.close(done));
    expect(explainFailure(failure)).toBe(`127.0.0.1:${port} is in use by another program: stop it, or give another port under listeners.`);
  });

  it('names the file that cannot be written', () => {
    expect(explainFailure(thrownBy(() => writeFileSync('/no/such/directory/file', '')))).toBe('/no/such/directory/file does not exist.');
  });

  it('is what the message says, in one line, where nothing is known about it', () => {
    expect(explainFailure(new Error('The database is newer than this program\n    at …'))).toBe('The database is newer than this program');
  });
});

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (cause) {
    return cause;
  }
  return undefined;
}
