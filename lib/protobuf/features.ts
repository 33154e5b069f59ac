// How the fields of a file behave: by its syntax, or by its edition and the features that it sets
// (https://protobuf.dev/editions/features/).
import { ProtobufFault } from './fault.ts';
import type { RawFields } from './raw-fields.ts';

/** Numbers of `FeatureSet` and its values. */
const PRESENCE = { field: 1, implicit: 2, required: 3 };
const REPEATED = { field: 3, packed: 1 };
const ENCODING = { field: 5, delimited: 2 };

export interface Features {
  readonly presence: 'explicit' | 'implicit' | 'required';
  readonly isPacked: boolean;
  readonly isDelimited: boolean;
}

const PROTO2: Features = { presence: 'explicit', isPacked: false, isDelimited: false };
const PROTO3: Features = { presence: 'implicit', isPacked: true, isDelimited: false };
/** Of the editions so far. */
const EDITION: Features = { presence: 'explicit', isPacked: true, isDelimited: false };
/** `Edition.EDITION_2023` and `EDITION_2024`. */
const EDITIONS = [1000, 1001];

/** The features of a file before its options. */
export function featuresOfSyntax(syntax: string, edition: number): Features {
  if (syntax === '' || syntax === 'proto2') return PROTO2;
  if (syntax === 'proto3') return PROTO3;
  if (syntax === 'editions' && EDITIONS.includes(edition)) return EDITION;
  throw new ProtobufFault(`its syntax ${JSON.stringify(syntax)} with edition ${edition} is not known`);
}

/** The features with those of options, which are the field `number` of the options; the same without any. */
export function withFeatures(features: Features, options: RawFields, number: number): Features {
  if (!options.has(number)) return features;
  const set = options.message(number);
  return {
    presence: set.has(PRESENCE.field) ? presenceOf(set.number(PRESENCE.field)) : features.presence,
    isPacked: set.has(REPEATED.field) ? set.number(REPEATED.field) === REPEATED.packed : features.isPacked,
    isDelimited: set.has(ENCODING.field) ? set.number(ENCODING.field) === ENCODING.delimited : features.isDelimited,
  };
}

function presenceOf(value: number): Features['presence'] {
  if (value === PRESENCE.implicit) return 'implicit';
  return value === PRESENCE.required ? 'required' : 'explicit';
}
