/**
 * Sends values one at a time. While one is under way only the newest of those that follow is kept, and it is always sent:
 * a drag over the timeline ends where the hand let go.
 */
export function latestOnly<T>(send: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let waiting: { value: T } | null = null;
  let running: Promise<void> | null = null;

  async function drain() {
    try {
      while (waiting) {
        const { value } = waiting;
        waiting = null;
        await send(value);
      }
    } finally {
      // With the last look at what waits, so that nothing comes to wait in between.
      running = null;
    }
  }

  return (value) => {
    waiting = { value };
    running ??= drain();
    return running;
  };
}
