// The result of `weir try` for a terminal: only what changes.
import type { Change, Trial, TrialMessage } from '../proxy/trial/trial.ts';

export function printTrial({ route, request, answer, refusal }: Trial): string {
  return [
    `route     ${route}`,
    ...changeLines('request', request),
    ...(refusal === null ? [] : [`refused   ${refusal.status} ${refusal.code}${refusal.detail === '' ? '' : `: ${refusal.detail}`}`]),
    ...(answer === null ? [] : changeLines('answer', answer)),
  ].join('\n');
}

function changeLines(name: string, { before, after }: Change): readonly string[] {
  const line = before.line === after.line ? before.line : `${before.line} -> ${after.line}`;
  const [gone, made] = [without(headerLines(before), headerLines(after)), without(headerLines(after), headerLines(before))];
  return [
    `${name.padEnd(9)} ${line}`,
    ...gone.map((each) => `  - ${each}`),
    ...made.map((each) => `  + ${each}`),
    ...(before.body === after.body ? [] : [`  - body ${before.body}`, `  + body ${after.body}`]),
  ];
}

function headerLines({ headers }: TrialMessage): readonly string[] {
  return headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]}`] : []));
}

/** The lines that are not in the other list, each as often as it is missing. */
function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}
