import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { complaints, type Loader } from './spec-documents.js';

type Members = Readonly<Record<string, unknown>>;
interface Event extends Members {
  readonly type: string;
  readonly content: Members;
}

/** Within `/sync` the room is told once, around its events. */
const OF_A_ROOM = { room_id: '!left:out' };
/** What some forms of an event leave out, and the schemas of the types, which are of whole events, demand. */
const LEFT_OUT = { ...OF_A_ROOM, event_id: '$left_out', sender: '@left:out', origin_server_ts: 0 };
/** Where an answer is the content of an event itself, whose type the path names. */
const CONTENT_PATHS = [/^\/_matrix\/client\/[^/]+\/rooms\/[^/]+\/state\/([^/]+)(?:\/([^/]*))?$/, /^\/_matrix\/client\/[^/]+\/user\/[^/]+\/(?:rooms\/[^/]+\/)?account_data\/([^/]+)$/];

const oddContents: unknown[] = [];

/** Content that is not as the specification describes its type, and is sent on purpose: it may come back in answers. */
export function deliberatelyOdd<Content extends object>(content: Content): Content {
  oddContents.push(JSON.parse(JSON.stringify(content)));
  return content;
}

/**
 * Every way in which the events of an answer, wherever in it they are, depart from the specification's schemas: of the envelope, of
 * which stripped state has its own, and then of the content, by type (and by `msgtype` or `method`, where a type has several).
 */
export function contentViolationsBy(folder: string, load: Loader): (method: string, path: string, answered: unknown) => readonly string[] {
  const schemas = join(folder, 'event-schemas/schema');
  const known = new Set(readdirSync(schemas));
  const validators = new Map<string, ValidateFunction>();
  const validator = (name: string): ValidateFunction => {
    const validate = validators.get(name) ?? load.compileFile(join(schemas, name));
    validators.set(name, validate);
    return validate;
  };
  const contentComplaints = (event: Event): readonly string[] => {
    const names = [`${event.type}$${String(event.content['msgtype'] ?? event.content['method'])}.yaml`, `${event.type}.yaml`];
    const name = names.find((one) => known.has(one));
    if (name === undefined || isRedacted(event) || oddContents.some((odd) => isDeepStrictEqual(odd, event.content))) return [];
    return complaints(event.type, validator(name), { ...LEFT_OUT, ...event });
  };
  const eventComplaints = (event: Event): readonly string[] => {
    const envelope = complaints(`event ${event.type}`, validator(`core-event-schema/${envelopeOf(event)}`), { ...OF_A_ROOM, ...event });
    return envelope.length > 0 ? envelope : contentComplaints(event);
  };
  return (method, path, answered) => {
    const named = method === 'GET' && !isEvent(answered) ? namedInPath(path) : undefined;
    return named === undefined ? eventsIn(answered).flatMap(eventComplaints) : contentComplaints({ ...named, content: answered as Members });
  };
}

function envelopeOf(event: Event): string {
  if (!('state_key' in event)) return 'event_id' in event ? 'room_event.yaml' : 'event.yaml';
  return 'event_id' in event ? 'state_event.yaml' : 'stripped_state.yaml';
}

/** Of a redacted event's content there is only what redaction leaves. */
function isRedacted({ unsigned }: Event): boolean {
  return typeof unsigned === 'object' && unsigned !== null && 'redacted_because' in unsigned;
}

function namedInPath(path: string): Pick<Event, 'type' | 'state_key'> | undefined {
  const [, type, stateKey = ''] = CONTENT_PATHS.map((pattern) => pattern.exec(path)).find((found) => found !== null) ?? [];
  return type === undefined ? undefined : { type: decodeURIComponent(type), state_key: decodeURIComponent(stateKey) };
}

function isEvent(value: unknown): value is Event {
  if (typeof value !== 'object' || value === null) return false;
  const { type, content, delay_id: delayId } = value as Members;
  // What is still delayed is not an event yet: nobody has sent it.
  return delayId === undefined && typeof type === 'string' && typeof content === 'object' && content !== null;
}

/** All events in a value, those within others too. */
function eventsIn(value: unknown): readonly Event[] {
  if (typeof value !== 'object' || value === null) return [];
  const within = Object.values(value).flatMap(eventsIn);
  return isEvent(value) ? [value, ...within] : within;
}
