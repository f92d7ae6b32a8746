// What shows a run while it goes on.
import type { RecordedEvent } from '../core/event.ts';

/** A consumer of a run's events; it only looks. */
export interface View {
  /** Takes the next event; called in order, after the event is in the journal. Does not throw for a broken terminal. */
  readonly show: (event: RecordedEvent) => void;
  /** Something for the operator that is no event, such as what a second Ctrl-C means. */
  readonly say: (text: string) => void;
  /** Gives the terminal back; resolves when the last line is drawn. */
  readonly close: () => Promise<void>;
}
