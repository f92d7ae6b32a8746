// Which connections are tried again, when and how often.
import { Failure } from '../core/failure.ts';
import { isOutOfFiles } from './tcp-dial.ts';
import { pause, remainingMs, type Deadline } from './timer.ts';

/** Connections made to one host before we give up on its answering. */
export const TRIES_MAX = 6;
/** Longest wait before the second try; it doubles from there. */
const FIRST_WAIT_MS = 500;
/** OpenSSH's PerSourcePenalties bans an address for 15 s and more at a time (sshd_config(5)); waiting longer than that in one piece gains nothing. */
const WAIT_MS_MAX = 16_000;

/**
 * Tries again after a connection that was closed before the server's banner, or that this process had no file descriptor
 * for, and after nothing else: MaxStartups drops connections at random when many come at once, and descriptors come free as other
 * hosts end, so the same one succeeds a little later. A refused login is never tried
 * again: each one counts towards fail2ban, faillock and PerSourcePenalties, for the whole bastion.
 * Waits grow twofold with jitter (half to whole), so that a fleet's retries do not arrive together again.
 * @param random 0 to 1, as Math.random
 */
export const retryBeforeBanner = async <T>(
  attempt: () => Promise<T>,
  options: { readonly deadline: Deadline; readonly random: () => number },
): Promise<T> => {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTriedAgain(error) || tried >= TRIES_MAX) throw error;
      const wholeMs = Math.min(FIRST_WAIT_MS * 2 ** (tried - 1), WAIT_MS_MAX);
      const waitMs = wholeMs * (0.5 + options.random() / 2);
      if (waitMs >= remainingMs(options.deadline)) throw error;
      await pause(options.deadline.timer, waitMs);
    }
  }
};

const isTriedAgain = (error: unknown): boolean =>
  error instanceof Failure && (error.beforeBanner || isOutOfFiles(error.cause));
