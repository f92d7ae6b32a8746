// The JSON contract: one document for a run (design section 5). Fields are never renamed or taken away.
import type { Command } from '../core/event.ts';
import type { WaveState } from '../core/run-state.ts';
import type { ExitCode, HostResult } from '../core/verdict.ts';
import { shown } from './words.ts';

/** The document on stdout under --json and in the file of --report. */
export interface JsonDocument {
  readonly run: string;
  readonly command: Command;
  readonly exitCode: ExitCode;
  readonly hosts: readonly {
    readonly host: string;
    readonly verdict: HostResult['verdict'];
    readonly changes: readonly { readonly step: string; readonly kind: string; readonly target: string }[];
    readonly findings: readonly {
      readonly rule: string;
      /** A breach stops the host; a warning does not. */
      readonly severity: 'breach' | 'warning';
      readonly persona: string;
      readonly message: string;
    }[];
    readonly failure: { readonly step: string; readonly reason: string; readonly message: string } | null;
    readonly checks: readonly {
      readonly phase: string;
      readonly title: string;
      readonly must: 'get-in' | 'be-refused';
      readonly result: 'in' | 'refused' | 'unproven';
      readonly durationMs: number;
      /** Where Duo was asked: about whom, whether it was approved, and the line of its module in the host's log that shows it. */
      readonly duo?: { readonly user: string; readonly how: string; readonly line: string };
    }[];
    readonly durationMs: number;
    /** Counted from 1; `null` in a run without waves. */
    readonly wave: number | null;
  }[];
  /** In their order, also those that never started; empty in a run without waves. */
  readonly waves: readonly {
    readonly wave: number;
    readonly kind: 'canary' | 'serial';
    readonly hosts: readonly string[];
    readonly bakeS: number;
    /** ISO 8601, UTC; `null`: never. */
    readonly startedAt: string | null;
    readonly endedAt: string | null;
    readonly bake: { readonly decision: 'confirm' | 'revert' | null; readonly why: string } | null;
    /** `null` after the last wave, where nothing was left to be decided, and for a wave that never started. */
    readonly gate: {
      readonly decision: 'go-on' | 'halt';
      readonly why: string;
      readonly failures: number;
    } | null;
  }[];
  /** The runs of `rollback` that put back what this run had confirmed, with --on-failure rollback-run. */
  readonly rollbacks: readonly JsonDocument[];
}

/** What the document is made from. */
interface DocumentSource {
  readonly exitCode: ExitCode;
  readonly results: readonly HostResult[];
  readonly waves: readonly WaveState[];
}

/** Makes the document; field by field, so that a field added inside never leaks out by itself. */
export const jsonDocument = (
  run: string,
  command: Command,
  outcome: DocumentSource,
  rollbacks: readonly JsonDocument[] = [],
): JsonDocument => {
  const waveOf = new Map(outcome.waves.flatMap(({ wave, hosts }) => hosts.map((host) => [host, wave])));
  return {
    run,
    command,
    exitCode: outcome.exitCode,
    hosts: outcome.results.map((result) => ({
      host: result.host,
      verdict: result.verdict,
      changes: result.changes.map(({ step, kind, target }) => ({ step, kind, target: shown(target) })),
      findings: result.findings.map(({ rule, severity, persona, message }) => ({
        rule,
        severity,
        persona: shown(persona),
        message: shown(message),
      })),
      failure:
        result.failure === null
          ? null
          : {
              step: result.failure.step,
              reason: result.failure.reason,
              message: shown(result.failure.message),
            },
      checks: result.checks.map(({ phase, title, must, result: came, durationMs, duo }) => ({
        phase,
        title: shown(title),
        must,
        result: came,
        durationMs,
        ...(duo === undefined ? {} : { duo: { user: shown(duo.user), how: duo.how, line: shown(duo.line) } }),
      })),
      durationMs: result.durationMs,
      wave: waveOf.get(result.host) ?? null,
    })),
    waves: outcome.waves.map(waveDocument),
    rollbacks,
  };
};

const waveDocument = (state: WaveState): JsonDocument['waves'][number] => {
  const { wave, kind, hosts, bakeS, startedAt, endedAt, bake, gate } = state;
  return {
    wave,
    kind,
    hosts,
    bakeS,
    startedAt: timeText(startedAt),
    endedAt: timeText(endedAt),
    bake: bake === null ? null : { decision: bake.decision, why: shown(bake.why) },
    gate: gate === null ? null : { decision: gate.decision, why: shown(gate.why), failures: gate.failures },
  };
};

const timeText = (atMs: number | null): string | null =>
  atMs === null ? null : new Date(atMs).toISOString();
