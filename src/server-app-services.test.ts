import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { configOf, newHome, start, type Home, type TestServer } from './server.testing.js';

const irc = {
  id: 'irc',
  url: null,
  as_token: 'as token of irc'.replaceAll(' ', '-').padEnd(32, '1'),
  hs_token: 'hs token of irc'.replaceAll(' ', '-').padEnd(32, '1'),
  sender_localpart: 'irc-bot',
  namespaces: { users: [{ regex: '@_irc_.*:shard\\.example', exclusive: true }] },
};
const xmpp = {
  ...irc, id: 'xmpp', as_token: 'x'.repeat(32), hs_token: 'y'.repeat(32), sender_localpart: 'xmpp-bot', namespaces: { users: [{ regex: '@_xmpp_.*', exclusive: false }] },
};
const plenty = { per_second: 1e6, burst_count: 1e6 };
const users = (regex: string) => ({ namespaces: { users: [{ regex, exclusive: true }] } });

let home: Home;
let server: TestServer | undefined;
beforeEach(() => {
  home = newHome();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  home.remove();
});

function config(...registrations: readonly object[]) {
  const files = registrations.map((registration, index) => {
    writeFileSync(join(home.folder, `service-${index}.yaml`), stringify(registration));
    return `service-${index}.yaml`;
  });
  const rates = { rc_registration: plenty, rc_login: { address: plenty, account: plenty, failed_attempts: plenty } };
  return configOf(home, { ...rates, enable_registration: true, enable_registration_without_verification: true, app_service_config_files: files });
}

describe('a registration file', () => {
  it('is read', () => {
    expect(config(irc, { ...xmpp, url: 'http://localhost:9000/', rate_limited: false }).appServiceConfigFiles).toMatchObject([
      { id: 'irc', url: undefined, asToken: irc.as_token, senderLocalpart: 'irc-bot', isRateLimited: true, namespaces: { users: irc.namespaces.users, rooms: [], aliases: [] } },
      { id: 'xmpp', url: 'http://localhost:9000', isRateLimited: false },
    ]);
  });

  it.each<readonly [string, object, string]>([
    ['without an id', { id: undefined }, 'service-0.yaml, id: It is missing.'],
    ['without a token', { as_token: undefined }, 'as_token: It is missing.'],
    ['with a token that can be guessed', { as_token: 'secret' }, 'as_token: A token has at least 16'],
    ['with one token for both directions', { hs_token: irc.as_token }, 'as_token and hs_token are the same'],
    ['with a sender that no account can have', { sender_localpart: 'IRC Bot' }, 'sender_localpart: A user name'],
    ['with an address that is none', { url: 'localhost:9000' }, 'url: An address such as'],
    ['with an address that carries a password', { url: 'http://a:b@localhost' }, 'url: An address such as'],
    ['with what is no regular expression', users('@_irc_('), 'namespaces.users.0.regex: This is not a regular expression.'],
    ['that does not say whether it is alone', { namespaces: { users: [{ regex: '@_irc_.*' }] } }, 'exclusive: Write true or false.'],
    ['with a key nobody knows', { sender: 'x' }, 'sender: This key is unknown.'],
  ])('%s stops the start with its file, key and remedy', (_, wrong, told) => {
    expect(() => config({ ...irc, ...wrong })).toThrow(told);
  });

  it('that is not there stops the start', () => {
    expect(() => configOf(home, { app_service_config_files: ['nowhere.yaml'] })).toThrow('nowhere.yaml: There is no such file.');
  });

  it.each(['.*', '@.*', '@.*:shard\\.example', '@(_irc_)?.*', '@_irc_.*|@.*', '@a*', '[^x].*', '@:?.*'])('B14: that claims people, those to come included, stops the start: %s', (regex) => {
    expect(() => config({ ...irc, namespaces: { users: [{ regex, exclusive: false }] } })).toThrow('Rule B14');
  });

  it.each<readonly [string, object, string]>([
    ['one id', { id: 'irc' }, 'Both have the id irc'],
    ['one token', { as_token: irc.as_token }, 'Both have the same as_token'],
    ['one sender', { sender_localpart: 'irc-bot' }, 'Both have the sender_localpart irc-bot'],
    ['exclusive names in common', users('@_irc_away_.*'), 'exclusive namespaces.users may overlap'],
    ['the sender of one among the users of the other', { sender_localpart: '_irc_x' }, 'sender_localpart of one may be in namespaces.users'],
  ])('shares nothing with another: %s', (_, wrong, told) => {
    expect(() => config(irc, { ...xmpp, ...wrong })).toThrow(told);
  });
});

describe('B14: names of application services', () => {
  it('are refused to people who register, who ask for one, and whom an operator makes an account', async () => {
    server = await start(config(irc, xmpp));
    for (const username of ['irc-bot', '_irc_alice', '_IRC_Alice', '_xmpp_alice']) {
      const body = { username, password: 'correct horse', auth: { type: 'm.login.dummy' } };
      const refused = { status: 400, body: { errcode: 'M_EXCLUSIVE', error: 'This user name is reserved for an application service' } };
      expect(await server.call('POST', '/_matrix/client/v3/register', undefined, body)).toEqual(refused);
      expect(await server.call('GET', `/_matrix/client/v3/register/available?username=${username}`)).toEqual(refused);
      await expect(server.register(username)).rejects.toThrow('M_EXCLUSIVE');
    }
    await server.register('alice_irc_');
  });

  it('that people have already stop the start, which says how many and not whose', async () => {
    server = await start(config());
    await Promise.all(['_irc_alice', '_irc_bob', 'carol'].map((name) => server?.register(name)));
    await server.close();
    server = undefined;
    const refused = await start(config(irc)).then(() => '', (cause: unknown) => String(cause));
    expect(refused).toContain('service-0.yaml, namespaces.users or sender_localpart: covers the accounts of 2 people');
    expect(refused).not.toMatch(/alice|bob|carol/);
    await expect(start(config({ ...irc, ...users('@_other_.*'), sender_localpart: 'carol' }))).rejects.toThrow('covers the account of a person');
    server = await start(config({ ...irc, ...users('@_other_.*') }));
  });

  it('stay the same service\'s, start after start', async () => {
    server = await start(config(irc));
    await server.close();
    server = await start(config(irc));
    await server.close();
    server = undefined;
    await expect(start(config({ ...irc, id: 'another' }))).rejects.toThrow('was made for the application service irc');
  });

  it('are nobody\'s to log in with', async () => {
    server = await start(config(irc));
    const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'irc-bot' }, password: '' };
    for (const password of ['', 'x', irc.as_token]) {
      expect(await server.call('POST', '/_matrix/client/v3/login', undefined, { ...body, password })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    }
  });
});
