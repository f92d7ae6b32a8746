// Finds what somebody meant to write.

/** Two names further apart than this are not taken for one another. */
const DISTANCE_MAX = 3;
/** Longer names are not compared: nobody mistypes them, and the table grows with the square. */
const NAME_LENGTH_MAX = 200;

/**
 * Number of single-letter insertions, deletions and replacements, and of swaps of neighbours, that make one text of
 * another (optimal string alignment).
 */
export const editDistance = (left: string, right: string): number => {
  let older: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const replaced = (previous[column - 1] ?? 0) + (same ? 0 : 1);
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          replaced,
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          swapped && row > 1 && column > 1 ? (older[column - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    older = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
};

/**
 * The candidate nearest to a name, or `null` when none is near: at most `distanceMax` letters off, and at most a
 * third of the name. Capital letters do not count as a difference.
 */
export const nearestName = (
  name: string,
  candidates: Iterable<string>,
  distanceMax = DISTANCE_MAX,
): string | null => {
  if (name.length > NAME_LENGTH_MAX) return null;
  const wanted = name.toLowerCase();
  let nearest: string | null = null;
  let nearestDistance = Math.min(distanceMax, Math.max(1, Math.floor(name.length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= nearestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < nearestDistance) [nearest, nearestDistance] = [candidate, distance];
  }
  return nearest;
};

/** A remedy's opening: `Did you mean web1? `, or '' when nothing is near. */
export const didYouMean = (
  name: string,
  candidates: Iterable<string>,
  distanceMax = DISTANCE_MAX,
): string => {
  const nearest = nearestName(name, candidates, distanceMax);
  return nearest === null ? '' : `Did you mean ${nearest}? `;
};
