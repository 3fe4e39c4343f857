import { type Logger, pino } from 'pino';

/** Lines of this many bytes, or of this long, are written at once: a write for every request costs more than the request's line. */
const TOGETHER_BYTES = 4096;
const TOGETHER_MS = 250;

/** Lines for people in a terminal, JSON for whatever else reads standard output. What is still unwritten when the process ends is written then. */
export async function createLogger(): Promise<Logger> {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) {
    return pino(options, pino.destination({ dest: 1, sync: false, minLength: TOGETHER_BYTES, periodicFlush: TOGETHER_MS }));
  }
  const { PinoPretty } = await import('pino-pretty');
  return pino(options, PinoPretty({ sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}
