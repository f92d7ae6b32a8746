// Patterns of OpenSSH (ssh_config(5), PATTERNS): `*` stands for any run of characters, `?` for one, `!` negates.

/** Whether a name is meant by patterns of which none negated may match. */
export const matchesHostPatterns = (name: string, patterns: readonly string[]): boolean => {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(name, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
};

/** Walked, not made into a RegExp, which could take exponential time. */
const matchesPattern = (name: string, pattern: string): boolean => {
  let at = 0;
  let from = 0;
  let star = -1;
  let retryAt = 0;
  while (at < name.length) {
    if (pattern[from] === '*') {
      star = from;
      retryAt = at;
      from += 1;
    } else if (from < pattern.length && (pattern[from] === '?' || pattern[from] === name[at])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      retryAt += 1;
      at = retryAt;
      from = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(from));
};
