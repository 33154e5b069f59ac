// The environment and the command of a container, from its image, its spec, ConfigMaps, Secrets and fields.
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { Configuration } from './configuration.ts';
import { SYSTEM_PATH } from './command.ts';
import { fieldOf, resourceOf } from './fields.ts';
import type { PlacedPod } from './fields.ts';
import type { ContainerSpec, EnvSource, EnvVar } from './objects.ts';
import type { Image } from './settings.ts';

type Environment = Record<string, string>;

/** The start parameters of a container's process. */
export interface Command {
  readonly words: readonly string[];
  readonly env: Readonly<Environment>;
  readonly workingDir: string;
}

/** Resolves a container's command; an error names the missing source. */
export function commandOf(placed: PlacedPod, container: ContainerSpec, image: Image, configuration: Configuration): Result<Command> {
  const env = environmentOf(placed, container, image, configuration);
  if (!env.ok) return env;
  const words = wordsOf(container, image, env.value);
  if (words.length === 0) return err(`neither the image ${container.image} nor the container says what to run`);
  return ok({ words, env: env.value, workingDir: container.workingDir ?? image.workingDir ?? '/' });
}

/** The `command` of a container replaces command and arguments of the image, its `args` the arguments only. */
function wordsOf({ command, args }: ContainerSpec, { entrypoint = [], arguments: own = [] }: Image, env: Environment): string[] {
  const expand = (word: string) => expanded(word, env);
  if (command !== undefined) return [...command, ...(args ?? [])].map(expand);
  return [...entrypoint, ...(args?.map(expand) ?? own)];
}

function environmentOf(placed: PlacedPod, container: ContainerSpec, image: Image, configuration: Configuration): Result<Environment> {
  const env: Environment = { PATH: SYSTEM_PATH, HOME: '/root', HOSTNAME: placed.pod.metadata.name, ...image.env };
  Object.assign(env, configuration.apiServerEnvironment());
  for (const source of container.envFrom ?? []) {
    const values = fromSource(placed, source, configuration);
    if (!values.ok) return values;
    Object.assign(env, values.value);
  }
  for (const variable of container.env ?? []) {
    const value = valueOf(placed, container, variable, configuration);
    if (!value.ok) return value;
    if (value.value !== null) env[variable.name] = expanded(value.value, env);
  }
  return ok(env);
}

function fromSource({ pod }: PlacedPod, source: EnvSource, configuration: Configuration): Result<Environment> {
  const namespace = pod.metadata.namespace ?? '';
  const prefixed = (values: ReadonlyMap<string, Buffer>) =>
    ok(Object.fromEntries([...values].map(([key, value]) => [(source.prefix ?? '') + key, value.toString()])));
  const { configMapRef, secretRef } = source;
  const [what, ref, values] =
    configMapRef === undefined
      ? (['secret', secretRef, configuration.secret(namespace, secretRef?.name ?? '')] as const)
      : (['configmap', configMapRef, configuration.configMap(namespace, configMapRef.name)] as const);
  if (values !== null) return prefixed(values);
  return ref?.optional === true ? ok({}) : err(`${what} "${ref?.name}" not found`);
}

/** Null for an optional variable that is missing. */
function valueOf(placed: PlacedPod, container: ContainerSpec, variable: EnvVar, configuration: Configuration): Result<string | null> {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {};
  const namespace = placed.pod.metadata.namespace ?? '';
  if (fieldRef !== undefined) return known(fieldOf(placed, fieldRef), fieldRef.fieldPath);
  if (resourceFieldRef !== undefined) return known(resourceOf(placed.pod, container.name, resourceFieldRef), resourceFieldRef.resource);
  if (configMapKeyRef !== undefined) return keyed('configmap', configMapKeyRef, configuration.configMap(namespace, configMapKeyRef.name));
  if (secretKeyRef !== undefined) return keyed('secret', secretKeyRef, configuration.secret(namespace, secretKeyRef.name));
  if (variable.valueFrom !== undefined) return err(`this cluster does not know ${Object.keys(variable.valueFrom).join()} of valueFrom`);
  return ok(variable.value ?? '');
}

function known(value: string | null, field: string): Result<string> {
  return value === null ? err(`this cluster cannot tell the field ${field}`) : ok(value);
}

function keyed(
  what: string,
  { name, key, optional }: { readonly name: string; readonly key: string; readonly optional?: boolean },
  values: ReadonlyMap<string, Buffer> | null,
): Result<string | null> {
  const value = values?.get(key);
  if (value !== undefined) return ok(value.toString());
  if (optional === true) return ok(null);
  return err(values === null ? `${what} "${name}" not found` : `couldn't find key ${key} in ${what} ${name}`);
}

/** Replaces `$(NAME)` by the value of the variable, if it exists; `$$` becomes `$`. */
export function expanded(text: string, env: Readonly<Environment>): string {
  return text.replace(/\$(?:\$|\(([^()\s]+)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(env, name) ? (env[name] ?? whole) : whole;
  });
}
