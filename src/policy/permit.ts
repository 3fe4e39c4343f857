import type { MessageType } from '../matrix/event-auth.js';
import type { JsonObject } from '../matrix/schema.js';
import { messageViolations } from './message.js';
import { stateViolations, type StateFacts } from './state.js';
import { refuse } from './violation.js';

/** A class only so that nothing but an instance fits: neither a literal nor a spread of a permitted event with another content does. */
class Permitted<Type extends string, StateKey extends string | undefined> {
  declare private readonly permitted: true;

  constructor(
    readonly type: Type,
    readonly stateKey: StateKey,
    readonly content: JsonObject,
  ) {}
}

/** An event no rule forbids. Made only here; nothing else can be composed, authorised or appended. */
export type PermittedDraft = Permitted<MessageType, undefined> | Permitted<string, string>;

export function permitMessage(type: string, content: JsonObject): PermittedDraft {
  refuse(messageViolations(type, content));
  return new Permitted(type as MessageType, undefined, content);
}

export function permitState(type: string, stateKey: string, content: JsonObject, facts: StateFacts): PermittedDraft {
  refuse(stateViolations(type, content, facts));
  return new Permitted(type, stateKey, content);
}
