// scripts/pam-compare: many random stacks, in the model and in the real libpam.
import { parseArgs } from 'node:util';
import { compareScenes } from './pam-compare.ts';
import { randomScene } from './pam-random.ts';

/** Stacks that are held in memory at once. */
const BATCH = 1000;
const SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string' },
    root: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed);
const count = Number(values.count);

if (values.show === undefined) {
  let disagreements = 0;
  let sure = 0;
  let questions = 0;
  let successes = 0;
  for (let from = 0; from < count; from += BATCH) {
    const compared = await compareScenes({
      seed,
      from,
      root: values.root,
      count: Math.min(BATCH, count - from),
    });
    for (const one of compared.disagreements) {
      disagreements += 1;
      if (disagreements <= SHOWN_MAX) {
        const { scene, ...rest } = one;
        console.log(`${JSON.stringify(rest)}\n${told(scene.files)}service ${scene.service}\n`);
      }
    }
    sure += compared.sure;
    questions += compared.questions;
    successes += compared.successes;
  }
  const percent = ((100 * sure) / questions).toFixed(1);
  console.log(
    `seed ${seed}: ${count} stacks, ${questions} questions, ${disagreements} disagreements; ` +
      `the model was sure in ${percent} %, libpam let pass in ${((100 * successes) / questions).toFixed(1)} %`,
  );
  process.exitCode = disagreements === 0 ? 0 : 1;
} else {
  const { files, service } = randomScene(seed, Number(values.show));
  console.log(`${told(files)}service ${service}`);
}

function told(files: Readonly<Record<string, string>>): string {
  return Object.entries(files)
    .map(([name, text]) => `--- ${name}\n${text.replaceAll('\r', '\\r')}\n`)
    .join('');
}
