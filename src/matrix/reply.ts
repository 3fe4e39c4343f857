import type { Readable } from 'node:stream';

/** A JSON answer already serialised: stored event texts spliced together, sent as they are. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** An answer of bytes, streamed; its headers are the whole of what the client is told about it. */
export class ByteStream {
  constructor(
    readonly body: Readable,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

export type Reply = object | JsonText | ByteStream;
