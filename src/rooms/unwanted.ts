/** Account data by which people say what they do not want to be told of. */
export const IGNORED_USERS = 'm.ignored_user_list';
export const INVITE_PERMISSION = 'm.invite_permission_config';

/** Whom somebody ignores, by the content of their account data; nobody ignores themselves. https://spec.matrix.org/v1.19/client-server-api/#mignored_user_list */
export function ignoredIn(content: string | undefined, ownId: string): readonly string[] {
  const { ignored_users: ignored } = parsed(content);
  return typeof ignored === 'object' && ignored !== null && !Array.isArray(ignored) ? Object.keys(ignored).filter((id) => id !== ownId) : [];
}

/** Whether somebody wants no invitations at all, by the content of their account data. https://spec.matrix.org/v1.19/client-server-api/#minvite_permission_config */
export function blocksInvites(content: string | undefined): boolean {
  return parsed(content)['default_action'] === 'block';
}

function parsed(content: string | undefined): Readonly<Record<string, unknown>> {
  return content === undefined ? {} : (JSON.parse(content) as Readonly<Record<string, unknown>>);
}
