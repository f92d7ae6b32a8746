// What a run is called.

/** `20261122-054735-ab12`: UTC time and four random hex digits; sorts by time. `random` has at least 2 bytes. */
export const runId = (nowMs: number, random: Uint8Array): string => {
  const time = new Date(nowMs).toISOString();
  const digits = time.replaceAll(/[^0-9]/g, '');
  const tail = Array.from(random.subarray(0, 2), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${tail}`;
};
