/** A JSON answer already serialised: stored event texts spliced together, sent as they are. */
export class JsonText {
  readonly parts: readonly string[];

  /** The text, or what it is made of: a large one is never put together, only its bytes are. */
  constructor(text: string | readonly string[]) {
    this.parts = typeof text === 'string' ? [text] : text;
  }

  get text(): string {
    return this.parts.join('');
  }
}

/** The answer that something has been made which was not there. */
export class Created {
  constructor(readonly body: object) {}
}

declare const written: unique symbol;

/** Proof that the access ledger holds what is about to leave. Made only by `ledger/`. */
export interface LedgerEntry {
  readonly [written]: true;
}

/** Bytes that come piece by piece, each good until the next is asked for: its memory is used again. They can be asked for once. */
export interface Bytes extends AsyncIterable<Uint8Array> {
  /** Lets go of what they come from, read or not. Reading them to the end, or leaving off, does so too. */
  close(): Promise<void>;
}

/** An answer of bytes, streamed; its headers are the whole of what the client is told about it. None is made before the ledger knows. */
export class ByteStream {
  constructor(
    readonly entry: LedgerEntry,
    readonly body: Bytes,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

export type Reply = object | JsonText | Created | ByteStream;
