// A length of time as people type it.

/** `0`, `90s`, `10m`, `1h30m` in seconds; `null` for anything else. A bare number has no unit, and would be guessed at. */
export const parseDuration = (text: string): number | null => {
  if (text === '0') return 0;
  const [whole, hours = '0', minutes = '0', seconds = '0'] =
    /^(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?$/.exec(text) ?? [];
  if (whole === undefined || whole === '') return null;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
};
