import { UsageError } from './command.js';

/** The end of what `--until` names: a day ends when it is over. */
export function timeOf(date: string | undefined): number {
  const isDay = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(date ?? '');
  const time = Date.parse(isDay ? `${date}T23:59:59Z` : /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/.test(date ?? '') ? date ?? '' : '');
  if (Number.isNaN(time)) throw new UsageError('--until needs a date such as 2026-12-31.');
  return time;
}
