import type { JsonObject } from '../matrix/schema.js';

/** What an event points at, as its clear `m.relates_to` says. */
export interface Relation {
  readonly relType: string;
  readonly targetId: string;
  /** Of an annotation. */
  readonly key?: string;
}

/** https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events */
export function relationOf(content: JsonObject): Relation | undefined {
  const relation = content['m.relates_to'];
  if (typeof relation !== 'object' || relation === null || Array.isArray(relation)) return undefined;
  const { rel_type: relType, event_id: targetId, key } = relation as JsonObject;
  if (typeof relType !== 'string' || typeof targetId !== 'string') return undefined;
  return { relType, targetId, ...(relType === 'm.annotation' && typeof key === 'string' ? { key } : {}) };
}

export function threadRootOf(content: JsonObject): string | undefined {
  const relation = relationOf(content);
  return relation?.relType === 'm.thread' ? relation.targetId : undefined;
}
