import { MatrixError } from './errors.js';

/** The room versions this server knows. https://spec.matrix.org/v1.19/rooms/ */
export type RoomVersion = '6' | '7' | '8' | '9' | '10' | '11' | '12';

/** What differs between room versions; each feature is named for what it adds, so that `false` is the older behaviour. */
export interface RoomVersionFeatures {
  readonly name: RoomVersion;
  /** Whether clients may create and upgrade to it; the others exist for rooms begun elsewhere. */
  readonly creatable: boolean;
  /** The join rule and membership `knock`. */
  readonly knock: boolean;
  /** The join rule `restricted`, and its `allow` kept by redaction. */
  readonly restricted: boolean;
  /** Redaction keeps `join_authorised_via_users_server`. */
  readonly redactionKeepsAuthorisingUser: boolean;
  readonly knockRestricted: boolean;
  /** Power levels written as strings are refused. */
  readonly integerPowerLevelsOnly: boolean;
  /** The creator is the sender of the create event, not its `content.creator`. */
  readonly creatorIsSender: boolean;
  /** Redaction keeps all of a create event, `invite` of power levels, `redacts`; it no longer keeps `origin`, `membership`, `prev_state`. */
  readonly revisedRedaction: boolean;
  /** `redacts` is in the content of a redaction, not beside it. */
  readonly redactsInContent: boolean;
  /** The room id is the hash of the create event, which has no `room_id` and is nobody's auth event. */
  readonly roomIdIsCreateHash: boolean;
  /** Creators (with `additional_creators`) stand above every power level. */
  readonly privilegedCreators: boolean;
}

const v6: RoomVersionFeatures = {
  name: '6',
  creatable: false,
  knock: false,
  restricted: false,
  redactionKeepsAuthorisingUser: false,
  knockRestricted: false,
  integerPowerLevelsOnly: false,
  creatorIsSender: false,
  revisedRedaction: false,
  redactsInContent: false,
  roomIdIsCreateHash: false,
  privilegedCreators: false,
};
const v7: RoomVersionFeatures = { ...v6, name: '7', knock: true };
const v8: RoomVersionFeatures = { ...v7, name: '8', restricted: true };
const v9: RoomVersionFeatures = { ...v8, name: '9', redactionKeepsAuthorisingUser: true };
const v10: RoomVersionFeatures = { ...v9, name: '10', creatable: true, knockRestricted: true, integerPowerLevelsOnly: true };
const v11: RoomVersionFeatures = { ...v10, name: '11', creatorIsSender: true, revisedRedaction: true, redactsInContent: true };
const v12: RoomVersionFeatures = { ...v11, name: '12', roomIdIsCreateHash: true, privilegedCreators: true };

const byName: ReadonlyMap<string, RoomVersionFeatures> = new Map([v6, v7, v8, v9, v10, v11, v12].map((version) => [version.name, version]));

export const creatableVersions: readonly RoomVersion[] = [...byName.values()].filter(({ creatable }) => creatable).map(({ name }) => name);

/** Refuses a version this server does not know with M_UNSUPPORTED_ROOM_VERSION. */
export function roomVersion(name: string): RoomVersionFeatures {
  const version = byName.get(name);
  if (version === undefined) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'This server does not support that room version');
  return version;
}

export function isRoomVersion(name: unknown): name is RoomVersion {
  return typeof name === 'string' && byName.has(name);
}
