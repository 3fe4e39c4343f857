import { createHash, randomBytes } from 'node:crypto';

/** CPU in microseconds of the yardstick: sha256 of 1 KB, and JSON.parse and JSON.stringify of a 0.5 KB event. */
export function measureYard(): number {
  const bytes = randomBytes(1024);
  const text = JSON.stringify({
    type: 'm.room.encrypted', sender: '@someone:shard.example', event_id: `$${randomBytes(32).toString('base64url')}`, origin_server_ts: 1700000000000,
    content: { algorithm: 'm.megolm.v1.aes-sha2', session_id: randomBytes(32).toString('base64'), ciphertext: randomBytes(160).toString('base64') },
    unsigned: { age: 1234 },
  });
  const once = (): number => createHash('sha256').update(bytes).digest().length + JSON.stringify(JSON.parse(text)).length;
  let guard = 0;
  for (let i = 0; i < 20_000; i += 1) guard += once();
  const turns = 60_000;
  const before = process.cpuUsage();
  for (let i = 0; i < turns; i += 1) guard += once();
  const { user, system } = process.cpuUsage(before);
  if (guard === 0) throw new Error('the yardstick was optimised away');
  return (user + system) / turns;
}
