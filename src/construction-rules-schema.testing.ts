export const MEGOLM = 'm.megolm.v1.aes-sha2';
export const ciphertext = 'AwgAEpABciphertext';
/** What refuses words beside ciphertext. */
const BESIDE = 'nothing_stands_beside_ciphertext|ids_are_short|messages_are_ciphertext';

/** What is wrong with an event that the schema must refuse, and the constraint that says so; where two do, the engines differ in which they ask first. */
export type Refused = readonly [what: string, constraint: string, type: string, stateKey: string | null, content: object | string];

export const refused: readonly Refused[] = [
  ...['public', 'private', 'PUBLIC', ' invite', '', 'knock\n'].map((rule): Refused => [`join rule ${JSON.stringify(rule)}`, 'no_public_rooms', 'm.room.join_rules', '', { join_rule: rule }]),
  ...[null, true, 0, ['invite'], { join_rule: 'invite' }].map((rule): Refused => [`join rule ${JSON.stringify(rule)}`, 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', { join_rule: rule }]),
  ['no join rule', 'no_public_rooms', 'm.room.join_rules', '', {}],
  ['a public join rule under another state key', 'no_public_rooms', 'm.room.join_rules', 'elsewhere', { join_rule: 'public' }],
  ['a join rule inside another object', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', { content: { join_rule: 'invite' } }],
  ['a join rule of two minds', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', '{"join_rule":"invite","join_rule":"public"}'],
  ['a join rule of two minds with a space', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', '{"join_rule" : "invite", "join_rule" : "public"}'],
  ['a join rule with an escaped twin', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', '{"join_rule":"invite","join\\u005frule":"public"}'],
  ['two contents', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', '{"join_rule":"invite"},"content":{"join_rule":"public"}'],
  ['a second content under an escaped name', 'no_public_rooms|rules_are_spelt_once', 'm.room.join_rules', '', '{"join_rule":"invite"},"c\\u006fntent":{"join_rule":"public"}'],
  ...['world_readable', 'public', '', null].map((seen): Refused => [`history visibility ${String(seen)}`, 'no_world_readable_history', 'm.room.history_visibility', '', { history_visibility: seen }]),
  ['no history visibility', 'no_world_readable_history', 'm.room.history_visibility', '', {}],
  ['a history visibility of two minds', 'no_world_readable_history|rules_are_spelt_once', 'm.room.history_visibility', '', '{"history_visibility":"shared","history_visibility":"world_readable"}'],
  ...['can_join', '', 'anything'].map((access): Refused => [`guest access ${access}`, 'no_guests', 'm.room.guest_access', '', { guest_access: access }]),
  ['guest access of two minds', 'no_guests|rules_are_spelt_once', 'm.room.guest_access', '', '{"guest_access":"forbidden","guest_access":"can_join"}'],
  ...['m.olm.v1.curve25519-aes-sha2', 'none', '', null, [MEGOLM]].map((algorithm): Refused => [`algorithm ${JSON.stringify(algorithm)}`, 'only_megolm', 'm.room.encryption', '', { algorithm }]),
  ['no algorithm', 'only_megolm', 'm.room.encryption', '', {}],
  ['another algorithm under another state key', 'only_megolm', 'm.room.encryption', 'x', { algorithm: 'none' }],
  ['an algorithm of two minds', 'only_megolm|rules_are_spelt_once', 'm.room.encryption', '', `{"algorithm":"${MEGOLM}","algorithm":"none"}`],
  ...['101', '0', '-1', '1e9', '1.0e2', '"100"', '"5e8"', 'null', '99.5', '[1]', '100000000000000000000', '{"a":1}', 'true'].map((n): Refused => [
    `rotation after ${n} messages`, 'keys_rotate', 'm.room.encryption', '', `{"algorithm":"${MEGOLM}","rotation_period_msgs":${n}}`,
  ]),
  ...['604800001', '0', '-5', '1e400', '"1"', 'null', '0.5'].map((n): Refused => [
    `rotation after ${n} ms`, 'keys_rotate', 'm.room.encryption', '', `{"algorithm":"${MEGOLM}","rotation_period_ms":${n}}`,
  ]),
  ['a rotation of two minds', 'keys_rotate|rules_are_spelt_once', 'm.room.encryption', '', `{"algorithm":"${MEGOLM}","rotation_period_msgs":1,"rotation_period_msgs":1000000}`],
  ...['m.room.message', 'm.sticker', 'm.call.invite', 'org.example.note', 'm.room.name'].map((type): Refused => [`${type} in a timeline`, 'only_encrypted_messages', type, null, { body: 'hello' }]),
  ...['m.room.message', 'm.sticker', 'm.room.encrypted', 'm.room.redaction', 'm.reaction'].map((type): Refused => [`${type} as state`, 'only_encrypted_messages|nothing_stands_beside_ciphertext', type, '', { algorithm: MEGOLM, ciphertext }]),
  ['an encrypted message of another algorithm', 'messages_are_ciphertext', 'm.room.encrypted', null, { algorithm: 'none', ciphertext }],
  ['an encrypted message without ciphertext', 'messages_are_ciphertext', 'm.room.encrypted', null, { algorithm: MEGOLM, body: 'hello' }],
  ['an encrypted message whose ciphertext is text', 'messages_are_ciphertext', 'm.room.encrypted', null, { algorithm: MEGOLM, ciphertext: 'hello' }],
  ['an encrypted message whose ciphertext is an object', 'messages_are_ciphertext|ids_are_short', 'm.room.encrypted', null, { algorithm: MEGOLM, ciphertext: { type: 0 } }],
  ...[
    '"body":"hello"', '"m.relates_to":{"body":"hello"}', '"m.relates_to":{"m.in_reply_to":{"event_id":"$a","body":"hello"}}', '"ciphertext":"hello there"', '"ciphertex\\u0074":"hello there"',
    '"m.new_content":{"body":"hello"}', '"m.mentions":{}', '"m.relates_to":"hello"', '"m.relates_to":["hello"]',
    '"m.relates_to":{"rel_type":"hello"}', '"m.relates_to":{"rel_type":"m.thread","event_id":"hello"}', '"m.relates_to":{"rel_type":"m.thread","event_id":"$hello you there"}',
    '"m.relates_to":{"rel_type":"m.annotation","event_id":"$a","key":{"body":"hello"}}', `"m.relates_to":{"rel_type":"m.annotation","event_id":"$a","key":"${'hello '.repeat(80)}"}`,
    '"m.relates_to":{"rel_type":"m.thread","event_id":"$a","is_falling_back":"hello"}', '"session_id":"hello there"', `"session_id":"${'A'.repeat(2100)}"`, '"session_id":{"body":"hello"}',
    '"session_id":{"body":"hello"},"m.relates_to":{}', '"sender_key":["hello"],"m.relates_to":{}', '"session_id":["hello"]', '"device_id":"hello there","m.relates_to":{}',
    '"sender_key":"hello there"', '"device_id":"hello there"', `"m.relates_to":{"rel_type":"m.thread","event_id":"$${'hello_'.repeat(1000)}"}`,
  ].map((more): Refused => [`an encrypted message that also holds ${more.slice(0, 80)}`, BESIDE, 'm.room.encrypted', null, `{"algorithm":"${MEGOLM}","ciphertext":"${ciphertext}",${more}}`]),
  ['an encrypted message with words in its ciphertext', BESIDE, 'm.room.encrypted', null, { algorithm: MEGOLM, ciphertext: 'AwgAEpABhello there' }],
  ['an encrypted message with words beside its content', BESIDE, 'm.room.encrypted', null, `{"algorithm":"${MEGOLM}","ciphertext":"${ciphertext}"},"unsigned":{"body":"hello"}`],
  ['an encrypted message of two contents', BESIDE, 'm.room.encrypted', null, `{"algorithm":"${MEGOLM}","ciphertext":"${ciphertext}"},"content":{"body":"hello"}`],
  ['a reaction that is a letter', 'little_stands_in_clear', 'm.reaction', null, { body: 'hello '.repeat(1000) }],
  ['a redaction that is a letter', 'little_stands_in_clear', 'm.room.redaction', null, { reason: 'hello '.repeat(1000) }],
  ['a third-party invite', 'no_third_party_invites', 'm.room.third_party_invite', 'token', {}],
  ['a membership by third-party invite', 'no_third_party_invites', 'm.room.member', '@a:b', { membership: 'invite', third_party_invite: { signed: {} } }],
  ['a membership whose third-party invite is null', 'no_third_party_invites', 'm.room.member', '@a:b', { membership: 'invite', third_party_invite: null }],
  ...['"hello"', '["invite"]', 'null', '5'].map((content): Refused => [`content that is ${content}`, 'text_says_what_columns_say', 'm.room.name', '', content]),
];

export function contentOf(content: object | string): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** Whether a content is one, and does not only break out of its place in the text of an event. */
export function isContent([, , , , content]: Refused): boolean {
  try {
    JSON.parse(contentOf(content));
    return true;
  } catch {
    return false;
  }
}
