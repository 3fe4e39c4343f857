import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

/** Lines for people in a terminal, JSON for whatever else reads standard output. */
export function createLogger(): Logger {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, PinoPretty({ sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}
