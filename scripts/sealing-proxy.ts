import { parseArgs } from 'node:util';
import { newShared, startProxy, type Proxy } from '../spec-tests/sealing-proxy/proxy.js';

// Each --listen belongs to the --upstream at the same place: one process stands before all servers of a deployment, which share what was sealed.
const { values } = parseArgs({ options: { listen: { type: 'string', multiple: true }, upstream: { type: 'string', multiple: true } } });
const { listen = [], upstream = [] } = values;
if (listen.length === 0 || listen.length !== upstream.length) {
  console.error('usage: node scripts/run.mjs sealing-proxy --listen HOST:PORT --upstream http://HOST:PORT [--listen … --upstream …]');
  process.exit(2);
}

const shared = newShared();
const proxies: Proxy[] = [];
for (const [i, address] of listen.entries()) {
  const at = address.lastIndexOf(':');
  proxies.push(await startProxy(shared, { host: address.slice(0, at), port: Number(address.slice(at + 1)) }, upstream[i] ?? ''));
}
console.log(`sealing proxy: ${proxies.map(({ url }, i) => `${url} -> ${upstream[i] ?? ''}`).join(', ')}`);

async function stop(): Promise<void> {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
