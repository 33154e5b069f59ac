// Names of types and fields.
import { ProtobufFault } from './fault.ts';

/** A name with the package or the message around it. */
export function qualified(scope: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new ProtobufFault(`the name ${JSON.stringify(name)} is invalid`);
  return scope === '' ? name : `${scope}.${name}`;
}

/** The type of that name, which a descriptor writes with a dot before it. */
export function resolved<T>(types: ReadonlyMap<string, T>, reference: string): T {
  const found = reference.startsWith('.') ? types.get(reference.slice(1)) : undefined;
  if (found === undefined) throw new ProtobufFault(`the type ${JSON.stringify(reference)} is not in the set`);
  return found;
}

/** The name of a field in JSON, unless its descriptor has another: `shelf_id` is `shelfId`. */
export function jsonNameOf(name: string): string {
  return name.replace(/_+([^_]?)/g, (_, next: string) => next.toUpperCase());
}
