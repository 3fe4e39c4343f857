import { type DestinationStream, type Logger, pino } from 'pino';

/** Lines of so much together, or of so long, are written at once: a write for every request costs more than the request's line. */
const TOGETHER_LENGTH = 4096;
const TOGETHER_MS = 250;

/** Lines for people in a terminal, JSON for whatever else reads standard output. What is still unwritten when the process ends is written then. */
export async function createLogger(): Promise<Logger> {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(options, linesTogether(process.stdout));
  const { PinoPretty } = await import('pino-pretty');
  return pino(options, PinoPretty({ sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}

/** pino's own destination measures all that waits with every line, which makes more garbage than the rest of a request. */
export function linesTogether(output: NodeJS.WriteStream): DestinationStream {
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = waiting;
    waiting = '';
    if (lines !== '') output.write(lines);
  };
  // That nobody reads the log any more is no reason to stop serving.
  output.on('error', () => undefined);
  process.once('exit', flush);
  return {
    write(line) {
      waiting += line;
      if (waiting.length >= TOGETHER_LENGTH) flush();
      else timer ??= setTimeout(flush, TOGETHER_MS).unref();
    },
  };
}
