// `weir migrate FILES`: converts objects of other gateways to the Gateway API and to Weir's own kinds.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { readInput } from '../migrate/input.ts';
import { migrate as convert, SOURCES } from '../migrate/migrate.ts';
import { yamlOf } from '../migrate/manifest.ts';
import type { Manifest } from '../migrate/manifest.ts';
import type { Migrated } from '../migrate/migrate.ts';
import { describeNote } from '../migrate/note.ts';
import type { MigrateOptions } from '../migrate/plan.ts';
import type { Source } from '../migrate/source.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      from: {
        default: '',
        value: 'SOURCE',
        text: `read only the objects of this source: ${SOURCES.map(({ name }) => name).join(', ')}`,
        multiple: true,
        words: SOURCES.map(({ name }) => name),
      },
      output: { default: '', value: 'DIR', text: 'write each object to a file in this folder, instead of to standard output' },
      gateway: { default: 'default/edge', value: 'NAMESPACE/NAME', text: "name of the Gateway for Ingresses and Traefik's routes" },
      class: { default: 'weir', value: 'NAME', text: 'GatewayClass of the Gateways' },
      'entry-point': {
        default: '',
        value: 'NAME=PORT',
        text: 'port of an entry point of Traefik; web is 80 and websecure is 443, also for Ingresses',
        multiple: true,
      },
      'allow-open': {
        default: 'false',
        value: '',
        text: 'also write routes whose protection (authentication, lists of client addresses) has no equivalent',
      },
    },
  },
];

export const migrate: Command = {
  name: 'migrate',
  arguments: 'FILES...',
  summary:
    "Converts Ingresses and objects of Traefik and Envoy Gateway to Gateway API and Weir's kinds. Ends with 1 if a setting is left out.",
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    if (values.positionals.length === 0) throw new UsageError('weir migrate takes files or folders');
    const sources = sourcesOf(values.list('from'));
    const options: MigrateOptions = {
      gateway: gatewayOf(values.text('gateway')),
      className: values.text('class'),
      entryPoints: entryPointsOf(values.list('entry-point')),
      allowOpen: values.isOn('allow-open'),
    };
    const migrated = convert(await readInput(values.positionals), options, sources);
    write(migrated.manifests, values.text('output'));
    return tell(migrated);
  },
};

function sourcesOf(names: readonly string[]): readonly Source[] {
  for (const name of names)
    if (!SOURCES.some((source) => source.name === name))
      throw new UsageError(`--from: ${JSON.stringify(name)} is none of ${SOURCES.map((source) => source.name).join(', ')}`);
  return names.length === 0 ? SOURCES : SOURCES.filter(({ name }) => names.includes(name));
}

function gatewayOf(text: string): MigrateOptions['gateway'] {
  const [namespace, name, ...rest] = text.split('/');
  if (!namespace || !name || rest.length > 0) throw new UsageError(`--gateway: ${JSON.stringify(text)} is not NAMESPACE/NAME`);
  return { namespace, name };
}

/** Traefik's own names have the ports of its chart. */
function entryPointsOf(entries: readonly string[]): ReadonlyMap<string, number> {
  const ports = new Map([
    ['web', 80],
    ['websecure', 443],
  ]);
  for (const entry of entries) {
    const [, name, port] = /^([A-Za-z0-9_-]+)=([0-9]{1,5})$/.exec(entry) ?? [];
    if (name === undefined || Number(port) < 1 || Number(port) > 65_535)
      throw new UsageError(`--entry-point: ${JSON.stringify(entry)} is not NAME=PORT`);
    ports.set(name, Number(port));
  }
  return ports;
}

/** Writes each object to a file, or all to standard output. */
function write(manifests: readonly Manifest[], folder: string): void {
  const texts = manifests.map(yamlOf);
  if (folder === '') {
    process.stdout.write(texts.join('---\n'));
    return;
  }
  mkdirSync(folder, { recursive: true });
  for (const [index, { kind, metadata }] of manifests.entries()) {
    const name = [kind.toLowerCase(), metadata.namespace ?? '', metadata.name].filter((part) => part !== '').join('.');
    writeFileSync(path.join(folder, `${name}.yaml`), texts[index] ?? '');
  }
}

/** Prints notes and a summary to standard error, so that standard output contains only YAML. Returns the exit code. */
function tell({ manifests, notes, others }: Migrated): number {
  for (const note of notes) console.error(describeNote(note));
  const lost = notes.filter(({ level }) => level === 'left out').length;
  const kept = [...others].map(([kind, count]) => `${count} ${kind}`).join(', ');
  if (kept !== '') console.error(`weir migrate does not change these objects: ${kept}`);
  console.error(`${manifests.length} objects written, ${lost} settings left out`);
  return lost > 0 ? 1 : 0;
}
