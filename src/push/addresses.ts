import { BlockList, isIP } from 'node:net';

/** Ranges of addresses, as `192.0.2.0/24`, or single ones. */
export interface AddressRules {
  readonly blocked: readonly string[];
  /** Exceptions from `blocked`. */
  readonly allowed: readonly string[];
}

/** Whether the server may open a connection to an address. What is not an address it may not. */
export type AddressCheck = (address: string) => boolean;

/** Private, local and reserved ranges: Synapse's list, and the IPv6 ranges that lead to IPv4 addresses. */
export const PRIVATE_RANGES = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '192.0.0.0/24',
  '169.254.0.0/16',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::1/128',
  'fe80::/10',
  'fc00::/7',
  '2001:db8::/32',
  'ff00::/8',
  'fec0::/10',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
];

/** Never an address of another machine, whatever is configured. */
const NOWHERE = ['0.0.0.0/8', '::/128', '255.255.255.255', '224.0.0.0/4', 'ff00::/8'];

export function addressCheck({ blocked, allowed }: AddressRules): AddressCheck {
  const [refused, excepted, nowhere] = [blocked, allowed, NOWHERE].map(listOf);
  return (address) => {
    const family = isIP(address);
    if (family === 0) return false;
    // A list of IPv4 ranges holds for the same addresses written as IPv6 (::ffff:127.0.0.1) too.
    const isIn = (list: BlockList | undefined): boolean => list?.check(address, family === 6 ? 'ipv6' : 'ipv4') === true;
    return !isIn(nowhere) && (!isIn(refused) || isIn(excepted));
  };
}

/** The parts of a range; undefined when it is none. */
export function parseRange(range: string): { readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly prefix: number } | undefined {
  const [address = '', bits, ...rest] = range.split('/');
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : longest + 1;
  if (family === 0 || rest.length > 0 || prefix > longest) return undefined;
  return { address, family: family === 6 ? 'ipv6' : 'ipv4', prefix };
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const parsed = parseRange(range);
    if (parsed === undefined) throw new Error(`${range} is no range of addresses`);
    list.addSubnet(parsed.address, parsed.prefix, parsed.family);
  }
  return list;
}
