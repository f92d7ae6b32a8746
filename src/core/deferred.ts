// A promise that is settled from elsewhere.

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** `Promise.withResolvers`, which Node 20 has not. */
export const deferred = <T>(): Deferred<T> => {
  let settle: Omit<Deferred<T>, 'promise'> | null = null;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // The executor has run by now: promises call it at once (ECMA-262, 27.2.3.1).
  if (settle === null) throw new Error('a promise did not call its executor');
  return { promise, ...(settle as Omit<Deferred<T>, 'promise'>) };
};
