// `weir validate FILES`: checks files as the API server, the compiler and the matcher do, before a proxy serves them.
import type * as ir from '#api/ir/ir.ts';
import { ENDPOINT_FLAGS, readEndpointFlags, type EndpointPermissions } from '#api/k8s/endpoint-flags.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { Compiler } from '../controller/compile/compile.ts';
import { KeptPairs } from '../controller/compile/kept-pairs.ts';
import { describeFinding, type Finding, type Severity } from '../controller/lint/finding.ts';
import { lint, sorted } from '../controller/lint/lint.ts';
import { readOnce } from '../controller/watch/folder.ts';
import type { FolderContent } from '../controller/watch/folder.ts';
import { describeSkipped } from '../controller/watch/skipped.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { CONTROLLER_NAME } from './controller-name.ts';

const FORMATS = ['text', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      strict: { default: 'false', value: '', text: 'end with 1 also if there are warnings' },
      'strict-kinds': { default: 'false', value: '', text: 'refuse objects of kinds that Weir does not read, instead of skipping them' },
      ...ENDPOINT_FLAGS,
      format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS },
    },
  },
];

export const validate: Command = {
  name: 'validate',
  arguments: 'FILES...',
  summary: 'Checks files and folders: schema, references, overlaps. Ends with 1 if there are errors (with --strict: or warnings).',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    if (values.positionals.length === 0) throw new UsageError('weir validate takes files or folders');
    const format = values.word('format', FORMATS);
    const content = await readOnce(values.positionals, { strictKinds: values.isOn('strict-kinds') });
    const findings = findingsOf(content, { permissions: readEndpointFlags(values) });
    print(content, findings, format);
    return findings.some(({ severity }) => severity === 'error' || (severity === 'warning' && values.isOn('strict'))) ? 1 : 0;
  },
};

function print(content: FolderContent, findings: readonly Finding[], format: string): void {
  if (format === 'text') console.log(describe(content, findings).join('\n'));
  else console.log(JSON.stringify({ objects: content.objects.length, skipped: content.skipped.length, findings }, null, 2));
}

/** The output lines of `weir validate`. `now`: milliseconds since the epoch. */
export function describeValidation(content: FolderContent, now: number): readonly string[] {
  return describe(content, findingsOf(content, { now }));
}

function describe(content: FolderContent, findings: readonly Finding[]): readonly string[] {
  const skipped = describeSkipped(content.skipped);
  const count = (wanted: Severity): number => findings.filter(({ severity }) => severity === wanted).length;
  return [
    ...findings.map(describeFinding),
    ...(skipped === '' ? [] : [`info: ${skipped}`]),
    `${content.objects.length} objects, ${count('error')} errors, ${count('warning')} warnings`,
  ];
}

const FLEETS = { byDefault: 'Shared', lacks: '' } as const;

/** The circumstances of a check. `now`: milliseconds since the epoch. */
interface Circumstances {
  readonly now?: number;
  readonly permissions?: Partial<EndpointPermissions>;
}

/** Every finding about the files, sorted by place. */
export function findingsOf(content: FolderContent, { now = Date.now(), permissions = {} }: Circumstances = {}): readonly Finding[] {
  const options = { controllerName: CONTROLLER_NAME, allowLoopback: true, fleets: FLEETS, ...permissions };
  const compiler = new Compiler(options, new KeptPairs(() => now));
  const { faults } = compiler.apply(content.objects.map((object) => ({ type: 'upsert', object })));
  const resources = [...compiler.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  const compiled = { resources, statuses: [...compiler.statuses()], faults };
  const found = lint(content, compiled, { controllerName: CONTROLLER_NAME, now, served: false });
  return sorted([...content.problems.map(({ kept: _kept, ...problem }) => problem), ...found]);
}
