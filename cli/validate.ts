// `weir validate FILES`: what an API server, the compiler and the matcher would find wrong with files, before anybody serves them.
import type * as ir from '#api/ir/ir.ts';
import { expressionDoubt } from '#api/match/path-expression.ts';
import { describeMatch } from '#api/match/print.ts';
import { buildTable } from '#api/match/table.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { Compiler } from '../controller/compile/compile.ts';
import { findOverlaps } from '../controller/compile/overlaps.ts';
import { problemsOf } from '../controller/status/problems.ts';
import { readOnce } from '../controller/watch/files.ts';
import type { FolderContent } from '../controller/watch/files.ts';
import { describeSkipped } from '../controller/watch/skipped.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { CONTROLLER_NAME } from './standalone.ts';

/** Something to mend (`error`) or to think about (`warning`). */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based; 0 where there is none. */
  readonly line: number;
  /** `Kind/namespace/name`, or ''. */
  readonly object: string;
  /** Path of the field, or the condition that tells; may be ''. */
  readonly field: string;
  readonly reason: string;
}

const FORMATS = ['text', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      strict: { default: 'false', value: '', text: 'end with 1 for warnings too' },
      'strict-kinds': { default: 'false', value: '', text: 'refuse objects of kinds that Weir does not read, in place of skipping them' },
      format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS },
    },
  },
];

export const validate: Command = {
  name: 'validate',
  arguments: 'FILES...',
  summary: 'Checks files and folders: schema, references, overlaps. Ends with 1 when there are errors (--strict: or warnings).',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    if (values.positionals.length === 0) throw new UsageError('weir validate takes files or folders');
    const format = values.word('format', FORMATS);
    const content = await readOnce(values.positionals, { strictKinds: values.isOn('strict-kinds') });
    const findings = findingsOf(content);
    print(findings, content, format);
    return findings.some(({ severity }) => severity === 'error' || values.isOn('strict')) ? 1 : 0;
  },
};

function print(findings: readonly Finding[], content: FolderContent, format: string): void {
  const objects = content.objects.length;
  const skipped = describeSkipped(content.skipped);
  if (format === 'json') {
    console.log(JSON.stringify({ objects, skipped: content.skipped.length, findings }, null, 2));
    return;
  }
  for (const { severity, file, line, object, field, reason } of findings) {
    const where = file === '' ? '' : `${file}:${line}: `;
    console.log(`${where}${severity}: ${[object, field].filter((part) => part !== '').join(' ')}: ${reason}`);
  }
  if (skipped !== '') console.log(`info: ${skipped}`);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  console.log(`${objects} objects, ${errors} errors, ${findings.length - errors} warnings`);
}

/** Everything there is to say about the files, by place. */
export function findingsOf(content: FolderContent): readonly Finding[] {
  const compiler = new Compiler({ controllerName: CONTROLLER_NAME, allowLoopback: true, fleets: { byDefault: 'Shared', lacks: '' } });
  const delta = compiler.apply(content.objects.map((object) => ({ type: 'upsert', object })));
  const resources = [...compiler.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  const findings = [
    ...content.problems.map((problem) => ({ severity: 'error', ...problem }) as const),
    ...[...compiler.statuses()]
      .flatMap(problemsOf)
      .filter(isOfFiles)
      .map(({ object, part, condition, reason, message }) => {
        const field = [part, condition].filter((word) => word !== '').join(', ');
        return { severity: 'error', ...placeOf(object, content), object, field, reason: `${reason}: ${message}` } as const;
      }),
    ...delta.faults.map(({ unit, object, error }): Finding => {
      const reason = `a bug in Weir keeps it from being compiled (${unit}): ${(error as Error).message}`;
      return { severity: 'error', ...placeOf(object, content), object, field: '', reason };
    }),
    ...resources.flatMap((resource) => (resource.kind === 'Secret' ? secretFindings(resource, content) : [])),
    ...routeFindings(resources, content),
  ];
  return findings.sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line);
}

/** Whether a problem is one of the files: that a Service has no address yet is the state of a cluster. */
function isOfFiles({ reason }: { readonly reason: string }): boolean {
  return reason !== 'AddressNotAssigned';
}

/** A certificate that has expired is served. Of one that cannot be used those tell that refer to it. */
function secretFindings({ key, problem, certificate }: ir.Secret, content: FolderContent): Finding[] {
  const object = `Secret/${key}`;
  if (problem === undefined || certificate === '') return [];
  return [{ severity: 'warning', ...placeOf(object, content), object, field: 'tls.crt', reason: problem }];
}

function routeFindings(resources: readonly ir.Resource[], content: FolderContent): Finding[] {
  const routes = resources.filter((resource) => resource.kind === 'Route');
  const streams = resources.filter((resource) => resource.kind === 'StreamRoute');
  const listeners = resources.filter((resource) => resource.kind === 'Listener');
  const objects = new Map([...routes, ...streams].map((route) => [route.key, `${route.objectKind}/${route.namespace}/${route.name}`]));
  const objectOf = (key: string): string => objects.get(key) ?? key;
  const overlaps = findOverlaps([...routes, ...streams]).flatMap(({ listener, hostname, match, winner, losers }) =>
    losers.map((loser): Finding => {
      const reason = `${match === null ? 'every connection' : describeMatch(match)} on listener ${listener}${hostname === '' ? '' : ` for ${hostname}`} never matches: ${winner} has it`;
      return { severity: 'warning', ...placeOf(objectOf(loser), content), object: objectOf(loser), field: ruleOf(loser), reason };
    }),
  );
  const problems = buildTable(listeners, routes).problems.map(({ routeKey, field, reason }): Finding => {
    return {
      severity: 'error',
      ...placeOf(objectOf(routeKey), content),
      object: objectOf(routeKey),
      field: `${ruleOf(routeKey)} ${field}`,
      reason,
    };
  });
  return [...overlaps, ...problems, ...routes.flatMap((route) => expressionFindings(route, content))];
}

/** Expressions that look for what paths have not. */
function expressionFindings(route: ir.Route, content: FolderContent): Finding[] {
  const object = `${route.objectKind}/${route.namespace}/${route.name}`;
  return route.matches.flatMap(({ path }, index): Finding[] => {
    const reason = path.type === 'RegularExpression' ? expressionDoubt(path.value) : null;
    if (reason === null) return [];
    const field = `${ruleOf(route.key)}.matches[${index}].path.value`;
    return [{ severity: 'warning', ...placeOf(object, content), object, field, reason }];
  });
}

/** `spec.rules[2]` of a route key, which ends with the index of the rule. */
function ruleOf(routeKey: string): string {
  return `spec.rules[${routeKey.slice(routeKey.lastIndexOf('/') + 1)}]`;
}

function placeOf(object: string, content: FolderContent): Pick<Finding, 'file' | 'line'> {
  const { file, line } = content.places.get(object) ?? { file: '', line: 0 };
  return { file, line };
}
