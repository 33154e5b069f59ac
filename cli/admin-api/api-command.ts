// The common part of commands over the admin API: their flags, and the API that they talk to.
import { flagsOf, FlagValues, type FlagGroup, type Flags } from '#lib/flags.ts';
import { API_FLAGS, apiEnvironment, apiTargetOf, REASON_FLAG, type ApiTarget } from './api-target.ts';
import { FORM_FLAG } from './printed.ts';

/** The flags of a command: its own, the output, and those of the API. `changes`: it has --reason. */
export function apiFlags(own: Flags, { changes = false }: { readonly changes?: boolean } = {}): readonly FlagGroup[] {
  const first = { ...own, ...(changes ? REASON_FLAG : {}), output: FORM_FLAG };
  return [
    { title: '', flags: first },
    { title: 'Connection', flags: API_FLAGS },
  ];
}

/** The values of flags; those of the connection may come from the environment. */
export function apiValues(args: readonly string[], flags: readonly FlagGroup[]): FlagValues {
  return new FlagValues(args, flagsOf(flags), apiEnvironment(), true);
}

/** A run of a command: its flags, and its API, which is known at the first call. */
export class ApiRun {
  readonly values: FlagValues;
  #target: ApiTarget | null = null;

  constructor(args: readonly string[], flags: readonly FlagGroup[]) {
    this.values = apiValues(args, flags);
  }

  get target(): ApiTarget {
    return (this.#target ??= apiTargetOf(this.values));
  }

  get words(): readonly string[] {
    return this.values.positionals;
  }
}

/** The texts of those flags that are given, as members of a query. */
export function textsOf<Name extends string>(values: FlagValues, names: readonly Name[]): Partial<Record<Name, string>> {
  const given = names.flatMap((name) => (values.text(name) === '' ? [] : [[name, values.text(name)]]));
  return Object.fromEntries(given) as Partial<Record<Name, string>>;
}
