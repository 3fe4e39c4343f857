import { braked, isUnlimited, type Brake } from '../auth/brakes.js';
import type { Session } from '../auth/session.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';

/** Invitations into one room, to one person and by one person. */
export interface InviteBrakes {
  readonly perRoom: Brake;
  readonly perUser: Brake;
  readonly perIssuer: Brake;
}

/** Invites. Who may not use up what others may invite costs nothing but of their own. */
export async function brakedInvite<Result>(
  { inviteBrakes: { perIssuer, perRoom, perUser } }: { readonly inviteBrakes: InviteBrakes },
  { session, roomId, target }: { readonly session: Session; readonly roomId: RoomId; readonly target: UserId },
  invite: () => Promise<Result>,
): Promise<Result> {
  if (isUnlimited(session)) return invite();
  await perIssuer.spend(session.userId);
  return braked([[perRoom, roomId], [perUser, target]], invite);
}

/** Creates a room with those invited in it: how many these are is a question of how often rooms are made. */
export async function brakedCreation<Result>(
  { inviteBrakes: { perUser } }: { readonly inviteBrakes: InviteBrakes },
  { session, invited }: { readonly session: Session; readonly invited: readonly UserId[] },
  create: () => Promise<Result>,
): Promise<Result> {
  if (isUnlimited(session)) return create();
  return braked([...new Set(invited)].map((target) => [perUser, target] as const), create);
}
