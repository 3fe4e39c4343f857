import type { UserId } from '../matrix/identifiers.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { allowedRoomIds } from '../policy/state.js';
import type { Transaction } from '../storage/database.js';
import type { LockedRoom } from './lock.js';
import { isInAnyOf, joinedMembers } from './restricted-store.js';
import type { Actor } from './writing.js';

/**
 * The member in whose name a restricted room lets this person in: one who could invite, when the joiner is in a room that the join
 * rule names and was not invited anyway. https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export async function authorisingUser(tx: Transaction, room: LockedRoom, joiner: Actor): Promise<UserId | undefined> {
  await room.state.load(tx, [['m.room.join_rules', ''], ['m.room.create', ''], ['m.room.power_levels', ''], ['m.room.member', joiner.userId]]);
  const rule = room.state.get('m.room.join_rules', '')?.content;
  if (rule?.['join_rule'] !== 'restricted' && rule?.['join_rule'] !== 'knock_restricted') return undefined;
  const membership = room.state.get('m.room.member', joiner.userId)?.content['membership'];
  if (membership === 'invite' || membership === 'join') return undefined;
  if (!(await isInAnyOf(tx, joiner.userNid, allowedRoomIds(rule)))) return undefined;
  const create = room.state.get('m.room.create', '');
  if (create === undefined) throw new Error('a room without its create event');
  const levels = parsePowerLevels(room.state.get('m.room.power_levels', '')?.content, create, room.version);
  const members = await joinedMembers(tx, room.nid);
  return members.find((member) => levels.userLevel(member) >= levels.invite);
}
