import { Refusal, text } from './config-parsers.js';
import { parseRange } from './push/addresses.js';

export function addressRange(raw: unknown): string {
  const range = text(raw);
  if (parseRange(range) === undefined) throw new Refusal('A range of addresses such as 192.0.2.0/24 or fc00::/7 is expected here.');
  return range;
}

/** The origin of a gateway: what stands before `/_matrix/push/v1/notify`, which may be written behind it. */
export function gateway(raw: unknown): string {
  const given = text(raw);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !/^\/(?:_matrix\/push\/v1\/notify)?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new Refusal('The address of a push gateway is expected here, such as https://push.shard.example.');
  }
  return url.origin;
}
