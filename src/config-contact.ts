import type { SupportContact } from './auth/well-known.js';
import { Refusal, text } from './config-parsers.js';
import { parseUserId } from './matrix/identifiers.js';

/** Synapse takes any text; what clients are told has to be something that they can show. */
export function adminContact(raw: unknown): SupportContact {
  const given = text(raw);
  const email = /^(?:mailto:)?([^\s@:/?]+@[^\s@:/?]+)$/.exec(given)?.[1];
  if (email !== undefined) return { email_address: email };
  if (given.startsWith('@')) return { matrix_id: userId(given) };
  const page = URL.canParse(given) ? new URL(given) : undefined;
  if (page !== undefined && /^https?:$/.test(page.protocol)) return { support_page: page.href };
  throw wrong();
}

function userId(given: string): string {
  try {
    return parseUserId(given);
  } catch (cause) {
    throw wrong(cause);
  }
}

function wrong(cause?: unknown): Refusal {
  return new Refusal('An address such as mailto:help@shard.example, @help:shard.example or https://shard.example/help is expected here.', { cause });
}
