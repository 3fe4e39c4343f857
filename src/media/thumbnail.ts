import { noSuchMedia } from './download.js';

/**
 * The server holds nothing that it could draw a thumbnail of; the answer is that of a blob which does not exist.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid
 */
export async function thumbnail(): Promise<never> {
  throw noSuchMedia();
}
