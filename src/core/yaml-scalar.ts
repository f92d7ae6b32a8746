// A plain word of a YAML file -> its value, as PyYAML resolves it for Ansible: YAML 1.1, but not all of it.
// Source: PyYAML lib/yaml/resolver.py and constructor.py (SafeConstructor). The parser's own 1.1 differs: it takes y and n
// for booleans, 1e3 and 08 for numbers.
import type { VariableValue } from './inventory.ts';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER =
  /^[-+]?(?:0b[01_]*[01][01_]*|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*)$/;
const SEXAGESIMAL = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/;
const FLOAT = /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/;
const SEXAGESIMAL_FLOAT = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/;

/** Dates, and numbers that JavaScript cannot hold exactly, stay the text that they were: nothing of ours takes one. */
export const yamlScalar = (text: string): VariableValue => {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (!/^[-+.0-9]/.test(text)) return text;
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  if (INTEGER.test(text)) {
    const value = Number(/^0\d/.test(digits) ? `0o${digits}` : digits);
    return Number.isSafeInteger(value) ? sign * value : text;
  }
  if (FLOAT.test(text)) return sign * Number(digits);
  if (SEXAGESIMAL.test(text) || SEXAGESIMAL_FLOAT.test(text)) {
    return sign * digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  }
  return text;
};
