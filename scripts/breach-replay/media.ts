import { sealed } from '../../spec-tests/sealed.js';
import { isOk, probe, type Attack } from './attack.js';
import { path } from './http.js';

const AUTHENTICATED = '/_matrix/client/v1/media';
const MXC = '{serverName}/{mediaId}';

/** RULES C: the files of others, by one who knows the address of every one. */
export const mediaAttacks: readonly Attack[] = [
  probe('C2', `GET ${AUTHENTICATED}/download/${MXC}`, 'members', { over: 'files' }),
  probe('C2', `GET ${AUTHENTICATED}/download/${MXC}/name.bin`, 'members', { over: 'files' }),
  probe('C2', `GET ${AUTHENTICATED}/download/${MXC}?allow_remote=true&timeout_ms=0&allow_redirect=true`, 'members', { over: 'files' }),
  probe('C2', `GET ${AUTHENTICATED}/download/${MXC}?access_token={token}`, 'nobody', { over: 'files', bare: true }),
  probe('C8', `GET ${AUTHENTICATED}/thumbnail/${MXC}?width=32&height=32&method=crop`, 'members', { over: 'files', breach: isOk }),
  probe('C2', `HEAD ${AUTHENTICATED}/download/${MXC}`, 'members', { over: 'files', breach: isOk }),
  ...['r0', 'v1', 'v3'].flatMap((version) => [
    probe('C1', `GET /_matrix/media/${version}/download/${MXC}`, 'nobody', { over: 'files' }),
    probe('C1', `GET /_matrix/media/${version}/thumbnail/${MXC}?width=32&height=32&method=crop`, 'nobody', { over: 'files', breach: isOk }),
  ]),
  probe('C1', `GET /_matrix/media/v3/download/${MXC}/name.bin?allow_remote=true`, 'nobody', { over: 'files' }),
  probe('C1', `GET /_matrix/media/v3/download/${MXC}?access_token={token}`, 'nobody', { over: 'files', bare: true }),
  probe('C1', `GET /_matrix/client/unstable/org.matrix.msc3916/media/download/${MXC}`, 'nobody', { over: 'files' }),
  probe('C2', 'GET /_matrix/federation/v1/media/download/{mediaId}', 'nobody', { over: 'files', breach: isOk }),
  probe('C6', `GET /_synapse/admin/v1/media/${MXC}`, 'nobody', { over: 'files', breach: isOk }),
  // Overwriting somebody's file is reaching it too.
  probe('C3', `PUT /_matrix/media/v3/upload/${MXC}`, 'nobody', { over: 'files', body: () => ({}), breach: isOk }),
  {
    rule: 'C8', path: `GET ${AUTHENTICATED}/download of what one calls one's avatar, a room's avatar, an attachment`, reachedBy: 'members',
    // One attaches but what one has uploaded.
    refusal: '400 M_INVALID_PARAM',
    async run(thief, { files }) {
      const { body } = await thief.ask('POST', '/_matrix/client/v3/createRoom', { body: { preset: 'private_chat' } });
      const room = path`/_matrix/client/v3/rooms/${String(body['room_id'] ?? '!none:localhost')}`;
      const profile = path`/_matrix/client/v3/profile/${thief.who?.userId ?? '@nobody:localhost'}/avatar_url`;
      for (const { serverName, mediaId } of files) {
        const mxc = `mxc://${serverName}/${mediaId}`;
        await thief.ask('PUT', profile, { body: { avatar_url: mxc } });
        await thief.ask('PUT', `${room}/state/m.room.avatar/`, { body: { url: mxc } });
        const attached = new URLSearchParams({ attach_media: mxc, 'org.matrix.msc3911.attach_media': mxc }).toString();
        await thief.ask('PUT', `${room}/send/m.room.encrypted/attach${mediaId}?${attached}`, { body: sealed() });
        await thief.ask('GET', `${AUTHENTICATED}${path`/download/${serverName}/${mediaId}`}`);
      }
    },
  },
  probe('B12', `GET ${AUTHENTICATED}/preview_url?url=http%3A%2F%2F127.0.0.1%2F`, 'nobody', { over: 'once' }),
];
