// `weir consumer create|list|show|rotate|revoke`: Consumers with API keys, in a cluster or in a folder. A key is shown once.
import { makeApiKey } from '#lib/api-key.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { CREDENTIAL_TYPES } from '#api/k8s/consumer.ts';
import { checkConsumer } from '#api/k8s/consumer-rules.ts';
import { describeError } from '#api/k8s/field-error.ts';
import type { Consumer } from '#api/k8s/k8s.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { actionOf } from './actions.ts';
import { UsageError, type Command } from './command.ts';
import { DISABLE, keyCredential, newConsumer, removal, rotation, secretOf } from './consumers/changes.ts';
import type { ConsumerStore } from './consumers/store.ts';
import { tableOf } from './operations/table.ts';

const OUTPUTS = ['table', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      folder: { default: '', value: 'DIR', text: 'the Consumers of this folder of weir up, instead of those of a cluster' },
      kubeconfig: { default: '', value: 'FILE', text: 'kubeconfig of the cluster; by default KUBECONFIG or ~/.kube/config' },
      namespace: { default: '', value: 'NAME', text: 'namespace of the Consumers; by default that of the kubeconfig, or default' },
      group: { default: '', value: 'NAME', text: 'create: a group of the Consumer', multiple: true },
      plan: { default: '', value: 'NAME', text: 'create: the plan of the Consumer' },
      lifetime: { default: '0', value: 'TIME', text: 'create, rotate: how long the new key is valid; 0 is without end' },
      overlap: { default: '24h', value: 'TIME', text: 'rotate: how long the former keys stay valid' },
      output: { default: 'table', value: 'table|json', text: 'list, show: form of the output', words: OUTPUTS, short: 'o' },
    },
  },
];

export const consumer: Command = {
  name: 'consumer',
  arguments: 'create|list|show|rotate|revoke [NAME] [KEY]',
  summary:
    'Creates Consumers with an API key, which is printed once; lists and shows them; gives them another key; revokes one key (the name of its Secret) or all credentials.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('consumer', ACTIONS, values.positionals);
    const store = await storeOf(values);
    try {
      await run(store, values, rest);
      return 0;
    } finally {
      await store.close();
    }
  },
};

type Action = (store: ConsumerStore, values: FlagValues, names: readonly string[]) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = { create, list, show, rotate, revoke };

/** The client of Kubernetes is large. */
async function storeOf(values: FlagValues): Promise<ConsumerStore> {
  const [folder, namespace] = [values.text('folder'), values.text('namespace')];
  if (folder !== '') return new (await import('./consumers/folder-store.ts')).FolderStore(folder, namespace);
  return new (await import('./consumers/cluster-store.ts')).ClusterStore(values.text('kubeconfig'), namespace);
}

async function create(store: ConsumerStore, values: FlagValues, names: readonly string[]): Promise<void> {
  const name = onlyName('create', names);
  if ((await store.get(name)) !== undefined)
    throw new UsageError(`${nameOf(store, name)} exists; weir consumer rotate gives it another key`);
  const key = makeApiKey();
  const secret = secretOf(name, key);
  const settings = { groups: values.list('group'), plan: values.text('plan') };
  const made = newConsumer({ namespace: store.namespace, name }, settings, keyCredential(secret, endOf(values, Date.now())));
  const valid = validateObject(made, { strict: true });
  if (!valid.ok) throw new UsageError(valid.error.map(describeError).join('; '));
  await store.create(made, secret);
  printKey(key, `${nameOf(store, name)} is created. Its API key (Secret ${secret.name}) is shown this once:`);
}

async function list(store: ConsumerStore, values: FlagValues, names: readonly string[]): Promise<void> {
  if (names.length > 0) throw new UsageError('weir consumer list takes no name');
  const all = (await store.list()).map((one) => summaryOf(one, Date.now()));
  if (values.word('output', OUTPUTS) === 'json') return console.log(JSON.stringify(all, null, 2));
  console.log(tableOf(['name', 'state', 'plan', 'groups', 'credentials'], all.map(rowOf)));
}

async function show(store: ConsumerStore, values: FlagValues, names: readonly string[]): Promise<void> {
  const found = await existing(store, onlyName('show', names));
  const shown = summaryOf(found, Date.now());
  if (values.word('output', OUTPUTS) === 'json') return console.log(JSON.stringify(shown, null, 2));
  const rows = shown.credentials.map((one) => [one.type, one.name, one.state, one.notBefore ?? '', one.expires ?? '']);
  console.log(
    [tableOf(['name', 'state', 'plan', 'groups', 'credentials'], [rowOf(shown)]), '', tableOf(CREDENTIAL_COLUMNS, rows)].join('\n'),
  );
}

async function rotate(store: ConsumerStore, values: FlagValues, names: readonly string[]): Promise<void> {
  const name = onlyName('rotate', names);
  const found = await existing(store, name);
  const key = makeApiKey();
  const secret = secretOf(name, key);
  const now = Date.now();
  await store.change(found, rotation(found, secret, { now, end: now + values.time('overlap'), expires: endOf(values, now) }));
  printKey(
    key,
    `The former API keys of ${nameOf(store, name)} end in ${values.text('overlap')}. The new one (Secret ${secret.name}) is shown this once:`,
  );
}

async function revoke(store: ConsumerStore, _values: FlagValues, [name, secret, ...more]: readonly string[]): Promise<void> {
  if (name === undefined || more.length > 0) throw new UsageError('weir consumer revoke takes a name, and the Secret of one key');
  const found = await existing(store, name);
  const change = secret === undefined ? DISABLE : removal(found, secret);
  if (change === null) {
    const secrets = found.spec.credentials.flatMap(({ apiKey }) => apiKey?.secretRef.name ?? []);
    throw new UsageError(
      `${nameOf(store, name)} has no API key in the Secret ${secret ?? ''}; its keys are in ${secrets.join(', ') || 'none'}`,
    );
  }
  await store.change(found, change);
  console.log(
    secret === undefined ? `disabled ${nameOf(store, name)}: every credential is refused` : `removed the key of the Secret ${secret}`,
  );
}

function onlyName(action: string, [name, ...more]: readonly string[]): string {
  if (name === undefined || more.length > 0) throw new UsageError(`weir consumer ${action} takes one name`);
  return name;
}

async function existing(store: ConsumerStore, name: string): Promise<Consumer> {
  const found = await store.get(name);
  if (found === undefined) throw new UsageError(`${nameOf(store, name)} does not exist`);
  return found;
}

function nameOf({ namespace }: ConsumerStore, name: string): string {
  return `Consumer/${namespace}/${name}`;
}

/** Null without an end. */
function endOf(values: FlagValues, now: number): number | null {
  const lifetime = values.time('lifetime');
  return lifetime === 0 ? null : now + lifetime;
}

/** Only the key is on standard output, for scripts. */
function printKey(key: string, remark: string): void {
  console.error(remark);
  console.log(key);
}

const CREDENTIAL_COLUMNS = ['credential', 'name', 'state', 'not before', 'expires'];

/** A Consumer as `list` and `show` have it. */
interface Summary {
  readonly name: string;
  readonly state: string;
  readonly plan: string;
  readonly groups: readonly string[];
  readonly credentials: readonly ShownCredential[];
}

interface ShownCredential {
  readonly type: string;
  /** The Secret, the key or the claim that the credential is known by. */
  readonly name: string;
  readonly state: string;
  readonly notBefore?: string | undefined;
  readonly expires?: string | undefined;
}

function summaryOf(found: Consumer, now: number): Summary {
  const { metadata, spec } = found;
  const isValid = checkConsumer(found).length === 0;
  const state = !isValid ? 'invalid' : spec.disabled ? 'disabled' : stateOf(spec, now);
  const credentials = spec.credentials.map((one) => ({ ...shown(one), state: state === 'valid' ? stateOf(one, now) : state }));
  return { name: metadata.name, state, plan: spec.plan ?? '', groups: spec.groups, credentials };
}

function stateOf({ notBefore, expires }: { readonly notBefore?: string; readonly expires?: string }, now: number): string {
  if (expires !== undefined && Date.parse(expires) <= now) return 'expired';
  return notBefore !== undefined && Date.parse(notBefore) > now ? 'not yet valid' : 'valid';
}

function shown(credential: Consumer['spec']['credentials'][number]): Omit<ShownCredential, 'state'> {
  const { notBefore, expires } = credential;
  const type = CREDENTIAL_TYPES.find((one) => credential[one] !== undefined) ?? '';
  return { type, name: [...namesOf(credential)][0] ?? '', notBefore, expires };
}

function* namesOf({ apiKey, basic, hmac, publicKey, jwt, certificate }: Consumer['spec']['credentials'][number]): Iterable<string> {
  if (apiKey !== undefined) yield apiKey.secretRef.name;
  if (basic !== undefined) yield basic.username;
  if (hmac !== undefined) yield hmac.keyId;
  if (publicKey !== undefined) yield publicKey.keyId;
  if (jwt !== undefined) yield jwt.value;
  yield* Object.values(certificate ?? {});
}

function rowOf({ name, state, plan, groups, credentials }: Summary): readonly string[] {
  return [name, state, plan, groups.join(','), String(credentials.length)];
}
