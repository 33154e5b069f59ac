// The attributes of an exchange that a processor asks for, with Envoy's names.
import { ATTRIBUTES, type AttributeValue } from '../../exchange/attributes.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Attributes } from './messages.ts';
import type { ProcessorSettings } from './modes.ts';

export type AttributeName = NonNullable<ProcessorSettings['requestAttributes']>[number];

/** The name of the filter that attributes belong to. */
const NAMESPACE = 'envoy.filters.http.ext_proc';

/** The attributes for a message; nothing without names. */
export function attributesOf(
  names: readonly AttributeName[],
  exchange: Exchange,
): { readonly attributes?: Readonly<Record<string, Attributes>> } {
  if (names.length === 0) return {};
  const fields = Object.fromEntries(names.map((name) => [name, valueOf(ATTRIBUTES[name](exchange))]));
  return { attributes: { [NAMESPACE]: { fields } } };
}

function valueOf(value: AttributeValue): Attributes['fields'][string] {
  if (typeof value === 'string') return { stringValue: value };
  return typeof value === 'number' ? { numberValue: value } : { boolValue: value };
}
