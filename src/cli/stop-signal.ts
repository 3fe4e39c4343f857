// npm passes a Ctrl-C on that the terminal has sent to everybody already: two signals so close together are one wish.
const SAME_WISH_MS = 300;

/** Runs `work` with a promise of the first SIGTERM or SIGINT; a later one, while `work` still tidies up, ends the process at once. */
export async function untilStopped<T>(work: (stopped: Promise<NodeJS.Signals>) => Promise<T>): Promise<T> {
  let impatient = false;
  let stop: (signal: NodeJS.Signals) => void = () => undefined;
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    stop = (signal) => {
      if (impatient) process.exit(1);
      setTimeout(() => { impatient = true; }, SAME_WISH_MS).unref();
      resolve(signal);
    };
  });
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    return await work(stopped);
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
  }
}
