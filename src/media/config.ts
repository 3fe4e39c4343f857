/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig */
export async function mediaConfig(deps: { maxUploadSize: number }): Promise<object> {
  return { 'm.upload.size': deps.maxUploadSize };
}
