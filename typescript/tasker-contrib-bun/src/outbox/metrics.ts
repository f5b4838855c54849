/** What `/metrics` tells of an outbox. */

import { messageOf } from '../storable.ts';
import type { Outbox, OutboxStats } from './rows.ts';

// A scrape has ten seconds, and what else it brings must not be late.
const PATIENCE_MS = 2000;

/** Reads an outbox for each scrape: no figure is of the past. */
export class OutboxMetrics {
  readonly #outbox: Outbox;
  #asked: Promise<OutboxStats> | undefined;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Values by key of the contract; without figures while the rows cannot be read. */
  async gauges(): Promise<Record<string, number>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      });
      const { open, dead, lagSeconds } = await Promise.race([this.#ask(), late]);
      return { outboxUp: 1, outboxOpen: open, outboxDead: dead, outboxLag: lagSeconds };
    } catch (error) {
      console.error(`tasker: the outbox cannot be read: ${messageOf(error)}`);
      return { outboxUp: 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  /** One question at a time: those without an answer must not use up the application's connections. */
  async #ask(): Promise<OutboxStats> {
    this.#asked ??= this.#outbox.stats().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }
}
