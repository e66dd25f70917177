import { abandonable } from "../base/abort.ts";
import type { BuildEvent } from "../base/build-events.ts";

/** What others who wait for a step's result hear of it. */
export type News =
  | Omit<Extract<BuildEvent, { kind: "running" }>, "step">
  | Omit<Extract<BuildEvent, { kind: "output" }>, "step">;
export type OnNews = (news: News) => void;

/** Of what a step said before another build came to wait for it. */
const KEPT = 10_000;

interface Work {
  /** Resolves at its end: false when it was canceled. Rejects with the error that it ended with. */
  ended: Promise<boolean>;
  said: News[];
  listeners: Set<OnNews>;
}

/** Steps under way in all builds, by key, so that the same work is done once. */
export class InFlight {
  private readonly works = new Map<string, Work>();

  /**
   * Waits for the work under way, and tells what it says and has said. undefined: there is none. false: it was canceled,
   * so that somebody else has to do it. Throws what it ended with, or the signal's reason.
   */
  join(key: string, signal: AbortSignal, onNews: OnNews): Promise<boolean> | undefined {
    const work = this.works.get(key);
    if (work === undefined) return undefined;
    for (const news of work.said) onNews(news);
    work.listeners.add(onNews);
    return abandonable(work.ended, signal).finally(() => work.listeners.delete(onNews));
  }

  /** Does the work, which others may join. */
  async run<T>(key: string, signal: AbortSignal, onNews: OnNews, make: (tell: OnNews) => Promise<T>): Promise<T> {
    const work: Work = { ended: Promise.resolve(true), said: [], listeners: new Set([onNews]) };
    const made = make((news) => {
      if (work.said.push(news) > KEPT) work.said.shift();
      for (const listener of work.listeners) listener(news);
    }).finally(() => this.works.delete(key)); // before anybody who waited looks again
    work.ended = made.then(
      () => true,
      (error) => {
        if (signal.aborted) return false;
        throw error;
      },
    );
    work.ended.catch(() => {}); // there may be nobody who waits
    this.works.set(key, work);
    return made;
  }
}
