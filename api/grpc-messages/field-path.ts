// Paths of fields in messages of protobuf: `card.number`, `items.price` (of every item), `labels.tenant` and `labels.*` (entries of a map).
import type { Field, MessageType } from '#lib/protobuf/types.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** Stands for all keys of a map. */
export const EVERY_KEY = '*';

/** A field on the way, and of a map the key; null: the map as a whole. */
export interface FieldStep {
  readonly field: Field;
  readonly key: string | null;
}

export type FieldPath = readonly FieldStep[];

/** Finds the fields of a path in a type. The error is a sentence without its subject. */
export function fieldPath(type: MessageType, text: string): Result<FieldPath> {
  const names = text.split('.');
  const steps: FieldStep[] = [];
  let message: MessageType | null = type;
  while (names.length > 0) {
    const name = names.shift() as string;
    const field: Field | undefined = message?.byName.get(name);
    if (field === undefined)
      return err(message === null ? `goes on behind ${steps.at(-1)?.field.name ?? ''}, which is no message` : unknown(message, name));
    const key = field.map === null ? null : (names.shift() ?? null);
    steps.push({ field, key });
    message = field.map === null ? field.message : field.map.value.message;
  }
  return ok(steps);
}

function unknown({ name, fields }: MessageType, wanted: string): string {
  const names = fields.map((field) => field.name);
  return `is not in the descriptors: ${name} has no field ${JSON.stringify(wanted)}${didYouMean(wanted, names)}`;
}
