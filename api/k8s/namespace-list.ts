// Names of namespaces in a flag.
import { Mistake, type FlagValues } from '#lib/flags.ts';

/** The namespaces in a flag, separated by commas; none if it is empty. Throws a Mistake. */
export function namespaceList(values: FlagValues, flag: string): readonly string[] {
  const names = values.parts(flag);
  const strange = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (strange !== undefined) throw new Mistake(`--${flag}: ${JSON.stringify(strange)} is not the name of a namespace`);
  return names;
}
