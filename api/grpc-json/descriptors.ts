// The descriptors of services for gRPC-JSON: their types, and the bindings of their methods.
import { readDescriptorSet } from '#lib/protobuf/descriptor-set.ts';
import { guarded } from '#lib/protobuf/fault.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { BindingTable } from './binding-table.ts';
import { bindingsOf, pathBindingOf, type Binding } from './binding.ts';

export interface Descriptors {
  readonly schema: Schema;
  readonly bindings: readonly Binding[];
}

/** Reads a descriptor set. The errors name the file, the type or the method. */
export function readDescriptors(bytes: Buffer): Result<Descriptors, readonly string[]> {
  const schema = readDescriptorSet(bytes);
  if (!schema.ok) return err([schema.error]);
  const read = guarded(() => [...schema.value.methods.values()].map(bindingsOf));
  if (!read.ok) return err([read.error]);
  const bindings = read.value.flatMap((each) => each.bindings);
  const conflicts = new BindingTable(bindings).conflicts.map(
    ([one, other]) => `${nameOf(one)}: ${one.verb} ${one.template} is a path of ${nameOf(other)} too`,
  );
  const faults = [...read.value.flatMap((each) => each.faults), ...conflicts];
  return faults.length === 0 ? ok({ schema: schema.value, bindings }) : err(faults);
}

/** The descriptors of a schema with those of its bindings that have no fault. */
export function usableDescriptors(schema: Schema): Descriptors {
  const read = guarded(() => [...schema.methods.values()].flatMap((method) => bindingsOf(method).bindings));
  return { schema, bindings: read.ok ? read.value : [] };
}

function nameOf({ method }: Binding): string {
  return `${method.service}.${method.name}`;
}

/** The bindings in use: of these services (null: of all), and with the paths of gRPC itself. */
export function tableOf({ schema, bindings }: Descriptors, services: readonly string[] | null, hasMethodPaths: boolean): BindingTable {
  const isServed = (service: string): boolean => services === null || services.includes(service);
  const ofPaths = hasMethodPaths ? [...schema.methods.values()].map(pathBindingOf) : [];
  return new BindingTable([...bindings, ...ofPaths].filter(({ method }) => isServed(method.service)));
}
