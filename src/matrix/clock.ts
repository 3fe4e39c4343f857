/** Milliseconds since the epoch; given to whatever needs the time, so that tests can hold it still. */
export type Clock = () => number;

/** Cryptographically random bytes; given like the clock. */
export type Random = (bytes: number) => Buffer;
