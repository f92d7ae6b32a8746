// Reads one host's variables with checks, and keeps what is wrong with its place.
import type { Diagnostic } from './diagnostic.ts';
import { VAULTED, type InventoryHost, type Variable } from './inventory.ts';
import { errorAt, warningAt } from './inventory-groups.ts';
import { VAULT_PROBLEM, type Check, type Problem } from './variable-checks.ts';

export interface VariableReader {
  readonly host: InventoryHost;
  readonly diagnostics: Diagnostic[];
  /** Required variables that are not set at all. */
  readonly missing: string[];
  /** The variable when it is set; one without a value (`canary_user:`) counts as not set. */
  find(name: string): Variable | undefined;
  /** The checked value; `undefined` when it is not set or wrong. */
  read<T>(name: string, check: Check<T>): T | undefined;
  /** The same, but not to be set is a mistake. */
  need<T>(name: string, check: Check<T>): T | undefined;
  /** Complains about a variable that is set. */
  complain(name: string, severity: Diagnostic['severity'], problem: Problem): void;
  /** Complains about the name itself. */
  complainAtKey(name: string, severity: Diagnostic['severity'], problem: Problem): void;
  /** Complains about the host itself. */
  complainAtHost(problem: Problem): void;
}

/** A reader of one host's variables. */
export const readVariablesOf = (host: InventoryHost): VariableReader => {
  const diagnostics: Diagnostic[] = [];
  const missing: string[] = [];
  const find = (name: string): Variable | undefined => {
    const variable = host.variables.get(name);
    return variable === undefined || variable.value === null ? undefined : variable;
  };
  const complain: VariableReader['complain'] = (name, severity, problem) => {
    const variable = host.variables.get(name);
    const item = problem.item === undefined ? undefined : variable?.items[problem.item];
    const make = severity === 'error' ? errorAt : warningAt;
    const message = `${name} ${problem.message}`;
    diagnostics.push(make(item ?? variable?.place ?? host.place, message, problem.remedy));
  };
  const complainAtKey: VariableReader['complainAtKey'] = (name, severity, problem) => {
    const make = severity === 'error' ? errorAt : warningAt;
    const place = host.variables.get(name)?.keyPlace ?? host.place;
    diagnostics.push(make(place, `${name} ${problem.message}`, problem.remedy));
  };
  const complainAtHost: VariableReader['complainAtHost'] = (problem) => {
    diagnostics.push(errorAt(host.place, `host ${host.name} ${problem.message}`, problem.remedy));
  };
  const read = <T>(name: string, check: Check<T>): T | undefined => {
    const variable = find(name);
    if (variable === undefined) return undefined;
    if (variable.value === VAULTED) {
      complain(name, 'error', VAULT_PROBLEM);
      return undefined;
    }
    const checked = check(variable);
    if (!checked.ok) {
      for (const problem of checked.problems) complain(name, 'error', problem);
      return undefined;
    }
    if (checked.warning !== undefined) complain(name, 'warning', checked.warning);
    return checked.value;
  };
  const need = <T>(name: string, check: Check<T>): T | undefined => {
    if (host.variables.has(name) && find(name) === undefined) {
      complain(name, 'error', { message: 'has no value', remedy: 'Give it one.' });
    } else if (!host.variables.has(name)) {
      missing.push(name);
    }
    return read(name, check);
  };
  return { host, diagnostics, missing, find, read, need, complain, complainAtKey, complainAtHost };
};
