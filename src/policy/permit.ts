import type { JsonObject } from '../matrix/schema.js';
import { messageViolations } from './message.js';
import { stateViolations, type StateFacts } from './state.js';
import { refuse } from './violation.js';

/** The only types a timeline takes from clients; m.room.message is not among them. */
export type MessageType = 'm.room.encrypted' | 'm.room.redaction' | 'm.reaction';

declare const permitted: unique symbol;

/** An event no rule forbids. Made only here; nothing else can be composed, authorised or appended. */
export type PermittedDraft = (
  | { readonly type: MessageType; readonly stateKey?: undefined; readonly content: JsonObject }
  | { readonly type: string; readonly stateKey: string; readonly content: JsonObject }
) & { readonly [permitted]: true };

export function permitMessage(type: string, content: JsonObject): PermittedDraft {
  refuse(messageViolations(type, content));
  return { type: type as MessageType, content } as PermittedDraft;
}

export function permitState(type: string, stateKey: string, content: JsonObject, facts: StateFacts): PermittedDraft {
  refuse(stateViolations(type, content, facts));
  return { type, stateKey, content } as PermittedDraft;
}
