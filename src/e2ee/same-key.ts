import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../matrix/schema.js';

/** Whether two signed objects say the same, whoever signed them. */
export function isSameKey(a: JsonObject, b: JsonObject): boolean {
  return isDeepStrictEqual(unsignedOf(a), unsignedOf(b));
}

function unsignedOf(object: JsonObject): JsonObject {
  return { ...object, signatures: undefined, unsigned: undefined };
}
