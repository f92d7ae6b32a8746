import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { SECRET_SOURCES } from '../../../src/core/secret-ref.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import { KNOWN_VARIABLES } from '../../../src/core/variables.ts';

const text = readFileSync(new URL('../../../inventory/example.yml', import.meta.url), 'utf8');
const { inventory, diagnostics } = parseInventory(text, 'inventory/example.yml');

describe('inventory/example.yml', () => {
  test('loads without a complaint', () => {
    const all = parseAllSettings(inventory.hosts);
    expect(formatDiagnostics([...diagnostics, ...all.diagnostics])).toBe('');
    expect(all.settings).toHaveLength(24);
  });

  test.each(KNOWN_VARIABLES)('explains %s', (name) => {
    expect(text).toMatch(new RegExp(`^[ #]*${name}:`, 'm'));
  });

  test.each(SECRET_SOURCES)('shows a secret by %s:', (kind) => {
    expect(text).toMatch(new RegExp(`: ${kind}:`));
  });
});
