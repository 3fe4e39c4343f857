/** Everything that is said or sent; none of it may be found on the server or on the wire. ASCII, so that JSON has one way to write it. */
export const secrets = {
  fromAlicePhone: 'First device of Alice speaking: amanita',
  fromAliceTablet: 'Second device of Alice speaking: amaryllis',
  fromBobPhone: 'First device of Bob speaking: chrysanthemum',
  fromBobTablet: 'Second device of Bob speaking: belladonna',
  fromLegacy: 'An old client on libolm speaking: coquelicot',
  fromFresh: 'A restored device speaking: digitalis',
  fileName: 'plan-de-la-prefecture.txt',
  file: 'Confidentiel: le plan du bâtiment.\n'.repeat(2000),
  threadFile: 'Confidentiel aussi: ce qui en fut dit.',
} as const;

/** State is not encrypted: a search that does not find this name would find nothing at all. */
export const roomName = 'Reunion du mardi';

/** What to search for: the file by its first line, for no chunk need hold all of it. */
export const plaintexts: readonly string[] = [...Object.values(secrets).filter((text) => text !== secrets.file), 'Confidentiel: le plan'];
