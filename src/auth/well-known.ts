import { notFound } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';

/** Where clients find this server, and that rooms are encrypted. https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
export async function describeClientServer({ publicBaseurl }: { publicBaseurl: string | undefined }): Promise<object> {
  if (publicBaseurl === undefined) throw notFound('This server has no public address');
  return {
    'm.homeserver': { base_url: publicBaseurl.replace(/\/+$/, '') },
    'io.element.e2ee': { default: true, force_disable: false, secure_backup_required: true },
  };
}

/** Whom people ask for help: one way to reach them. */
export type SupportContact = { readonly email_address: string } | { readonly matrix_id: string } | { readonly support_page: string };

/** https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport */
export async function describeSupport({ supportContact }: { supportContact: SupportContact | undefined }): Promise<object> {
  if (supportContact === undefined) throw notFound('The operators of this server name nobody to ask for help');
  return 'support_page' in supportContact ? supportContact : { contacts: [{ ...supportContact, role: 'm.role.admin' }] };
}

/** Sends other servers to port 443 of the server name. https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver */
export async function describeServer({ serverName, servesServerWellKnown }: { serverName: ServerName; servesServerWellKnown: boolean }): Promise<object> {
  if (!servesServerWellKnown) throw notFound('This server is found by its name alone');
  return { 'm.server': `${serverName.replace(/:[0-9]+$/, '')}:443` };
}
