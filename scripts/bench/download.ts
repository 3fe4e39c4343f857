import { randomBytes } from 'node:crypto';
import sodium from 'libsodium-wrappers';
import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { foundRoom, sendSealed, type Member } from './world.js';
import { measureYard } from './yard.js';

const BYTES = 1_000_000;
const PIECE_BYTES = 65_536;
const FILES = 10;
const IN_FLIGHT = 4;

/** B13: members of a room fetch encrypted files of 1 MB that another member has sent there; and what libsodium alone does in the same run. */
export async function downloadScenario(server: Server, people: readonly Member[], seconds: number): Promise<readonly Figure[]> {
  const [sender, ...readers] = people.slice(0, 5);
  if (sender === undefined) throw new Error('too few people');
  const connection = new Connection(server.baseUrl);
  const room = await foundRoom(connection, [sender, ...readers]);
  const paths: string[] = [];
  for (let i = 0; i < FILES; i += 1) paths.push(await upload(server, sender));
  await sendSealed(connection, room, sender);
  connection.close();
  const fetchAll = (forSeconds: number): Promise<readonly number[]> => fetchFor(server, { paths, readers }, forSeconds);
  await fetchAll(seconds / 5);
  const before = measureYard();
  const cpu = server.cpu();
  const started = performance.now();
  const times = await fetchAll(seconds);
  const elapsed = (performance.now() - started) / 1000;
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  const ceiling = await unsealingAlone();
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / times.length;
  const what = `download of 1 MB, ${IN_FLIGHT} in flight`;
  return [
    { scenario: 'B13', what, value: times.length / elapsed, unit: '/s' },
    ...(us === undefined ? [] : [{ scenario: 'B13', what: `${what}, by one core`, value: BYTES / us, unit: 'MB/s', atLeast: 200 } as const]),
    { scenario: 'B13', what: "libsodium's unsealing alone, by one core", value: ceiling, unit: 'MB/s' },
    ...cpuFigures('B13', what, { us, yard }),
    { scenario: 'B13', what: `${what}, p50`, value: percentile(times, 50), unit: 'ms' },
    { scenario: 'B13', what: `${what}, p99`, value: percentile(times, 99), unit: 'ms' },
  ];
}

/** MB a core unseals in a second with nothing around it, by libsodium-wrappers' own function. */
async function unsealingAlone(): Promise<number> {
  await sodium.ready;
  const key = sodium.crypto_secretstream_xchacha20poly1305_keygen();
  const { state: sealing, header } = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
  const pieces = Array.from({ length: 500 }, () => sodium.crypto_secretstream_xchacha20poly1305_push(sealing, randomBytes(PIECE_BYTES), null, 0));
  const unsealAll = (): number => {
    const state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
    const started = process.cpuUsage();
    for (const piece of pieces) {
      if (sodium.crypto_secretstream_xchacha20poly1305_pull(state, piece, null) === false) throw new Error('what was sealed does not unseal');
    }
    const { user, system } = process.cpuUsage(started);
    return (pieces.length * PIECE_BYTES) / (user + system);
  };
  unsealAll();
  return percentile(Array.from({ length: 5 }, unsealAll), 50);
}

/** Resolves to the path it is downloaded at. */
async function upload({ baseUrl }: Server, { token }: Member): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
  const response = await fetch(`${baseUrl}/_matrix/media/v3/upload`, { method: 'POST', headers, body: randomBytes(BYTES) });
  const { content_uri: mxc } = (await response.json()) as { content_uri?: string };
  if (mxc === undefined) throw new Error(`upload: ${response.status}`);
  return mxc.replace('mxc://', '/_matrix/client/v1/media/download/');
}

/** The milliseconds each download took. */
async function fetchFor({ baseUrl }: Server, { paths, readers }: { paths: readonly string[]; readers: readonly Member[] }, seconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, worker) => {
    const connection = new Connection(baseUrl);
    for (let turn = worker; performance.now() < end; turn += 1) {
      const started = performance.now();
      const { status } = await connection.request('GET', paths[turn % paths.length] ?? '', readers[turn % readers.length]?.token);
      if (status !== 200) throw new Error(`download: ${status}`);
      times.push(performance.now() - started);
    }
    connection.close();
  }));
  return times;
}
