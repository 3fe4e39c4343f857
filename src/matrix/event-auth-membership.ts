import { forbidden } from './errors.js';
import type { Judged, Membership } from './event-auth.js';
import { isMembership, membershipIn, needLevel } from './event-auth-reading.js';
import { creatorsOf } from './power-levels.js';

/** An m.room.member event, with the memberships in force before it. */
interface Change extends Judged {
  readonly sender: string;
  readonly target: string;
  readonly isOwn: boolean;
  readonly senderNow: Membership;
  readonly targetNow: Membership;
}

/**
 * Rule 4 (5 in version 12). Rules 4.3 to 4.8 count one lower in versions 6 and 7, which have no 4.2, and version 6 has no knocking.
 * https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules
 */
export function checkMember(judged: Judged): void {
  const { event, state, version } = judged;
  const { sender, state_key: target, content } = event;
  // 4.1
  if (target === undefined || content['membership'] === undefined) throw forbidden('A membership needs the person and what they become');
  // 4.2 is checked with the other signatures, on arrival.
  const membership = content['membership'];
  // 4.8
  if (!isMembership(membership)) throw forbidden('There is no such membership');
  const change: Change = { ...judged, sender, target, isOwn: sender === target, senderNow: membershipIn(state, sender), targetNow: membershipIn(state, target) };
  switch (membership) {
    case 'join': // 4.3
      checkJoin(change);
      return;
    case 'invite': // 4.4
      checkInvite(change);
      return;
    case 'leave': // 4.5
      if (change.isOwn) checkLeave(change);
      else checkKick(change);
      return;
    case 'ban': // 4.6
      checkBan(change);
      return;
    case 'knock': // 4.7
      if (!version.knock) throw forbidden('Nobody can knock on a room of this version');
      checkKnock(change);
  }
}

function checkJoin(change: Change): void {
  const { event, create, version, target, senderNow } = change;
  // 4.3.1
  const isFirst = event.prev_events.length === 1 && event.prev_events[0] === create.eventId;
  if (isFirst && target === creatorsOf(create, version)[0]) return;
  // 4.3.2
  if (!change.isOwn) throw forbidden('Nobody can join for somebody else');
  // 4.3.3
  if (senderNow === 'ban') throw forbidden('You are banned from this room');
  const rule = joinRule(change);
  // 4.3.4, and 4.3.5.1 which says the same of restricted rooms
  const isKnown = rule === 'invite' || (rule === 'knock' && version.knock) || isRestricted(change, rule);
  if (isKnown && (senderNow === 'invite' || senderNow === 'join')) return;
  // 4.3.5.2
  if (isRestricted(change, rule)) {
    checkAuthorisingUser(change);
    return;
  }
  // 4.3.7. (4.3.6 would let anybody into public rooms, which this server does not have.)
  throw forbidden('You are not invited to this room');
}

function checkAuthorisingUser({ event, state, levels }: Change): void {
  const userId = event.content['join_authorised_via_users_server'];
  if (typeof userId !== 'string') throw forbidden('You are not invited to this room, nor in a room that would let you in');
  if (membershipIn(state, userId) !== 'join') throw forbidden('Whoever lets you in must be in this room');
  if (levels.userLevel(userId) < levels.invite) throw forbidden('Whoever lets you in must be allowed to invite');
}

function checkInvite({ event, levels, sender, senderNow, targetNow }: Change): void {
  // 4.4.1: nobody can answer for an address outside Matrix.
  if (event.content['third_party_invite'] !== undefined) throw forbidden('This server has no third-party invites');
  // 4.4.2
  if (senderNow !== 'join') throw forbidden('You are not in this room');
  // 4.4.3
  if (targetNow === 'join') throw forbidden('They are in this room already');
  if (targetNow === 'ban') throw forbidden('They are banned from this room');
  // 4.4.4, 4.4.5
  needLevel(levels, sender, levels.invite, 'invite people');
}

/** 4.5.1 */
function checkLeave({ version, senderNow }: Change): void {
  if (senderNow === 'invite' || senderNow === 'join' || (senderNow === 'knock' && version.knock)) return;
  throw forbidden(senderNow === 'ban' ? 'You are banned from this room' : 'You are not in this room');
}

function checkKick({ levels, sender, target, senderNow, targetNow }: Change): void {
  // 4.5.2
  if (senderNow !== 'join') throw forbidden('You are not in this room');
  // 4.5.3
  if (targetNow === 'ban') needLevel(levels, sender, levels.ban, 'lift a ban');
  // 4.5.4, 4.5.5
  needLevel(levels, sender, levels.kick, 'remove people');
  if (levels.userLevel(target) >= levels.userLevel(sender)) throw forbidden('You can only remove people whose power level is below yours');
}

function checkBan({ levels, sender, target, senderNow }: Change): void {
  // 4.6.1
  if (senderNow !== 'join') throw forbidden('You are not in this room');
  // 4.6.2, 4.6.3
  needLevel(levels, sender, levels.ban, 'ban people');
  if (levels.userLevel(target) >= levels.userLevel(sender)) throw forbidden('You can only ban people whose power level is below yours');
}

function checkKnock(change: Change): void {
  const { version, isOwn, senderNow } = change;
  const rule = joinRule(change);
  // 4.7.1
  if (rule !== 'knock' && !(rule === 'knock_restricted' && version.knockRestricted)) throw forbidden('Nobody can knock on this room');
  // 4.7.2
  if (!isOwn) throw forbidden('Nobody can knock for somebody else');
  // 4.7.3, 4.7.4
  if (senderNow === 'ban') throw forbidden('You are banned from this room');
  if (senderNow === 'join') throw forbidden('You are in this room already');
  if (senderNow === 'invite') throw forbidden('You are invited already: join instead of knocking');
}

/** A room that says nothing is open to the invited only. */
function joinRule({ state }: Judged): unknown {
  const joinRules = state('m.room.join_rules', '');
  return joinRules === undefined ? 'invite' : joinRules.content['join_rule'];
}

function isRestricted({ version }: Judged, rule: unknown): boolean {
  return (rule === 'restricted' && version.restricted) || (rule === 'knock_restricted' && version.knockRestricted);
}
