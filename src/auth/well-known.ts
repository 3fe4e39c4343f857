import { notFound } from '../matrix/errors.js';

/** Where clients find this server, and that rooms are encrypted. https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
export async function describeClientServer({ publicBaseurl }: { publicBaseurl: string | undefined }): Promise<object> {
  if (publicBaseurl === undefined) throw notFound('This server has no public address');
  return {
    'm.homeserver': { base_url: publicBaseurl.replace(/\/+$/, '') },
    'io.element.e2ee': { default: true, force_disable: false, secure_backup_required: true },
  };
}
