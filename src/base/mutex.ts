/** Runs one piece of work at a time, in the order asked. */
export class Mutex {
  private tail: Promise<void> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.then(
      () => {},
      () => {},
    );
    return result;
  }
}

/** A `Mutex` for each key that is at work. */
export class KeyedMutex {
  private readonly busy = new Map<string, { mutex: Mutex; waiting: number }>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lock = this.busy.get(key) ?? { mutex: new Mutex(), waiting: 0 };
    this.busy.set(key, lock);
    lock.waiting++;
    try {
      return await lock.mutex.run(work);
    } finally {
      if (--lock.waiting === 0) this.busy.delete(key);
    }
  }
}

/** A set of callbacks that are each called once, at the next `fire`. */
export class Signal<T> {
  private listeners = new Set<(value: T) => void>();

  /** Returns what takes the listener back. */
  once(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  fire(value: T): void {
    const called = this.listeners;
    this.listeners = new Set();
    for (const listener of called) listener(value);
  }
}
