/**
 * Sends values one at a time. While one is under way only the newest of those that follow is kept, and it is always sent:
 * a drag over the timeline ends where the hand let go.
 */
export function latestOnly<T>(send: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let waiting: { value: T } | null = null;
  let running: Promise<void> | null = null;

  async function drain() {
    while (waiting) {
      const { value } = waiting;
      waiting = null;
      await send(value);
    }
  }

  return (value) => {
    waiting = { value };
    running ??= drain().finally(() => (running = null));
    return running;
  };
}
