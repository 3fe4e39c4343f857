/** No network is bridged, so none is known (RULES D10). https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols */
export async function listNetworks(): Promise<object> {
  return {};
}

/** Nobody and nothing is found on a network that is not there. */
export async function findNothing(): Promise<object> {
  return [];
}
