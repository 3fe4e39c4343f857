const versions = Array.from({ length: 19 }, (_, i) => `v1.${i + 1}`);

/** What clients ask for by name because it was, or is, not in a version of the specification. */
const unstableFeatures = {
  'io.element.e2ee_forced.private': true,
  'io.element.e2ee_forced.public': true,
  'io.element.e2ee_forced.trusted_private': true,
  'org.matrix.e2e_cross_signing': true,
  'org.matrix.msc2285.stable': true,
  'org.matrix.msc3391': true,
  'org.matrix.msc3771': true,
  'org.matrix.msc3773': true,
  'org.matrix.msc3814': true,
  'org.matrix.msc3916.stable': true,
  'org.matrix.msc3952_intentional_mentions': true,
  'org.matrix.msc4222': true,
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
  'uk.tcpip.msc4133.stable': true,
};

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
export async function listVersions({ maxEventDelayMs }: { maxEventDelayMs: number }): Promise<object> {
  return { versions, unstable_features: { ...unstableFeatures, 'org.matrix.msc4140': maxEventDelayMs > 0 } };
}
