import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { InferenceAlarm } from './media/grants.js';

/** What is to be looked at by somebody, in the log, by numbers of our own only (RULES B15). */
export function inferenceAlarm({ cloison }: Config, log: Logger): InferenceAlarm {
  return {
    perHour: cloison.inferredGrants.alarmPerHour,
    sound: (signal) => { log.warn({ alarm: 'inferred grants', ...signal }, 'one person opens many files that others may have forwarded'); },
  };
}
