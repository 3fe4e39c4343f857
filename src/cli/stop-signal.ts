// npm passes a Ctrl-C on that the terminal has sent to everybody already: two signals so close together are one wish.
const SAME_WISH_MS = 300;

/** Resolves to the first SIGTERM or SIGINT; a later one ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let impatient = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (impatient) process.exit(1);
      setTimeout(() => { impatient = true; }, SAME_WISH_MS).unref();
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
