// The lines of a reply, as many as a person and a message have room for.

/** Lines kept of a reply's beginning and of its end: what the guard itself has to say comes last, after the tools that it ran. */
const FIRST_MAX = 4_000;
const LAST_MAX = 1_000;

/** Takes any number of lines and keeps the first and the last of them. */
export class KeptLines {
  readonly #first: string[] = [];
  readonly #last: string[] = [];
  /** Where the next one goes, round and round. */
  #next = 0;
  #dropped = 0;

  add(line: string): void {
    if (this.#first.length < FIRST_MAX) {
      this.#first.push(line);
      return;
    }
    if (this.#last.length === LAST_MAX) this.#dropped += 1;
    this.#last[this.#next] = line;
    this.#next = (this.#next + 1) % LAST_MAX;
  }

  /** In their order; where some are missing, how many. */
  get all(): readonly string[] {
    const left = this.#dropped === 0 ? [] : [`(${this.#dropped} more lines)`];
    return [...this.#first, ...left, ...this.#last.slice(this.#next), ...this.#last.slice(0, this.#next)];
  }
}
