import { createHash, randomBytes } from 'node:crypto';
import { unpadded } from '../../spec-tests/megolm-frame.js';
import { OLM } from '../../spec-tests/sealed.js';
import type { Figure } from './figures.js';
import { Connection } from './http.js';
import { measureOperation, measureRead, type Operation } from './operation.js';
import type { Server } from './server.js';
import { call, foundRoom, type Member, type Room } from './world.js';

const ROOMS = 3;
const PEOPLE = 60;
// A few times over: a device that keeps hundreds, as no client does, is dearer to serve, and Synapse keeps no more than 500.
const ONE_TIME_KEYS = 50;
const RECIPIENTS = 20;
const RUNS = { warmUp: 2000, runs: 1000 };
/** A commit is shared by those that wait for it, so what a write costs depends on how many there are. */
const MANY = 64;
/** For some seconds, in which the log is moved into the database as often as it has to be. */
const RUNS_OF_MANY = 4000;

/** B7: the keys of 180 devices in three rooms come; in one of these they are asked for and claimed, and messages go to 20 devices at once. */
export async function encryptionScenario(server: Server, people: readonly Member[]): Promise<readonly Figure[]> {
  const connection = new Connection(server.baseUrl);
  const rooms: Room[] = [];
  for (let i = 0; i < ROOMS; i += 1) rooms.push(await foundRoom(connection, people.slice(i * PEOPLE, (i + 1) * PEOPLE)));
  connection.close();
  const [{ members } = { members: [] }] = rooms;
  const many = (atMost: number): Pick<Operation, 'inFlight' | 'atMost'> => ({ inFlight: MANY, atMost });
  const [upload, query, claim, send] = [uploads(rooms.flatMap((room) => room.members)), queries(members), claims(members), messages(members)];
  const figures: Figure[] = [];
  const measure = async (operation: Operation): Promise<void> => { figures.push(...(await measureOperation(server, operation))); };
  for (const operation of [{ ...upload, ...many(170) }, { ...upload, warmUp: 0 }]) await measure(operation);
  figures.push(...(await measureRead(server, { ...query, atMost: 60 })));
  for (const [operation, atMost] of [[claim, 35], [send, 80]] as const) {
    await measure(operation);
    await measure({ ...operation, ...many(atMost), runs: RUNS_OF_MANY });
  }
  return figures;
}

/** Everybody in turn; each time the device's keys have new signatures, which is news to whoever shares a room, as the first time. */
function uploads(members: readonly Member[]): Operation {
  let upload = 0;
  return {
    scenario: 'B7', what: `keys/upload, 1 device and ${ONE_TIME_KEYS} one-time keys`, warmUp: 2 * members.length, runs: 2 * members.length,
    async once(connection, turn) {
      upload += 1;
      const member = at(members, turn);
      const body = { device_keys: deviceKeys(member), one_time_keys: oneTimeKeys(member, upload) };
      await call(connection, 'POST', '/_matrix/client/v3/keys/upload', member.token, body);
    },
  };
}

/** The keys of all of them, asked for by one after the other. */
export function queries(members: readonly Member[]): Operation {
  const body = { device_keys: Object.fromEntries(members.map(({ userId }) => [userId, []])) };
  return {
    scenario: 'B7', what: `keys/query of ${members.length}`, ...RUNS,
    async once(connection, turn) {
      const answer = await call<{ device_keys: object }>(connection, 'POST', '/_matrix/client/v3/keys/query', at(members, turn).token, body);
      const found = Object.values(answer.device_keys).filter((devices: object) => Object.keys(devices).length === 1).length;
      if (found !== members.length) throw new Error(`the keys of ${found} of ${members.length}`);
    },
  };
}

function claims(members: readonly Member[]): Operation {
  return {
    scenario: 'B7', what: 'keys/claim', ...RUNS,
    async once(connection, turn) {
      const { userId, deviceId } = at(members, turn);
      const body = { one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } };
      const answer = await call<{ one_time_keys: object }>(connection, 'POST', '/_matrix/client/v3/keys/claim', at(members, turn + 1).token, body);
      if (!(userId in answer.one_time_keys)) throw new Error(`no key of ${userId}`);
    },
  };
}

/** What a member does before writing with a new key: a room key for everybody's device, each sealed for itself. */
function messages(members: readonly Member[]): Operation {
  let transaction = 0;
  return {
    scenario: 'B7', what: `sendToDevice to ${RECIPIENTS} devices`, ...RUNS,
    async once(connection, turn) {
      transaction += 1;
      const sender = at(members, turn);
      const recipients = Array.from({ length: RECIPIENTS }, (_, i) => at(members, turn + 1 + i));
      const body = { messages: Object.fromEntries(recipients.map((to) => [to.userId, { [to.deviceId]: olmMessage(sender, to) }])) };
      await call(connection, 'PUT', `/_matrix/client/v3/sendToDevice/m.room.encrypted/b${process.pid}.${transaction}`, sender.token, body);
    },
  };
}

/** As large as real ones; no server looks at what they say. */
export function deviceKeys({ userId, deviceId }: Member): object {
  return {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`curve25519:${deviceId}`]: fixed(userId, 'curve25519'), [`ed25519:${deviceId}`]: fixed(userId, 'ed25519') },
    signatures: { [userId]: { [`ed25519:${deviceId}`]: random(64) } },
  };
}

function oneTimeKeys({ userId, deviceId }: Member, turn: number): object {
  return Object.fromEntries(Array.from({ length: ONE_TIME_KEYS }, (_, i) => [
    `signed_curve25519:${Buffer.from(`${turn}.${i}`).toString('base64url')}`,
    { key: random(32), signatures: { [userId]: { [`ed25519:${deviceId}`]: random(64) } } },
  ]));
}

/** From one device to another, by the keys they have published. */
function olmMessage(from: Member, to: Member): object {
  return { ...OLM, sender_key: fixed(from.userId, 'curve25519'), ciphertext: { [fixed(to.userId, 'curve25519')]: { type: 0, body: random(700) } } };
}

function fixed(userId: string, use: string): string {
  return unpadded(createHash('sha256').update(`${use} of ${userId}`).digest());
}

function random(bytes: number): string {
  return unpadded(randomBytes(bytes));
}

function at(members: readonly Member[], turn: number): Member {
  const member = members[turn % members.length];
  if (member === undefined) throw new Error('nobody is there');
  return member;
}
