import type { MatrixClient } from 'matrix-js-sdk';
import type { CryptoApi, ShowSasCallbacks, VerificationRequest } from 'matrix-js-sdk/lib/crypto-api/index.js';
import type { Account } from './device.js';
import type { Wire } from './wire.js';

/** Everything of one logged-in device that what it does shares. */
export interface Logged {
  readonly client: MatrixClient;
  readonly crypto: CryptoApi;
  readonly wire: Wire;
  readonly account: Account;
  /** The key of the secret storage, once it was made or typed. */
  secretKey: Uint8Array | undefined;
  verification: VerificationRequest | undefined;
  sas: ShowSasCallbacks | undefined;
}
