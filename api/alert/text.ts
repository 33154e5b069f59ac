// Texts of alert rules: plain text with expressions in double braces, like `{{ percent(value) }}`.
import { err, ok, type Result } from '#lib/result.ts';
import { compileAlertExpression, type AlertExpression } from './expression.ts';
import type { SubjectFacts, TrafficNeeds } from './facts.ts';
import type { SubjectKind } from './subjects.ts';

/** The longest text of a rule, and the longest text that is made of it. */
export const MAX_ALERT_TEXT = 2_048;
const MAX_MADE = 4_096;
/** Texts have few values. */
const MAX_PARTS = 16;

/** A compiled text. */
export interface AlertText {
  /** The parts of the traffic that its expressions read. */
  readonly needs: TrafficNeeds;
  /** The text for a subject. An expression without a value leaves its source in braces. */
  write(facts: SubjectFacts, value: number): string;
}

const EXPRESSION = /\{\{([^{}]*)\}\}/g;

/** Compiles a text. `subject`: null if the value and the labels come from Prometheus. The error is a sentence without its subject. */
export function compileAlertText(source: string, subject: SubjectKind | null): Result<AlertText> {
  const parts: (string | AlertExpression)[] = [];
  let end = 0;
  for (const match of source.matchAll(EXPRESSION)) {
    const compiled = compileAlertExpression((match[1] ?? '').trim(), subject, 'text');
    if (!compiled.ok) return err(`has the expression ${match[0]}, which ${compiled.error}`);
    parts.push(source.slice(end, match.index), compiled.value);
    end = match.index + match[0].length;
  }
  const rest = source.slice(end);
  const literals = [...parts.filter((part) => typeof part === 'string'), rest].join('');
  if (literals.includes('{{') || literals.includes('}}')) return err('has double braces without an expression between them');
  if (parts.length > 2 * MAX_PARTS) return err(`has more than ${MAX_PARTS} expressions`);
  parts.push(rest);
  const needs = new Map(parts.flatMap((part) => (typeof part === 'string' ? [] : [...part.needs])));
  return ok({
    needs,
    write: (facts, value) =>
      parts
        .map((part) => partText(part, facts, value))
        .join('')
        .slice(0, MAX_MADE),
  });
}

function partText(part: string | AlertExpression, facts: SubjectFacts, value: number): string {
  if (typeof part === 'string') return part;
  const made = part.evaluate(facts, value);
  return made.ok ? String(made.value) : `{{ ${part.source} }}`;
}
